"""The trained networks of the bench: inversek2j at its guarantee, trained and converted with the defaults.

`python -m benchmarks.engine.trained` makes all of them again (ten minutes on one core): the small network for either
kernel, and for the kernel in double the topology of at most 300 parameters with the lowest gated mean.
What was trained is kept in out/engine, so that it can be interrupted.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from axedge.artifacts.records.convert import ConvertRecord
from axedge.artifacts.records.train import TrainRecord
from axedge.convert.deployment import load_deployment
from axedge.convert.qnet import Deployment
from axedge.convert.stage import convert_inputs_digest, convert_kernel
from axedge.kernels.kernel import Kernel, NetworkSpec, load_kernel
from axedge.pipeline import DEFAULT_PROMISE
from axedge.train.stage import train_inputs_digest, train_kernel
from benchmarks.engine.gated import GatedMean, gated_mean
from benchmarks.engine.harness import MACHINES
from benchmarks.engine.stored import write_deployment

FOLDER = Path(__file__).parent
WORK = FOLDER.parents[1] / "out" / "engine"
MOST_PARAMETERS = 300
SEED = 0

#: (approximator, predictor): all of at most 300 parameters for two inputs and two outputs.
TOPOLOGIES = (
    ((5,), (3,)),
    ((8,), (4,)),
    ((12,), (4,)),
    ((12,), (6,)),
    ((16,), (4,)),
    ((16,), (8,)),
    ((20,), (6,)),
    ((8, 8), (4,)),
)


@dataclass(frozen=True)
class Made:
    """A network with what was learnt about it."""

    deployment: Deployment
    provenance: dict[str, Any]
    mean: GatedMean


def main() -> int:
    """Make every network; return the exit code."""
    for name in ("inversek2j", "inversek2j_double"):
        write(f"{name}.json", make(load_kernel(name), *TOPOLOGIES[0]))
    kernel = load_kernel("inversek2j_double")
    made = list(_all_of(kernel))
    best = min(made, key=lambda each: each.mean.instructions)
    tried = [_tried(each) for each in made]
    write("inversek2j_double_best.json", replace(best, provenance=best.provenance | {"tried": tried}))
    return 0


def _tried(made: Made) -> dict[str, Any]:
    return made.provenance["network"] | {"invocation": made.provenance["invocation"]} | asdict(made.mean)


def write(name: str, made: Made) -> None:
    """Keep a network in the repository."""
    write_deployment(FOLDER / name, made.deployment, made.provenance | {"gated_mean": asdict(made.mean)})


def _all_of(kernel: Kernel) -> Iterator[Made]:
    for approximator, predictor in TOPOLOGIES:
        spec = NetworkSpec(approximator=approximator, predictor=predictor)
        if spec.parameters(len(kernel.inputs), len(kernel.outputs)) <= MOST_PARAMETERS:
            yield make(kernel, approximator, predictor)


def make(kernel: Kernel, approximator: tuple[int, ...], predictor: tuple[int, ...]) -> Made:
    """Train and convert with the defaults, or take what is there, and count what it costs on a Cortex-M4F."""
    spec = replace(kernel.network, approximator=approximator, predictor=predictor)
    shaped = replace(kernel, network=spec, settings=f"{kernel.settings}{approximator}{predictor}")
    name = "-".join([kernel.name, "x".join(map(str, approximator)), "x".join(map(str, predictor))])
    train, convert = WORK / name / "train", WORK / name / "convert"
    record = _converted(shaped, train, convert)
    deployment = load_deployment(convert)
    with tempfile.TemporaryDirectory() as scratch:
        mean = gated_mean(deployment, kernel, MACHINES["cortex-m4"], record.figures.invocation, Path(scratch))
    network = {"approximator": list(approximator), "predictor": list(predictor), "parameters": record.parameters}
    provenance = {
        "made_by": "python -m benchmarks.engine.trained",
        "axedge": record.axedge,
        "kernel": kernel.name,
        "network": network,
        "seed": SEED,
        "convert": record.options.model_dump() if record.options else {},
        "how": record.how,
        "invocation": record.figures.invocation,
        "precision": record.figures.precision,
        "test_count": record.test_count,
        "versions": record.versions,
    }
    print(f"{name:36} {record.parameters:4} parameters  invocation {record.figures.invocation:.4f}  {mean}", flush=True)
    return Made(deployment, provenance, mean)


def _converted(kernel: Kernel, train: Path, convert: Path) -> ConvertRecord:
    trained = TrainRecord.load_if_present(train)
    if trained is None or trained.inputs_digest != train_inputs_digest(kernel, seed=SEED):
        train_kernel(kernel, train, seed=SEED)
    wanted = convert_inputs_digest(kernel, train, seed=SEED, **DEFAULT_PROMISE)
    present = ConvertRecord.load_if_present(convert)
    if present is not None and present.inputs_digest == wanted:
        return present
    return convert_kernel(kernel, train, convert, seed=SEED, **DEFAULT_PROMISE)


if __name__ == "__main__":
    sys.exit(main())
