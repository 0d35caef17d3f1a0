"""Requantisation with 32-bit products only, for cores without a long multiplication (Cortex-M0, M0+, M1).

value = (s * high + (s * low >> split) - (below 0 ? jump : 0) + addend) >> shift

With m = high * 2^split + low the first two terms are floor(s * m / 2^split): one line through the staircase with a
multiplier of up to
31 bits, from two 32-bit products, exact because the range of the sum s is known. Often one product is enough (high =
0).
TFLM's second rounding is the jump; ReLU units, whose steps all lie on one side of 0, do without. The whole is rising in
s, so
being right at both sides of every step is being right everywhere. Where no such line is found, TFLM's formula remains,
in 64 bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from axedge.convert.emit.affine import Line, Lines
from axedge.convert.emit.clamp import Clamp
from axedge.convert.emit.domain import Staircase
from axedge.convert.fixedpoint import requantise

_INT32 = range(-(1 << 31), 1 << 31)
_BYTE = 255
_WIDE_COST = 70


@dataclass(frozen=True)
class NarrowForm:
    """One exact way from a sum to a value (code minus the clamp's offset).

    Attributes:
        bias: what must have been added to the sum, on top of its own terms.
        low: first factor.
        high: second factor, 0 for none.
        split: the first product's right shift.
        sign: how the jump is made: 0 for none; n > 0: the sum, unsigned, shifted right by n (2^(32-n) - 1 for small
        negatives);
            n < 0: the sum's sign times 2^-n.
        addend: added before the last shift.
        shift: the last right shift.
        clamp: and what follows.
        wide: TFLM's multiplier, its shift, and the zero point minus the clamp's offset, where 64 bits are needed; the
        fields before the
            clamp mean nothing then.
    """

    bias: int
    low: int
    high: int
    split: int
    sign: int
    addend: int
    shift: int
    clamp: Clamp
    wide: tuple[int, int, int] | None = None

    @property
    def cost(self) -> int:
        """Instructions of a Cortex-M0, loads of constants included."""
        if self.wide:
            return _WIDE_COST
        second = (3 if self.high > 1 else 1 if self.high else 0) + int(self.split > 0)
        sign = 2 if self.sign > 0 else 3 if self.sign < 0 else 0
        addend = 0 if self.addend == 0 else 1 if abs(self.addend) <= _BYTE else 2
        clamp = {"none": 0, "signed": 4, "unsigned": 2, "range": 5}[self.clamp.kind]
        return 2 + second + sign + addend + int(self.shift > 0) + clamp

    @property
    def signature(self) -> tuple[object, ...]:
        """All that must be the same in every round of a loop."""
        return (self.high > 0, self.split, self.sign, self.shift, self.clamp, self.wide)

    def value(self, argument: int) -> int:
        """Return the value before the clamp, as the device computes it."""
        if self.wide:
            multiplier, shift, zero = self.wide
            return int(requantise(np.array([argument]), multiplier, shift)[0]) + zero
        total = argument + self.bias
        jump = 0
        if self.sign > 0:
            jump = (total % 2**32) >> self.sign
        elif self.sign < 0 and total < 0:
            jump = 1 << -self.sign
        return (total * self.high + (total * self.low >> self.split) - jump + self.addend) >> self.shift

    def fits(self, *arguments: int) -> bool:
        """Whether no number leaves 32 bits between the arguments."""
        if self.wide:
            return False
        for argument in arguments:
            total = argument + self.bias
            inner = total * self.high + (total * self.low >> self.split)
            numbers = (
                total,
                total * self.low,
                total * self.high,
                inner,
                inner + self.addend,
                inner + self.addend - (1 << 20),
            )
            if any(number not in _INT32 for number in numbers):
                return False
        return self.sign <= 0 or all(abs(argument) < 1 << self.sign for argument in arguments)


def narrow_forms(
    stairs: Staircase, multiplier: int, shift: int, zero_point: int, clamps: list[Clamp], free_bias: bool
) -> tuple[NarrowForm, ...]:
    """Return exact forms, the cheapest first; there is always one.

    Args:
        stairs: the codes as a function of the sum.
        multiplier: TFLM's.
        shift: TFLM's.
        zero_point: of the codes.
        clamps: choices, the best first.
        free_bias: whether anything may be added to the sum for nothing.
    """
    forms = []
    for clamp in clamps:
        for jump in (None, -shift) if shift < 0 else (None,):
            found = next(_search(stairs, clamp, jump, free_bias), None)
            if found:
                forms.append(found)
                break
    wide = (multiplier, shift, zero_point - clamps[0].offset)
    forms.append(NarrowForm(0, 0, 0, 0, 0, 0, 0, clamps[0], wide))
    return tuple(sorted(forms, key=lambda form: form.cost + clamps.index(form.clamp) / 8))


def alike(form: NarrowForm, stairs: Staircase, shift: int, free_bias: bool) -> NarrowForm | None:
    """Return an exact form that can share a loop with `form`: the very same, or one of its signature."""
    if form.fits(stairs.low, stairs.high) and _is_exact(form, stairs):
        return form
    jump = -shift if form.sign else None
    lines = Lines(stairs, stairs.at_low < stairs.bottom, stairs.at_high > stairs.top, jump)
    bits = 31 - max(abs(stairs.low), abs(stairs.high), 1).bit_length()
    for line in lines.with_shift(form.split + form.shift, 1 << min(bits + form.split, 31)):
        for other in _place(line, form.split, form.clamp, free_bias):
            same = other.signature == form.signature
            if same and other.fits(stairs.low, stairs.high) and _is_exact(other, stairs):
                return other
    return None


def _search(stairs: Staircase, clamp: Clamp, jump: int | None, free_bias: bool) -> Iterator[NarrowForm]:
    """Yield forms, those with one product first."""
    open_ends = (clamp.kind != "none" and end for end in (stairs.at_low < stairs.bottom, stairs.at_high > stairs.top))
    lines = Lines(stairs, *open_ends, jump)
    if not lines.steepest:
        return
    room = 31 - max(abs(stairs.low), abs(stairs.high), 1).bit_length()
    for split, bits in ((0, room), (room, min(room + 8, 31)), (room, min(2 * room, 31))):
        shift = _finest(lines.steepest, bits)
        for finer in range(min(3, shift)):
            for line in lines.with_shift(shift - finer, min(1 << bits, 1 << 31)):
                for form in _place(line, split, clamp, free_bias):
                    if form.fits(stairs.low, stairs.high) and _is_exact(form, stairs):
                        yield form


def _finest(slope: float, bits: int) -> int:
    """Return the largest shift, at most 44, with which a slope's multiplier has at most `bits` bits."""
    shift = 0
    while shift < 44 and slope * 2.0 ** (shift + 1) < 2.0**bits:
        shift += 1
    return shift


def _place(line: Line, split: int, clamp: Clamp, free_bias: bool) -> Iterator[NarrowForm]:
    """Yield forms for a line: its offset as bias and addend, its jump by a shift or, failing that, by a mask."""
    one = 1 << split
    if line.shift < split or (line.jump and line.jump < one):
        return
    high, low = divmod(line.multiplier, one) if split else (0, line.multiplier)
    offset = clamp.offset << line.shift
    least, most = line.least - offset, line.most - offset
    bias = least // line.multiplier if free_bias and not line.jump and line.multiplier else 0
    jumps = [0]
    if line.jump:
        steps = (line.jump // one).bit_length() - 1
        jumps = ([32 - steps] if 0 < steps < 31 else []) + ([-steps] if steps else [31])
    for sign in jumps:
        addend = -(-(least - bias * line.multiplier) // one)
        if addend * one <= most - bias * line.multiplier and addend in _INT32:
            yield NarrowForm(bias, low, high, split, sign, addend, line.shift - split, clamp)


def _is_exact(form: NarrowForm, stairs: Staircase) -> bool:
    """Whether the form has the staircase's steps."""
    offset = form.clamp.offset
    reached = all(form.value(int(a)) + offset >= k for a, k in zip(stairs.first, stairs.levels, strict=True))
    missed = all(form.value(int(a)) + offset < k for a, k in zip(stairs.last, stairs.levels, strict=True))
    ends = ((stairs.low, stairs.bottom), (stairs.high, stairs.top))
    return reached and missed and all(form.clamp.apply(form.value(at)) + offset == end for at, end in ends)
