"""From the board's answers to figures: ticks to what they mean, answers to how good they were. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.records.bench import ErrorFigures, Speedup, Spread, Unit, ViolationRate
from axedge.host.messages import Hello, Path
from axedge.kernels.metrics import GateFigures, clopper_pearson

HOST_CLOCK = 5
"""HELLO's tick_source of the native board."""


@dataclass(frozen=True)
class TickUnit:
    """What a tick is worth.

    Attributes:
        name: the unit.
        per_tick: units a tick.
        overhead: raw ticks of an empty call.
    """

    name: Unit
    per_tick: float
    overhead: int

    def cost(self, ticks: NDArray[np.uint32]) -> NDArray[np.float64]:
        """Return what calls cost, in units, the overhead subtracted; a call cheaper than the clock's noise costs 0."""
        return np.maximum(ticks.astype(np.float64) - self.overhead, 0.0) * self.per_tick


def tick_unit(hello: Hello, icount_shift: int | None, core_hz: int) -> TickUnit:
    """Return what this board's ticks are worth.

    Under QEMU's -icount an instruction takes 2^shift ns, so instructions = ticks x 1e9 / (hz x 2^shift).

    Args:
        hello: the board's tick source, rate and overhead.
        icount_shift: QEMU's, None on anything else.
        core_hz: rate of the board's first choice of timer, which counts its core's cycles; a slower one counts several.
    """
    if icount_shift is not None:
        return TickUnit("instructions", 1e9 / (hello.tick_hz * 2**icount_shift), hello.tick_overhead)
    if hello.tick_source == HOST_CLOCK:
        return TickUnit("nanoseconds", 1e9 / hello.tick_hz, hello.tick_overhead)
    return TickUnit("cycles", core_hz / hello.tick_hz, hello.tick_overhead)


def spread(cost: NDArray[np.float64]) -> Spread | None:
    """Return the spread of what calls cost, None of no calls."""
    if len(cost) == 0:
        return None
    return Spread(
        min=float(cost.min()),
        median=float(np.median(cost)),
        mean=float(cost.mean()),
        p95=float(np.percentile(cost, 95)),
        max=float(cost.max()),
    )


def error_figures(errors: NDArray[np.float64]) -> ErrorFigures:
    """Return percentiles of errors that may be infinite: each is an error that occurred, none is interpolated."""
    if len(errors) == 0:
        return ErrorFigures(median=None, p95=None, p99=None, max=None)
    median, p95, p99, largest = np.percentile(errors, [50, 95, 99, 100], method="inverted_cdf").tolist()
    return ErrorFigures(median=median, p95=p95, p99=p99, max=largest)


def violation_rate(gate: GateFigures) -> ViolationRate:
    """Return the share of the invoked that were not safe, with its 95 % interval."""
    low, high = clopper_pearson(gate.invoked - gate.useful, gate.invoked, 0.95)
    return ViolationRate(value=gate.violation_rate, low=low, high=high)


def speedup(unit: Unit, gated: NDArray[np.float64], exact: NDArray[np.float64] | None, invocation: float) -> Speedup:
    """Return mean exact over mean gated, its interval, and the bound that the invocation sets.

    The 95 % interval is that of a ratio of two means over paired samples (delta method): it holds the chance of the
    draw and the noise of the clock. None below two samples.

    Args:
        unit: of the costs.
        gated: costs of the gated calls, shape (n,).
        exact: costs of the exact function on the same samples, or None.
        invocation: share of the samples that the network answered.
    """
    bound = 1 / (1 - invocation) if invocation < 1 else None
    if exact is None or gated.mean() == 0:
        return Speedup(value=None, of=unit, bound=bound, low=None, high=None)
    ratio = float(exact.mean() / gated.mean())
    if len(gated) < 2:
        return Speedup(value=ratio, of=unit, bound=bound, low=None, high=None)
    wide = 1.96 * float(np.std(exact - ratio * gated, ddof=1)) / len(gated) ** 0.5 / float(gated.mean())
    return Speedup(value=ratio, of=unit, bound=bound, low=max(ratio - wide, 0.0), high=ratio + wide)


def break_even(
    path: NDArray[np.uint8],
    gated: NDArray[np.float64],
    approximate: NDArray[np.float64],
    exact: NDArray[np.float64] | None,
) -> float | None:
    """Return the invocation at which a gated call costs on average what the exact function costs.

    With A the mean cost of a gated call that approximated, F of one that fell back and E of the exact function, it is
    (F - E) / (F - A). Where no call fell back, F = E + A; where none approximated, A is the network's own cost.

    Returns:
        0 where even falling back always is no dearer; None where it never pays (A >= E), or without an exact function.
    """
    if exact is None or len(exact) == 0:
        return None
    used = path == Path.APPROXIMATED
    e = float(exact.mean())
    a = float(gated[used].mean()) if used.any() else float(approximate.mean()) if len(approximate) else e
    f = float(gated[~used].mean()) if not used.all() else e + a
    if a >= e:
        return None
    return (f - e) / (f - a) if f > e else 0.0
