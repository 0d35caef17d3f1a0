"""The integer arithmetic against an oracle of Python's big integers and fractions, which shares no code with it."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from axedge.convert import fixedpoint

pytestmark = pytest.mark.host

INT32 = st.one_of(
    st.integers(-(2**31), 2**31 - 1),
    st.sampled_from([0, 1, -1, 2**31 - 1, -(2**31), -(2**31) + 1, 2**30, -(2**30)]),
    st.integers(-3000, 3000),
)
MULTIPLIER = st.one_of(st.integers(2**30, 2**31 - 1), st.sampled_from([0, 2**30, 2**31 - 1, 2**30 + 1]))


def half_up(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def half_away(value: Fraction) -> int:
    size = math.floor(abs(value) + Fraction(1, 2))
    return size if value >= 0 else -size


def as_int32(value: int) -> int:
    return (value + 2**31) % 2**32 - 2**31


def oracle(x: int, multiplier: int, shift: int) -> int:
    """Two roundings: of the product at 2^31, halves up; of the right shift, halves away from zero."""
    high = min(half_up(Fraction(as_int32(x << max(shift, 0)) * multiplier, 2**31)), 2**31 - 1)
    return half_away(Fraction(high, 2 ** max(-shift, 0)))


@given(INT32, MULTIPLIER, st.integers(-31, 30))
def test_requantise_is_the_oracle(x, multiplier, shift):
    assert int(fixedpoint.requantise(np.int64(x), multiplier, shift)) == oracle(x, multiplier, shift)


@given(st.integers(-400, 400), st.integers(1, 12))
def test_every_tie_of_the_right_shift_goes_away_from_zero(odd, exponent):
    tie = (2 * odd + 1) << (exponent - 1)
    found = int(fixedpoint.rounding_shift(np.int64(tie), exponent))
    assert found == half_away(Fraction(tie, 2**exponent)) and abs(found) > abs(tie) / 2**exponent


@given(st.integers(-400, 400))
def test_every_tie_of_the_high_product_goes_up(odd):
    a, b = (2 * odd + 1), 2**30
    assert int(fixedpoint.doubling_high_mul(np.int64(a), np.int64(b))) == half_up(Fraction(a * b, 2**31))


def test_the_one_product_that_saturates():
    lowest = np.int64(-(2**31))
    assert int(fixedpoint.doubling_high_mul(lowest, lowest)) == 2**31 - 1


@given(st.integers(-(2**40), 2**40), MULTIPLIER, st.integers(-31, 7))
def test_requantise_of_wide_sums_is_the_oracle(x, multiplier, shift):
    reduced = 0x7FFF if multiplier >= 0x7FFF0000 else (multiplier + 2**15) >> 16
    expected = as_int32(half_up(Fraction(x * reduced, 2 ** (15 - shift))))
    assert int(fixedpoint.requantise64(np.int64(x), multiplier, shift)) == expected


@given(st.floats(2.0**-40, 2.0**20, allow_nan=False))
def test_multipliers_are_the_nearest_31_bit_numbers(real):
    multiplier, shift = fixedpoint.quantise_multiplier(real)
    exact = Fraction(real)
    if multiplier == 0:
        assert exact < Fraction(1, 2**31)
        return
    assert 2**30 <= multiplier < 2**31
    step = Fraction(2) ** (shift - 31)
    assert abs(multiplier * step - exact) <= step / 2


def test_multipliers_at_the_edges():
    assert fixedpoint.quantise_multiplier(0.0) == (0, 0)
    assert fixedpoint.quantise_multiplier(1.0) == (2**30, 1)
    assert fixedpoint.quantise_multiplier(1.0 - 2.0**-40) == (2**30, 1)
    assert fixedpoint.quantise_multiplier(2.0**-32) == (2**30, -31)
    assert fixedpoint.quantise_multiplier(2.0**-33) == (0, 0)


@given(INT32, st.integers(-5, 5))
def test_arrays_and_numbers_agree(x, shift):
    many = fixedpoint.requantise(np.full((2, 3), x, np.int64), np.array([2**30, 2**31 - 1, 0]), np.full(3, shift))
    assert many.tolist() == [[oracle(x, multiplier, shift) for multiplier in (2**30, 2**31 - 1, 0)]] * 2


@given(st.floats(1e-4, 0.2), st.integers(-128, 127))
def test_tables_are_the_functions_within_a_code(scale, zero_point):
    x = np.float64(np.float32(scale)) * (np.arange(-128, 128) - zero_point)
    tanh = fixedpoint.tanh_table(scale, zero_point).astype(int)
    logistic = fixedpoint.logistic_table(scale, zero_point).astype(int)
    assert np.abs(tanh - np.clip(128 * np.tanh(x), -128, 127)).max() <= 0.51
    assert np.abs(logistic - np.clip(256 / (1 + np.exp(-x)) - 128, -128, 127)).max() <= 0.51
    assert (np.diff(tanh) >= 0).all() and (np.diff(logistic) >= 0).all()


@given(st.floats(1e-6, 1e-3))
def test_wide_tanh_is_close_and_odd_enough(scale):
    codes = np.arange(-32768, 32768, 37)
    found = fixedpoint.lookup16("tanh", codes, *fixedpoint.lookup16_factor("tanh", scale))
    real = np.tanh(np.float64(np.float32(scale)) * codes)
    assert np.abs(found / 32768 - real).max() < 2e-4 + np.abs(real).max() * 2.0**-14
