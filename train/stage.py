"""`axedge train`: from a kernel to axnet.keras, its runners-up and train.json."""

from __future__ import annotations

import json
import platform
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from axedge.artifacts.files import digest
from axedge.artifacts.progress import Progress, silent
from axedge.artifacts.records.base import axedge_version
from axedge.artifacts.records.train import (
    Candidate,
    NetworkShape,
    Normalisation,
    Scaling,
    SplitSizes,
    TrainOptions,
    TrainRecord,
    TrainRound,
)
from axedge.kernels.kernel import Kernel
from axedge.train.axnet import Trained, train_axnet
from axedge.train.judge import Judge
from axedge.train.network import save_keras, to_keras
from axedge.train.normalise import Affine
from axedge.train.recipes import Recipe, find_recipe
from axedge.train.runtime import tensorflow
from axedge.train.split import draw_split
from axedge.train.topology import Topology

TEST_SAMPLES = 30_000


def train_inputs_digest(
    kernel: Kernel, *, seed: int = 0, recipe: str = "default", steps: int | None = None, restarts: int | None = None
) -> str:
    """Return the hash of all that decides what `train_kernel` makes: the kernel, the recipe's numbers, the options."""
    plan = _plan(kernel, recipe, steps, restarts)
    numbers = json.dumps(asdict(plan), sort_keys=True)
    return digest("train", axedge_version(), kernel.name, kernel.digest(), numbers, str(seed))


def train_kernel(
    kernel: Kernel,
    folder: Path,
    *,
    seed: int = 0,
    recipe: str = "default",
    steps: int | None = None,
    restarts: int | None = None,
    progress: Progress = silent,
) -> TrainRecord:
    """Train an AXNet for the kernel and write axnet.keras, axnet_1.keras ... and train.json into `folder`.

    Args:
        kernel: what to approximate, and the network's shape.
        folder: where to write.
        seed: of samples and starting weights, 0 or more; the same seed gives the same network on one machine.
        recipe: "default" or "paper".
        steps: Adam steps in all, None for the recipe's.
        restarts: networks in the first round, None for the recipe's.
        progress: called with work done, the whole, and the best network's figures.

    Returns:
        What train.json holds.

    Raises:
        UsageError: there is no such recipe.
        KernelError: no samples can be drawn.
        ToolMissing: TensorFlow or a C compiler is not installed.
        ArtifactError: the folder cannot be written.
    """
    started, processor = time.monotonic(), time.process_time()
    plan = _plan(kernel, recipe, steps, restarts)
    topology = Topology.of_kernel(kernel, plan.predictor_activation)
    split = draw_split(kernel, plan.train_samples, plan.validation_samples, TEST_SAMPLES, seed)
    trained = train_axnet(kernel, split, topology, plan, seed, progress)
    judge = Judge(topology, kernel.error, trained.inputs.apply(split.test.x), split.test, trained.outputs)
    metrics = judge.report(trained.flat[0])
    candidates = _save_networks(topology, trained, folder)
    record = TrainRecord(
        axedge=axedge_version(),
        inputs_digest=train_inputs_digest(kernel, seed=seed, recipe=recipe, steps=steps, restarts=restarts),
        kernel=kernel.name,
        kernel_digest=kernel.digest(),
        options=TrainOptions(seed=seed, recipe=recipe, steps=steps, restarts=restarts),
        rounds=_rounds(plan),
        paces=list(plan.paces),
        topology=_shape(topology),
        parameters=topology.parameters,
        normalisation=Normalisation(inputs=_scalings(trained.inputs), outputs=_scalings(trained.outputs)),
        split=SplitSizes(train=len(split.train), validation=len(split.validation), test=len(split.test)),
        history=trained.history,
        metrics=metrics,
        candidates=candidates,
        versions=_versions(),
        cpu_seconds=time.process_time() - processor,
        elapsed_s=time.monotonic() - started,
    )
    record.save(folder)
    return record


def _plan(kernel: Kernel, recipe: str, steps: int | None, restarts: int | None) -> Recipe:
    return find_recipe(recipe).for_size(Topology.of_kernel(kernel).parameters).scaled(steps, restarts)


def _save_networks(topology: Topology, trained: Trained, folder: Path) -> list[Candidate]:
    """Write the networks and remove what an earlier training left; train.json goes first, so it never lies."""
    (folder / TrainRecord.FILE).unlink(missing_ok=True)
    candidates = []
    for index, (flat, judgement) in enumerate(zip(trained.flat, trained.judgements, strict=True)):
        name = f"axnet_{index}.keras" if index else "axnet.keras"
        save_keras(to_keras(topology, flat), folder / name)
        candidates.append(Candidate(file=name, true_invocation=judgement.true_invocation, inv95=judgement.inv95))
    kept = {candidate.file for candidate in candidates}
    for path in folder.glob("axnet_*.keras"):
        if path.name not in kept:
            path.unlink()
    return candidates


def _rounds(plan: Recipe) -> list[TrainRound]:
    return [TrainRound(**asdict(part)) for part in plan.rounds]


def _shape(topology: Topology) -> NetworkShape:
    return NetworkShape(
        inputs=topology.inputs,
        outputs=topology.outputs,
        approximator=list(topology.approximator),
        predictor=list(topology.predictor),
        approximator_activation=topology.approximator_activation,
        predictor_activation=topology.predictor_activation,
    )


def _scalings(affine: Affine) -> list[Scaling]:
    pairs = zip(affine.offset, affine.scale, strict=True)
    return [Scaling(offset=float(offset), scale=float(scale)) for offset, scale in pairs]


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), "tensorflow": tensorflow().__version__, "numpy": version("numpy")}
