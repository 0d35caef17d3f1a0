"""One plain sentence about a bench: worth it on this board or not, and by how much, in the unit measured."""

from __future__ import annotations

from dataclasses import dataclass

from axedge.artifacts.records.bench import GuaranteeCheck, Speedup, Spread, Ticks, Unit, ViolationRate
from axedge.host.words import exact_percent, percent

FEW = 100
"""No verdict on fewer samples."""
_EVEN = 0.02
"""Speed-ups nearer to 1 than this are called even, if they are known that well."""
_HALF = 0.5
"""Where nothing was promised: a network that is wrong more often than this is worth nothing."""


@dataclass(frozen=True)
class Findings:
    """What a verdict rests on; the attributes are those of `BenchRecord`."""

    board: str
    samples: int
    ticks: Ticks
    speedup: Speedup
    invocation: float
    precision: float | None
    violation_rate: ViolationRate
    guarantee: GuaranteeCheck | None


def verdict(found: Findings) -> str:
    """Return the sentence."""
    return f"{_worth(found)}{_quality(found)}{_caveat(found.ticks.unit)}."


def _worth(found: Findings) -> str:
    ticks, ratio, board = found.ticks, found.speedup.value, found.board
    unit = ticks.unit
    if ticks.exact is None or ratio is None:
        price = f" at {_amount(ticks.approximate, unit)}" if ticks.approximate else ""
        answered = f"the network answered {percent(found.invocation)} of the inputs{price}"
        return f"No exact function on {board} to compare with: {answered}"
    used = f"with the network used on {percent(found.invocation)} of the inputs"
    cost = f"{_cost(ratio, unit)}, {used}"
    if found.invocation == 0:
        asking = f", and asking it costs {_cost(ratio, unit)}" if ratio < 1 else ""
        return f"Not worth it on {board}: the network was never used{asking}"
    if _is_unfit(found):
        return f"Not worth it on {board}, at {cost}: it is wrong too often"
    if found.samples < FEW:
        return f"No verdict on {board} from {found.samples:,} samples, take {FEW} or more: so far {cost}"
    low, high = _interval(found.speedup)
    if low > 1 and ratio > 1 + _EVEN:
        return f"Worth it on {board}: {cost}"
    if high < 1 and ratio < 1 - _EVEN:
        return f"Not worth it on {board}: {cost}{_why(ticks)}"
    if low > 1 - 2 * _EVEN and high < 1 + 2 * _EVEN:
        return f"Neither worth it nor not on {board}: as many {unit} as the exact function alone, {used}"
    noise = f"a speed-up between {low:.2f} and {high:.2f}"
    return f"No verdict on {board}: the figures are too noisy ({noise} at 95 % confidence), take more samples; {used}"


def _is_unfit(found: Findings) -> bool:
    """Whether the answers are worse than what was promised, or than anybody could want."""
    if found.precision is None:
        return False
    eps = _HALF if found.guarantee is None else found.guarantee.eps
    return found.precision < _HALF or found.violation_rate.low > eps


def _interval(speedup: Speedup) -> tuple[float, float]:
    """Return the interval of the speed-up; nothing is known where there is none."""
    return (0.0, float("inf")) if speedup.low is None or speedup.high is None else (speedup.low, speedup.high)


def _why(ticks: Ticks) -> str:
    if not ticks.approximate or not ticks.exact or ticks.exact.mean >= ticks.approximate.mean:
        return ""
    exact, network = _amount(ticks.exact, ticks.unit), _amount(ticks.approximate, ticks.unit)
    return f"; the exact function ({exact}) is cheaper than the network ({network})"


def _quality(found: Findings) -> str:
    guarantee, precision = found.guarantee, found.precision
    if precision is None:
        return ""
    if guarantee is None:
        return f"; {percent(precision)} of its answers were within the bound, which nothing promised"
    wanted = 1 - guarantee.eps
    promise = f"the promise of {exact_percent(wanted)}"
    about = {
        True: "as promised" if precision >= wanted else f"which does not refute {promise}",
        False: f"which breaks {promise}",
        None: f"on inputs for which nothing was promised ({exact_percent(wanted)} on the kernel's own)",
    }[guarantee.held]
    return f"; {percent(precision, wanted)} of its answers were within the bound, {about}"


def _caveat(unit: Unit) -> str:
    return {
        "instructions": " (instructions counted in an emulator; they are not time)",
        "cycles": "",
        "nanoseconds": " (time on this computer, which says nothing about a microcontroller)",
    }[unit]


def _cost(ratio: float, unit: Unit) -> str:
    """Return what a speed-up comes to."""
    return f"{_times(ratio)} fewer {unit}" if ratio >= 1 else f"{_times(1 / ratio)} as many {unit}"


def _amount(cost: Spread | None, unit: Unit) -> str:
    return "" if cost is None else f"{cost.mean:,.0f} {unit}"


def _times(ratio: float) -> str:
    return f"{ratio:.2f} times" if ratio < 10 else f"{ratio:.0f} times"
