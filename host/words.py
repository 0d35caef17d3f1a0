"""How figures are written for people: shares in percent, errors with three digits."""

from __future__ import annotations

import math

_MOST_DIGITS = 6


def percent(share: float | None, limit: float | None = None) -> str:
    """Return a share as a percentage, "-" where there is none.

    One decimal, or as many as it takes not to be rounded onto or across nothing, everything, or the `limit` that was
    promised: 94.97 % is not 95.0 %.
    """
    if share is None:
        return "-"
    limits = [0.0, 100.0] + ([] if limit is None else [100 * limit])
    value = 100 * share
    for digits in range(1, _MOST_DIGITS):
        text = f"{value:.{digits}f}"
        if all(_side(float(text), edge) == _side(value, edge) for edge in limits):
            break
    return f"{text} %"


def exact_percent(share: float) -> str:
    """Return a share that somebody chose, such as a promise, with the digits that it has."""
    return f"{100 * share:.10g} %"


def _side(value: float, edge: float) -> int:
    """Return on which side of the edge a value is; -1, 0 or 1."""
    return 0 if math.isclose(value, edge, abs_tol=1e-9) else 1 if value > edge else -1


def number(value: float | None) -> str:
    """Return an error with three digits, "-" where there is none or it is infinite."""
    return "-" if value is None or math.isinf(value) else f"{value:.3g}"
