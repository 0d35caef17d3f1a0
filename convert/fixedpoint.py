"""The integer arithmetic of TensorFlow Lite Micro's reference kernels, in numpy, bit for bit.

Facts and formulas come from TensorFlow Lite Micro (kernels/internal/quantization_util.cc, common.cc) and gemmlowp
(fixedpoint/fixedpoint.h), built as every device build of them is: with two roundings, not TFLITE_SINGLE_ROUNDING.
All values are held in int64; what the C++ holds in an int32_t is wrapped to 32 bits where the C++ would wrap.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

INT32_MAX = (1 << 31) - 1

#: exp(-2^k) in Q0.31 for k = -2..4, the factors of gemmlowp's exp_on_negative_values.
_EXP_FACTORS = (
    (-2, 1672461947),
    (-1, 1302514674),
    (0, 790015084),
    (1, 290630308),
    (2, 39332535),
    (3, 720401),
    (4, 242),
)


def quantise_multiplier(real: float) -> tuple[int, int]:
    """Return (multiplier, shift) with `real` close to multiplier * 2^(shift - 31).

    Args:
        real: a finite factor, not negative.

    Returns:
        multiplier in [2^30, 2^31), or 0 where the factor is below about 2^-32; shift of -31 or more.
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = _round_half_away(fraction * (1 << 31))
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def wrap32(x: Integers) -> Integers:
    """Return x modulo 2^32 as a signed number, as an int32_t would hold it."""
    return np.asarray(x, np.int64).astype(np.int32).astype(np.int64)


def doubling_high_mul(a: Integers, b: Integers) -> Integers:
    """Return round(a * b / 2^31), halves upwards, -2^31 * -2^31 saturated (SaturatingRoundingDoublingHighMul).

    gemmlowp nudges by 2^30, or by 1 - 2^30 where the product is negative, and divides towards zero; that is this shift.
    """
    return np.minimum((np.asarray(a, np.int64) * np.asarray(b, np.int64) + (1 << 30)) >> 31, INT32_MAX)


def rounding_shift(x: Integers, exponent: Integers | int) -> Integers:
    """Return x / 2^exponent rounded, halves away from zero (RoundingDivideByPOT); exponent 0 to 31."""
    x, exponent = np.asarray(x, np.int64), np.asarray(exponent, np.int64)
    mask = (np.int64(1) << exponent) - 1
    threshold = (mask >> 1) + (x < 0)
    return (x >> exponent) + ((x & mask) > threshold)


def requantise(x: Integers, multiplier: Integers | int, shift: Integers | int) -> Integers:
    """Return MultiplyByQuantizedMultiplier(int32_t x, multiplier, shift): rounded twice.

    Args:
        x: 32-bit values.
        multiplier: 31-bit factor, broadcast against x.
        shift: positive to the left (before the product), negative to the right (after it), broadcast against x.
    """
    shift = np.asarray(shift, np.int64)
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    scaled = wrap32(wrap32(x) << left)
    return rounding_shift(doubling_high_mul(scaled, np.asarray(multiplier, np.int64)), right)


def reduced_multiplier(multiplier: Integers | int) -> Integers:
    """Return the 15-bit factor that TFLM makes of a 31-bit one for 64-bit accumulators."""
    multiplier = np.asarray(multiplier, np.int64)
    return np.where(multiplier < 0x7FFF0000, (multiplier + (1 << 15)) >> 16, 0x7FFF)


def requantise64(x: Integers, multiplier: Integers | int, shift: Integers | int) -> Integers:
    """Return MultiplyByQuantizedMultiplier(int64_t x, multiplier, shift): rounded once, halves upwards.

    Args:
        x: accumulators within +-2^47.
        multiplier: 31-bit factor, of which the upper 15 bits are used.
        shift: -31 to 7.
    """
    total = 15 - np.asarray(shift, np.int64)
    product = np.asarray(x, np.int64) * reduced_multiplier(multiplier) + (np.int64(1) << (total - 1))
    return wrap32(product >> total)


