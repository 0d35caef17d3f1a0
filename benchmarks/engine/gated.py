"""The mean of a gated call: the network where it may be used, else the exact function."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from axedge.convert.deployment import TURNED_AWAY, answer
from axedge.convert.qnet import Deployment
from axedge.kernels.kernel import Kernel
from benchmarks.engine.harness import CALLS, Bench, Exact, Machine
from benchmarks.engine.networks import with_threshold

NEVER, ALWAYS = 1 << 15, -(1 << 15)


@dataclass(frozen=True)
class GatedMean:
    """What the parts cost on one core, in instructions a call, and the mean that follows.

    Attributes:
        accepted: the network's answer.
        rejected: its refusal, without what follows.
        exact: the exact function.
        instructions: mean over a test set: invocation * accepted + (1 - invocation) * (rejected + exact).
    """

    accepted: float
    rejected: float
    exact: float
    instructions: float

    def __str__(self) -> str:
        return f"gated {self.instructions:.0f} of {self.exact:.0f} instructions"


def bench_inputs(kernel: Kernel) -> np.ndarray:
    """Return as many inputs of the application as the bench makes calls, float32, shape (calls, inputs)."""
    return kernel.draw("bench", CALLS, 0).x


def within_guard(deployment: Deployment, x: np.ndarray) -> np.ndarray:
    """Return those of the inputs, float32 of shape (N, inputs), that the domain guard lets through to the network."""
    return x[answer(deployment, x)[1] != TURNED_AWAY]


def gated_mean(deployment: Deployment, kernel: Kernel, machine: Machine, invocation: float, folder: Path) -> GatedMean:
    """Count the parts of a gated call, each over 1,000 inputs of the application that the domain guard lets through.

    Args:
        deployment: converted.
        kernel: the fallback.
        machine: the emulated core.
        invocation: share of inputs on which the network is used, from more samples than are run here.
        folder: for the bench's files.
    """
    inputs = within_guard(deployment, bench_inputs(kernel))
    own = Exact(kernel.name, Path(str(kernel.source)))
    counted = []
    for name, threshold, exact, target in (
        ("accepted", ALWAYS, None, "axe_bench"),
        ("rejected", NEVER, None, "axe_bench"),
        ("exact", NEVER, own, kernel.name),
    ):
        bench = Bench(folder / name, with_threshold(deployment, threshold), machine, "speed", exact, inputs)
        ticks = bench.run(target).ticks - bench.run("empty_float").ticks
        counted.append(round(machine.instructions(ticks) / CALLS, 1))
    accepted, rejected, exact_cost = counted
    mean = invocation * accepted + (1 - invocation) * (rejected + exact_cost)
    return GatedMean(accepted, rejected, exact_cost, round(mean, 1))
