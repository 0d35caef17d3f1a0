"""Which straight lines, rounded down, are a given staircase: floor((a * m + d - j * (a < 0)) / 2^s) with whole m and d.

A staircase asks of a line slope * a + offset two things a step: at the step's first argument it has reached the level,
at the
argument before it has not. For a slope that leaves an interval for the offset; slopes for which every pair of such
demands can be met form an interval too. Both are computed here, the last word in whole numbers.

TFLM's RoundingDivideByPOT rounds halves away from zero, so for arguments below 0 the line lies lower by one unit of
what is shifted:
the jump j.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from axedge.convert.emit.domain import Integers, Staircase

_MOST_CANDIDATES = 12


@dataclass(frozen=True)
class Line:
    """floor((a * multiplier + d - jump * (a < 0)) / 2^shift) for any whole d from `least` to `most`."""

    multiplier: int
    shift: int
    least: int
    most: int
    jump: int = 0


class Lines:
    """All lines that are one staircase."""

    def __init__(self, stairs: Staircase, open_below: bool, open_above: bool, jump: int | None = None) -> None:
        """Collect the demands.

        Args:
            stairs: the staircase.
            open_below: whether the line may lie lower than the lowest value where the staircase has it (a clamp
            follows).
            open_above: the same for the highest value.
            jump: the line lies 2^-jump lower for arguments below 0; None for one line throughout.
        """
        self._jump = jump
        ends = (
            [] if open_below else [(stairs.low, stairs.bottom)],
            [] if open_above else [(stairs.high, stairs.top + 1)],
        )
        self._reach = _demands(stairs.first, stairs.levels, ends[0])
        self._miss = _demands(stairs.last, stairs.levels, ends[1])
        self._slopes = _slopes(self._reach, self._miss, 0.0 if jump is None else 2.0**-jump)

    @property
    def steepest(self) -> float:
        """A slope that no line exceeds; 0 where there is no line."""
        low, high = self._slopes
        return high if low < high else 0.0

    def with_shift(self, shift: int, limit: int = 1 << 31) -> Iterator[Line]:
        """Yield lines with this shift and a multiplier below `limit`, the middle of the slopes first.

        Arguments of 32 bits and a limit of 2^31 keep all numbers within 64 bits.
        At most 12 multipliers are tried.
        """
        low, high = self._slopes
        if not low < high:
            return
        least, most = _floor(low, shift) + 1, min(_floor(high, shift), limit - 1)
        middle = min((least + most) // 2, limit - 1)
        for multiplier in _outwards(middle, max(least, 0), most):
            line = self._offsets(multiplier, shift)
            if line is not None:
                yield line

    def _offsets(self, multiplier: int, shift: int) -> Line | None:
        jump = 0 if self._jump is None else (1 << shift) >> self._jump
        reach, miss = (
            (levels << shift) + jump * (arguments < 0) - arguments * multiplier
            for arguments, levels in (self._reach, self._miss)
        )
        least, most = int(reach.max()), int(miss.min()) - 1
        return Line(multiplier, shift, least, most, jump) if least <= most else None


def _demands(arguments: Integers, levels: Integers, ends: list[tuple[int, int]]) -> Integers:
    """Return arguments and levels as two rows."""
    return np.concatenate([np.stack([arguments, levels]), np.array(ends, np.int64).reshape(-1, 2).T], axis=1)


def _slopes(reach: Integers, miss: Integers, jump: float) -> tuple[float, float]:
    """Return the open interval of slopes; empty where its low end is not below its high end."""
    if not (reach.size and miss.size):
        return 0.0, 0.0
    run = (reach[0][:, None] - miss[0][None, :]).astype(np.float64)
    reached, missed = (levels + jump * (arguments < 0) for arguments, levels in (reach, miss))
    rise = reached[:, None] - missed[None, :]
    # The line has reached its level at one argument and not at another: slope * run > rise.
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = rise / run
    low = float(ratio[run > 0].max(initial=0.0))
    high = float(ratio[run < 0].min(initial=np.inf))
    impossible = bool(((run == 0) & (rise >= 0)).any())
    return (1.0, 0.0) if impossible else (low, high)


def _floor(value: float, shift: int) -> int:
    """Return floor(value * 2^shift), exactly; a bound beyond every multiplier for infinity."""
    if value == float("inf"):
        return 1 << 62
    return int(Fraction(value) * (1 << shift) // 1)


def _outwards(middle: int, least: int, most: int) -> Iterator[int]:
    """Yield up to 12 whole numbers from least to most, from the middle outwards."""
    tried = 0
    for distance in range(most - least + 1):
        for candidate in (middle + distance, middle - distance) if distance else (middle,):
            if least <= candidate <= most:
                yield candidate
                tried += 1
        if tried >= _MOST_CANDIDATES:
            return