def tanh_table(scale: float, zero_point: int) -> NDArray[np.int8]:
    """Return the 256 output codes of TFLM's int8 TANH for input codes -128..127.

    Args:
        scale: of the input tensor (float32).
        zero_point: of the input tensor. The output has scale 1/128 and zero point 0.
    """
    return _tabulate(scale, zero_point, lambda q4: rounding_shift(_tanh_q4(q4), 24))


def logistic_table(scale: float, zero_point: int) -> NDArray[np.int8]:
    """Return the 256 output codes of TFLM's int8 LOGISTIC; the output has scale 1/256 and zero point -128."""
    return _tabulate(scale, zero_point, lambda q4: rounding_shift(_logistic_q4(q4), 23) - 128)


def relu_table(scale: float, zero_point: int, out_scale: float, out_zero_point: int) -> NDArray[np.int8]:
    """Return the 256 output codes of TFLM's int8 RELU standing alone; scales are rescaled in float32 as TFLM does."""
    multiplier, shift = quantise_multiplier(float(np.float32(scale) / np.float32(out_scale)))
    codes = np.arange(-128, 128, dtype=np.int64)
    raw = out_zero_point + requantise(codes - zero_point, multiplier, shift)
    return np.clip(raw, max(-128, out_zero_point), 127).astype(np.int8)


def lookup16_factor(kind: str, scale: float) -> tuple[int, int]:
    """Return TFLM's (multiplier, shift) for a 16-bit TANH or LOGISTIC with this input scale.

    A multiplier of 0 stands for the power-of-two case, in which the kernel uses 3 << shift and no shift.
    """
    log2 = math.log2(float(np.float32(scale)))
    shift = 12 + round(log2)
    if abs(log2 - round(log2)) < 1e-3 and shift in ((0, 1) if kind == "tanh" else (0,)):
        return 0, shift
    factor, shift = float(np.float32(scale)) * 4096.0 * 3.0, 0
    while factor <= 32767.0 / 2.0 and shift <= 30:
        factor, shift = factor * 2.0, shift + 1
    return int(factor), shift


def lookup16(kind: str, codes: Integers, multiplier: int, shift: int) -> Integers:
    """Return TFLM's 16-bit TANH or LOGISTIC of the codes (output scale 1/32768), by its interpolated table."""
    if multiplier == 0:
        multiplier, shift = 3 << shift, 0
    half = 1 << (shift - 1) if shift > 0 else 0
    # C promotes to int: 16 by 15 bits cannot overflow.
    scaled = (np.asarray(codes, np.int64) * multiplier + half) >> shift
    fraction_bits = 8 if kind == "tanh" else 9
    size = np.abs(scaled)
    step = size >> fraction_bits
    saturated = step >= 255
    step = np.minimum(step, 254)
    below, above = SIGMOID_TABLE[step], SIGMOID_TABLE[step + 1]
    part = size & ((1 << fraction_bits) - 1)
    value = (below << fraction_bits) + part * (above - below)
    if kind == "tanh":
        value = np.where(saturated, 0xFFFF << 8, value)
        signed = np.where(scaled >= 0, value - (1 << 23) + (1 << 7), -value + (1 << 23) + (1 << 7) - 1)
        return signed >> 8
    value = np.where(saturated, 0x7FFF << 10, value)
    return np.where(scaled >= 0, value + (1 << 9), (1 << 25) - value + (1 << 9) - 1) >> 10


#: Where TFLM's sigmoid table (kernels/internal/common.h) stands one above the correctly rounded value.
_SIGMOID_ONE_ABOVE = (
    *(4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39, 40, 41, 43, 44, 45, 46),
    *(49, 50, 54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255),
)


def _sigmoid_table() -> Integers:
    """Return 65536 * sigmoid(i / 24) for i = 0..255 as TFLM's 16-bit kernels tabulate it."""
    table = np.floor(65536.0 / (1.0 + np.exp(-np.arange(256) / 24.0)) + 0.5).astype(np.int64)
    table[list(_SIGMOID_ONE_ABOVE)] += 1
    return table


SIGMOID_TABLE = _sigmoid_table()


