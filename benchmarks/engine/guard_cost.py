"""What the domain guard costs a call: instructions and flash with it, less those without.

    python -m benchmarks.engine.guard_cost out/sobel/convert out/inversek2j/convert

For each folder that `axedge convert` wrote, 1,000 calls with inputs of the application that the guard lets through, so
that all of it runs, and the network's answer is used; on emulated cores, for each thing that C is generated for.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from axedge.convert.deployment import load_deployment
from axedge.convert.qnet import Deployment
from axedge.kernels.kernel import load_kernel
from benchmarks.engine.gated import ALWAYS, bench_inputs, within_guard
from benchmarks.engine.harness import CALLS, MACHINES, Bench, Machine
from benchmarks.engine.networks import with_threshold

_CORES = ("cortex-m0", "cortex-m4")
_MODES = ("speed", "size")


def parts(deployment: Deployment) -> Iterator[tuple[str, Deployment]]:
    """Yield a name and the deployment with that part of its guard alone, for each part that it has."""
    if deployment.guard:
        rows = ", ".join(str(len(band.low)) for band in deployment.guard)
        yield (
            f"{len(deployment.guard)} band{'s' if len(deployment.guard) > 1 else ''}, {rows} rows",
            replace(deployment, envelope=None),
        )
    if deployment.envelope is not None:
        count, inputs = deployment.envelope.weights.shape
        yield f"envelope, {count} projections of {inputs} inputs", replace(deployment, guard=())


def cost(guarded: Deployment, machine: Machine, mode: str, inputs: np.ndarray) -> tuple[float, int, float]:
    """Return the guard's instructions a call, its bytes of flash, and the instructions of a call without it."""
    results = []
    for one in (guarded, replace(guarded, guard=(), envelope=None)):
        with tempfile.TemporaryDirectory() as scratch:
            bench = Bench(Path(scratch), with_threshold(one, ALWAYS), machine, mode, None, inputs)
            full, empty = bench.run("axe_bench"), bench.run("empty_float")
        results.append((machine.instructions(full.ticks - empty.ticks) / CALLS, full.flash_bytes))
    (with_it, bytes_with), (without, bytes_without) = results
    return with_it - without, bytes_with - bytes_without, without


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, file_okay=False))
def main(folders: tuple[Path, ...]) -> None:
    """Print a table."""
    click.echo("| kernel | guard | core | made for | instructions | flash B | call without it |")
    click.echo("|---|---|---|---|---:|---:|---:|")
    for folder in folders:
        deployment = load_deployment(folder)
        inputs = within_guard(deployment, bench_inputs(load_kernel(deployment.kernel)))
        for name, part in parts(deployment):
            for core in _CORES:
                for mode in _MODES:
                    more, size, without = cost(part, MACHINES[core], mode, inputs)
                    words = (deployment.kernel, name, core, mode, f"{more:.0f}", str(size), f"{without:.0f}")
                    click.echo(f"| {' | '.join(words)} |")


if __name__ == "__main__":
    main()
