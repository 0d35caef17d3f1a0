"""Requantisation in the arithmetic of Arm's DSP extension, the cheapest form that is exact.

A sum arrives as it leaves SMLAD: times 2^scale (the weights are stored so), plus a bias of our choice. Forms:

 affine: value = (high word of sum * multiplier, perhaps rounded, plus a constant) >> shift, one
 SMMUL/SMMULR/SMMLA/SMMLAR. It is
         used where the search finds constants that make it the staircase; ReLU units, whose steps all lie on one side,
         mostly are.
 twice:  TFLM's two roundings as they stand. SaturatingRoundingDoublingHighMul(a, m) = (a * m + 2^30) >> 31 is
 SMMULR(2a, m);
         RoundingDivideByPOT adds half, minus one for negatives, and shifts: SMMLAR with that half as accumulator, an
         addition of
         the sum's sign, and the shift for free within SSAT. (For sums whose sign is not the product's, that is 0 and
         the few
         below it that round to 0, minus one changes nothing, as half - 1 still shifts to 0.)
 wide8, wide16: the formulas of TFLM in 64 bits, for whatever fits neither.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from axedge.convert.emit.affine import Lines
from axedge.convert.emit.clamp import Clamp
from axedge.convert.emit.domain import Staircase

_HALF = 1 << 31
_INT32 = range(-(1 << 31), 1 << 31)


@dataclass(frozen=True)
class DspForm:
    """One exact way from a sum to a value (code minus the clamp's offset).

    Attributes:
        kind: "affine", "twice", "wide8" or "wide16".
        scale: the sum arrives times 2^scale.
        bias: what must have been added to it, on top of the sum's own terms, in units of 2^-scale.
        multiplier: second factor.
        rounded: whether 2^31 is added before the high word is taken.
        constant: added to the high word.
        sign: whether the sign of the scaled sum (-1 or 0) is added too.
        shift: right shift at the end.
        clamp: and the saturation after it.
    """

    kind: str
    scale: int
    bias: int
    multiplier: int
    rounded: bool
    constant: int
    sign: bool
    shift: int
    clamp: Clamp

    @property
    def cost(self) -> int:
        """Instructions, without those that load constants."""
        clamp = {"none": int(self.shift > 0), "signed": 1, "unsigned": 1, "range": 6 + int(self.shift > 0)}
        wide = 8 if self.kind.startswith("wide") else 0
        return 1 + wide + int(self.sign) + clamp[self.clamp.kind]

    @property
    def signature(self) -> tuple[object, ...]:
        """All that must be the same in every round of a loop."""
        return (self.kind, self.rounded, self.constant, self.sign, self.shift, self.clamp)

    def value(self, argument: int) -> int:
        """Return the value before the clamp, as the device computes it."""
        total = (argument << self.scale) + self.bias
        if self.kind == "wide16":
            return (total * self.multiplier + (1 << (self.shift - 1))) >> self.shift
        if self.kind == "wide8":
            high = ((total * self.multiplier + (1 << 30)) >> 31) + self.constant
        else:
            high = (total * self.multiplier + (self.constant << 32) + (_HALF if self.rounded else 0)) >> 32
        return (high + (-1 if self.sign and total < 0 else 0)) >> self.shift

    def fits(self, *arguments: int) -> bool:
        """Whether no number leaves 32 bits between the arguments."""
        for argument in arguments:
            total = (argument << self.scale) + self.bias
            high = ((total * self.multiplier) >> 32) + self.constant
            if total not in _INT32 or high not in _INT32 or high + 1 not in _INT32 or high - 1 not in _INT32:
                return False
        return True


def dsp_forms(
    stairs: Staircase,
    multiplier: int,
    shift: int,
    zero_point: int,
    clamps: list[Clamp],
    scales: range,
    free_bias: bool,
) -> tuple[DspForm, ...]:
    """Return exact forms, the cheapest first; there is always one.

    Args:
        stairs: the codes as a function of the sum.
        multiplier: TFLM's.
        shift: TFLM's.
        zero_point: of the codes.
        clamps: choices, the best first.
        scales: how far left the sum may be shifted for nothing.
        free_bias: whether anything may be added to the sum for nothing.
    """
    forms = []
    for clamp in clamps:
        twice = _twice(stairs, multiplier, shift, zero_point, clamp, scales)
        if twice:
            forms.append(twice)
        if clamp.kind != "range" and len(stairs.levels) == stairs.top - stairs.bottom:
            forms += _affine(stairs, clamp, scales, free_bias)
    if not forms:
        forms = [_wide(multiplier, shift, zero_point, clamp) for clamp in clamps]
    # A product's multiplier is loaded once for a layer, unless the form has one of its own.
    own = 0 if free_bias else 1
    return tuple(
        sorted(forms, key=lambda form: form.cost + own * (form.multiplier != multiplier) + clamps.index(form.clamp) / 8)
    )


def _wide(multiplier: int, shift: int, zero_point: int, clamp: Clamp) -> DspForm:
    left, right = max(shift, 0), max(-shift, 0)
    constant = (zero_point - clamp.offset) * (1 << right) + ((1 << right) >> 1)
    return DspForm("wide8", left, 0, multiplier, True, constant, right > 0, right, clamp)


def _twice(
    stairs: Staircase, multiplier: int, shift: int, zero_point: int, clamp: Clamp, scales: range
) -> DspForm | None:
    left, right = max(shift, 0), max(-shift, 0)
    scale = left + 1
    constant = (zero_point - clamp.offset) * (1 << right) + ((1 << right) >> 1)
    form = DspForm("twice", scale, 0, multiplier, True, constant, right > 0, right, clamp)
    return form if scale in scales and constant in _INT32 and form.fits(stairs.low, stairs.high) else None


def _affine(stairs: Staircase, clamp: Clamp, scales: range, free_bias: bool) -> Iterator[DspForm]:
    """Yield at most one affine form for a clamp.

    A saturating clamp shifts for nothing, else there is no shift. A large scale makes the bias fine, a large shift the
    multiplier.
    """
    open_ends = (clamp.kind != "none" and end for end in (stairs.at_low < stairs.bottom, stairs.at_high > stairs.top))
    lines = Lines(stairs, *open_ends)
    if not lines.steepest:
        return
    for scale in sorted({scales[-1], scales[-1] // 2, scales[0]}, reverse=True):
        finest = max(0, 30 + scale - 32 - math.frexp(min(lines.steepest, 1.0))[1])
        for shift in (0,) if clamp.kind == "none" else sorted({0, max(0, finest - 3), finest}):
            # The line is searched on unscaled arguments, so its multiplier is the device's times 2^scale.
            for line in lines.with_shift(32 + shift - scale):
                least, most = line.least << scale, ((line.most + 1) << scale) - 1
                form = _place(line.multiplier, least, most, shift, scale, clamp, free_bias)
                if form and form.fits(stairs.low, stairs.high) and _is_exact(form, stairs):
                    yield form
                    return


def _place(
    multiplier: int, least: int, most: int, shift: int, scale: int, clamp: Clamp, free_bias: bool
) -> DspForm | None:
    """Return the form whose additions sum to something from least to most (in units of 2^-32 of the high word)."""
    target_least = least - (clamp.offset << (32 + shift))
    target_most = most - (clamp.offset << (32 + shift))
    for rounded in (False, True):
        low, high = (end - (_HALF if rounded else 0) for end in (target_least, target_most))
        if free_bias:
            bias = -(-low // multiplier) if multiplier else 0
            if bias * multiplier <= high:
                return DspForm("affine", scale, bias, multiplier, rounded, 0, False, shift, clamp)
        constant = -(-low >> 32) if low <= 0 else (low + (1 << 32) - 1) >> 32
        if (constant << 32) <= high and constant in _INT32:
            return DspForm("affine", scale, 0, multiplier, rounded, constant, False, shift, clamp)
    return None


def _is_exact(form: DspForm, stairs: Staircase) -> bool:
    """Whether a rising form has the staircase's steps: it is right at both sides of each, hence everywhere."""
    offset = form.clamp.offset
    reached = all(form.value(int(a)) + offset >= k for a, k in zip(stairs.first, stairs.levels, strict=True))
    missed = all(form.value(int(a)) + offset < k for a, k in zip(stairs.last, stairs.levels, strict=True))
    ends = ((stairs.low, stairs.bottom), (stairs.high, stairs.top))
    return reached and missed and all(form.clamp.apply(form.value(at)) + offset == end for at, end in ends)