def _tabulate(scale: float, zero_point: int, function: Callable[[Integers], Integers]) -> NDArray[np.int8]:
    """Tabulate a saturating int8 function of a Q4.27 argument, with TFLM's input rescaling and radius."""
    fraction, shift = math.frexp(float(np.float32(scale)) * (1 << 27))
    multiplier = _round_half_away(fraction * (1 << 31))
    radius = math.floor(15.0 * (1 << 27) / (1 << shift)) if shift >= 0 else math.inf
    centred = np.arange(-128, 128, dtype=np.int64) - zero_point
    inside = np.abs(centred) < radius
    value = function(requantise(np.where(inside, centred, 0), multiplier, shift))
    saturated = np.where(centred > 0, 127, -128)
    return np.where(inside, np.clip(value, -128, 127), saturated).astype(np.int8)


def _exp_on_negative_q(a: Integers, integer_bits: int) -> Integers:
    """Return exp(a) in Q0.31 for a <= 0 in Q`integer_bits`: a Taylor series on [-1/4, 0) and a barrel of factors."""
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    part = (a & (quarter - 1)) - quarter
    # Rescaled to Q0 the part lies in [-1/4, 0), so the saturation of gemmlowp's Rescale never acts.
    x = (part << integer_bits) + (1 << 28)
    x2 = doubling_high_mul(x, x)
    x3 = doubling_high_mul(x2, x)
    x4 = rounding_shift(doubling_high_mul(x2, x2), 2)
    series = rounding_shift(doubling_high_mul(x4 + x3, np.int64(715827883)) + x2, 1)
    constant = np.int64(1895147668)
    result = constant + doubling_high_mul(constant, x + series)
    remainder = part - a
    for power, factor in _EXP_FACTORS:
        if integer_bits > power:
            chosen = (remainder & (1 << (fraction_bits + power))) != 0
            result = np.where(chosen, doubling_high_mul(result, np.int64(factor)), result)
    return np.where(a == 0, INT32_MAX, result)


def _newton_reciprocal(a: Integers) -> Integers:
    """Return 2 / (1 + a) in Q2.29 for a in Q0.31 within (0, 1): three Newton-Raphson steps from 48/17 - 32/17 d."""
    total = a + INT32_MAX
    half_denominator = np.where(total >= 0, (total + 1) // 2, -((1 - total) // 2))
    x = 1515870810 + doubling_high_mul(half_denominator, np.int64(-1010580540))
    for _ in range(3):
        left = (1 << 29) - doubling_high_mul(half_denominator, x)
        # Q2 * Q2 is Q4; back to Q2 is a saturating shift by two.
        x = x + _saturating_left(doubling_high_mul(x, left), 2)
    return x


def _saturating_left(x: Integers, exponent: int) -> Integers:
    """Return x * 2^exponent within 32 bits, saturated (SaturatingRoundingMultiplyByPOT)."""
    limit = (1 << (31 - exponent)) - 1
    return np.where(x > limit, INT32_MAX, np.where(x < -limit, -(1 << 31), x << exponent))


def _tanh_q4(a: Integers) -> Integers:
    """Return tanh(a) in Q0.31 for a in Q4.27 (gemmlowp::tanh): (1 - e) / (1 + e), e = exp(-2 |a|)."""
    magnitude = _saturating_left(_newton_reciprocal(_exp_on_negative_q(-np.abs(a), 5)) - (1 << 29), 2)
    return np.where(a == 0, 0, np.where(a < 0, -magnitude, magnitude))


def _logistic_q4(a: Integers) -> Integers:
    """Return 1 / (1 + exp(-a)) in Q0.31 for a in Q4.27 (gemmlowp::logistic)."""
    # The reciprocal is 2 / (1 + e) in Q2; halving its real value is a change of format to Q1, then Rescale<0>.
    positive = _saturating_left(_newton_reciprocal(_exp_on_negative_q(-np.abs(a), 4)), 1)
    return np.where(a == 0, 1 << 30, np.where(a > 0, positive, INT32_MAX - positive))


def _round_half_away(x: float) -> int:
    """Return std::round(x): halves away from zero."""
    return math.floor(x + 0.5) if x >= 0 else math.ceil(x - 0.5)
