"""One plain sentence about a bench: worth it on this board or not, and by how much, in the unit measured."""

from __future__ import annotations

from axedge.artifacts.records.bench import GuaranteeCheck, Speedup, Spread, Ticks, Unit

_EVEN = 0.02
"""Speed-ups nearer to 1 than this are called even."""


def verdict(
    board: str,
    ticks: Ticks,
    speedup: Speedup,
    invocation: float,
    precision: float | None,
    guarantee: GuaranteeCheck | None,
) -> str:
    """Return the sentence."""
    return f"{_worth(board, ticks, speedup, invocation)}{_quality(precision, guarantee)}{_caveat(ticks.unit)}."


def _worth(board: str, ticks: Ticks, speedup: Speedup, invocation: float) -> str:
    unit = ticks.unit
    if ticks.exact is None or speedup.value is None:
        price = f" at {_amount(ticks.approximate, unit)}" if ticks.approximate else ""
        answered = f"the network answered {_share(invocation)} of the inputs{price}"
        return f"No exact function on {board} to compare with: {answered}"
    used = f"with the network used on {_share(invocation)} of the inputs"
    ratio = speedup.value
    if invocation == 0:
        return (
            f"Not worth it on {board}: the network was never used, and asking it costs {_times(1 / ratio)} more {unit}"
        )
    if ratio > 1 + _EVEN:
        return f"Worth it on {board}: {_times(ratio)} fewer {unit}, {used}"
    if ratio > 1 - _EVEN:
        return f"Neither worth it nor not on {board}: as many {unit} as the exact function alone, {used}"
    cheaper = ""
    if ticks.approximate and ticks.exact.mean < ticks.approximate.mean:
        cheaper = (
            f"; the exact function ({_amount(ticks.exact, unit)}) is cheaper than the network "
            f"({_amount(ticks.approximate, unit)})"
        )
    return f"Not worth it on {board}: {_times(1 / ratio)} more {unit}, {used}{cheaper}"


def _quality(precision: float | None, guarantee: GuaranteeCheck | None) -> str:
    if precision is None:
        return ""
    quality = f"; {_share(precision)} of its answers were within the bound"
    if guarantee is None:
        return f"{quality}, which nothing promised"
    kept = {True: "as promised", False: f"which breaks the promise of {_share(1 - guarantee.eps)}", None: ""}
    about = kept[guarantee.held]
    if guarantee.held and precision < 1 - guarantee.eps:
        about = f"which does not refute the promise of {_share(1 - guarantee.eps)}"
    return f"{quality}, {about}" if about else quality


def _caveat(unit: Unit) -> str:
    return {
        "instructions": " (instructions counted in an emulator; they are not time)",
        "cycles": "",
        "nanoseconds": " (time on this computer, which says nothing about a microcontroller)",
    }[unit]


def _amount(cost: Spread | None, unit: Unit) -> str:
    return "" if cost is None else f"{cost.mean:,.0f} {unit}"


def _times(ratio: float) -> str:
    return f"{ratio:.2f} times" if ratio < 10 else f"{ratio:.0f} times"


def _share(share: float) -> str:
    return f"{100 * share:.1f} %"
