"""`python -m benchmarks.tflm --tflm DIR`: what TFLM costs beside the generated C, each library, core and network.

A run over all of them writes the table of docs/tflm.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from axedge.artifacts.errors import AxedgeError, CheckFailed
from axedge.artifacts.files import atomic_write
from axedge.convert.deployment import model_hash
from axedge.convert.qnet import Deployment
from axedge.firmware.boards import load_board
from axedge.firmware.tflm import Tflm, fitting_tflm
from axedge.firmware.toolchain import find_toolchain
from axedge.kernels.kernel import load_kernel
from benchmarks.engine.gated import ALWAYS, NEVER, bench_inputs, within_guard
from benchmarks.engine.harness import MACHINES, Bench, Machine
from benchmarks.engine.measure import Row, expected_checksum, row
from benchmarks.engine.networks import FOLDER, SHAPES, reference, with_threshold
from benchmarks.engine.stored import read_deployment
from benchmarks.tflm.flatbuffer import write_tflite
from benchmarks.tflm.harness import BOARDS, Engine, TflmBench, renamed
from benchmarks.tflm.page import with_table

_ROOT = Path(__file__).resolve().parents[2]
_PAGE = _ROOT / "docs" / "tflm.md"
_CORES = ("cortex-m0", "cortex-m4")
_TRAINED = "inversek2j"
#: Calls beside the core are measured on the trained network only: what surrounds the network is the same for all.
MEASURES = (("core", ALWAYS), ("call_accepted", ALWAYS), ("call_rejected", NEVER))
_HEADER = f"{'network':12}{'core':11}{'engine':18}{'measure':15}{'instructions':>12}{'flash':>8}{'RAM':>6}{'stack':>7}"


def libraries(folder: Path, core: str) -> list[Tflm]:
    """Return the libraries in TFLM's tree that fit a core.

    Raises:
        UsageError: there is none.
    """
    board = load_board(BOARDS[core])
    return fitting_tflm(folder, board, find_toolchain(board.toolchain))


def networks(chosen: list[str]) -> Iterator[tuple[str, Deployment, bytes, np.ndarray | None]]:
    """Yield each network as TFLM reads it, and the inputs of its calls.

    Those of a trained network are the application's that its domain guard lets through, as in benchmarks/engine.
    """
    deployments = {name: reference(name) for name in SHAPES}
    deployments[_TRAINED] = read_deployment(FOLDER / f"{_TRAINED}.json")[0]
    for name in chosen:
        deployment = deployments[name]
        tflite, net = write_tflite(deployment.net)
        inputs = within_guard(deployment, bench_inputs(load_kernel(_TRAINED))) if name == _TRAINED else None
        yield name, renamed(replace(deployment, net=net, model_hash=model_hash(tflite))), tflite, inputs


def rows_of(
    name: str, deployment: Deployment, tflite: bytes, inputs: np.ndarray | None, machine: Machine, folder: Path
) -> Iterator[Row]:
    """Measure aot, and every library that fits, on the same network and inputs.

    Raises:
        CheckFailed: an engine's answers differ from the reference's.
    """
    engines: list[tuple[str, Tflm | None]] = [("aot", None)]
    engines += [(f"tflm {found.kernels}", found) for found in libraries(folder, machine.core)]
    with tempfile.TemporaryDirectory() as made:
        scratch = Path(made)
        bench = Bench(scratch / "empty", deployment, machine, "speed", inputs=inputs)
        empty_net, empty_float = bench.run("empty_net"), bench.run("empty_float")
        for engine, tflm in engines:
            behind = None if tflm is None else Engine(scratch / engine, deployment, tflite, machine, tflm)
            for measure, threshold in MEASURES[: 3 if name == _TRAINED else 1]:
                gated, folder = with_threshold(deployment, threshold), scratch / f"{engine} {measure}"
                bench = Bench(folder, gated, machine, "speed", inputs=inputs)
                if behind is not None:
                    bench = TflmBench(folder, gated, machine, behind, inputs)
                full = bench.run("axe_bench_net" if measure == "core" else "axe_bench")
                if measure == "core" and full.checksum != expected_checksum(deployment):
                    raise CheckFailed(f"{name} on {machine.core}, {engine}: the answers differ from the reference's.")
                empty = empty_net if measure == "core" else empty_float
                yield replace(row(machine, name, "speed", measure, full, empty), engine=engine)


def main() -> int:
    """Print the rows and the ratios; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tflm", description=__doc__)
    parser.add_argument("--tflm", type=Path, required=True, help="the source tree in which TFLM was built")
    parser.add_argument("--out", type=Path, default=_ROOT / "out" / "tflm.json")
    names = [*SHAPES, _TRAINED]
    parser.add_argument("--network", action="append", choices=names, help="only this one; may be given again")
    parser.add_argument("--core", action="append", choices=_CORES, help="only this one; may be given again")
    options = parser.parse_args()
    try:
        rows = list(_measure(options.tflm, options.network or names, options.core or list(_CORES)))
    except AxedgeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    atomic_write(options.out, json.dumps({"schema": 1, "rows": [one.as_dict() for one in rows]}, indent=1) + "\n")
    if not (options.network or options.core):
        atomic_write(_PAGE, with_table(_PAGE.read_text(encoding="utf-8"), rows))
    print("\ntflm over aot, instructions of the core:")
    core = [one for one in rows if one.measure == "core"]
    aot = {(one.network, one.core): one.instructions for one in core if one.engine == "aot"}
    for one in core:
        if one.engine != "aot":
            ratio = one.instructions / aot[one.network, one.core]
            print(f"{one.network:12}{one.core:11}{one.engine:18}{ratio:6.1f}")
    return 0


def _measure(folder: Path, chosen: list[str], cores: list[str]) -> Iterator[Row]:
    print(_HEADER, flush=True)
    for name, deployment, tflite, inputs in networks(chosen):
        for core in cores:
            for one in rows_of(name, deployment, tflite, inputs, MACHINES[core], folder):
                label = f"{one.network:12}{one.core:11}{one.engine:18}{one.measure:15}"
                taken = f"{one.flash_bytes:8,}{one.ram_bytes:6,}{one.stack_bytes:7,}"
                print(f"{label}{one.instructions:12,.0f}{taken}", flush=True)
                yield one


if __name__ == "__main__":
    sys.exit(main())
