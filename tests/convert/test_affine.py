"""Float to code and back: near the ideal, never overflowing, and the domain guard."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from axedge.artifacts.errors import UnsupportedModel
from axedge.convert import affine
from axedge.convert.qnet import Activation, InputCode, OutputCode

pytestmark = pytest.mark.host

SIZES = st.floats(1e-6, 1e6)


@st.composite
def ports(draw):
    """A box, its map to about [-1, 1], and an input tensor that covers more or less of it."""
    centre, width = draw(st.floats(-1.0, 1.0)), draw(SIZES)
    centre *= width * draw(st.sampled_from([0.0, 1.0, 30.0, 300.0]))
    low, high = float(np.float32(centre - width)), float(np.float32(centre + width))
    assume(low < high)
    bits = draw(st.sampled_from([8, 8, 16]))
    zero_point = draw(st.integers(-128, 127)) if bits == 8 else 0
    scale = draw(st.floats(0.3, 3.0)) * 2.0 ** (1 - bits)
    activation = Activation("u", 1, bits, float(np.float32(scale)), zero_point)
    return low, high, (low + high) / 2, (high - low) / 2, activation


def exact_value(low, high, offset, scale, activation, x):
    """The ideal code, not rounded, as a fraction."""
    u = (Fraction(float(x)) - Fraction(offset)) / Fraction(scale)
    return u / Fraction(activation.scale) + activation.zero_point


@given(ports(), st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20))
def test_codes_are_the_ideal_ones_within_half_a_step_and_the_stated_error(port, places):
    low, high, offset, scale, activation = port
    try:
        rule = affine.input_code(low, high, offset, scale, activation)
    except UnsupportedModel:
        assume(False)
    x = np.array([low, high, *(low + place * (high - low) for place in places)], np.float32)
    x = x.clip(np.float32(low), np.float32(high))
    codes = affine.encode([rule], activation, x[:, None])[:, 0]
    tolerance = Fraction(1, 2) + Fraction(affine.input_error(rule, scale * activation.scale))
    for value, code in zip(x, codes, strict=True):
        ideal = exact_value(low, high, offset, scale, activation, value)
        ideal = min(max(ideal, Fraction(activation.code_min)), Fraction(activation.code_max))
        assert abs(code - ideal) <= tolerance


@given(ports())
def test_no_intermediate_of_the_input_rule_overflows(port):
    low, high, offset, scale, activation = port
    try:
        rule = affine.input_code(low, high, offset, scale, activation)
    except UnsupportedModel:
        assume(False)
    assert 0 <= rule.shift <= affine.MAX_INPUT_SHIFT
    for x in (low, high):
        product = float(np.float32(x) * np.float32(rule.factor))
        assert abs(math.trunc(product)) + abs(rule.bias) <= 2**30
    assert rule.factor == float(np.float32(rule.factor)) and rule.minimum == float(np.float32(low))


@given(ports())
def test_the_shift_is_the_largest_that_fits(port):
    low, high, offset, scale, activation = port
    try:
        rule = affine.input_code(low, high, offset, scale, activation)
    except UnsupportedModel:
        assume(False)
    assume(rule.shift < affine.MAX_INPUT_SHIFT)
    assert 2 * (abs(rule.factor) * max(abs(low), abs(high)) + abs(rule.bias)) > 0.99 * 2**30


def test_usual_boxes_are_always_accepted():
    for low, high in ((-0.5, 1.0), (0.0, 1.0), (0.0, 1e-6), (-40.0, 60.0), (900.0, 1100.0), (1.0, 366.0)):
        activation = Activation("u", 1, 8, 1 / 127.5, 0)
        rule = affine.input_code(low, high, (low + high) / 2, (high - low) / 2, activation)
        ends = affine.encode([rule], activation, np.array([[low], [high]], np.float32))[:, 0]
        assert abs(ends[0] + 127.5) <= 0.76 and abs(ends[1] - 127.5) <= 0.76


def test_an_input_that_floats_cannot_tell_apart_is_refused():
    with pytest.raises(UnsupportedModel, match="told apart"):
        affine.input_code(1e7, 1e7 + 2, 1e7 + 1, 1.0, Activation("u", 1, 8, 1 / 127, 0))
    with pytest.raises(UnsupportedModel, match="told apart"):
        affine.output_code(1e9, 1.0, Activation("y", 1, 8, 1 / 127, 0))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -0.5000001, 1.0000001, 3.4e38, -3.4e38])
def test_outside_the_domain_is_never_let_in(bad):
    activation = Activation("u", 2, 8, 1 / 127, 0)
    rules = [affine.input_code(-0.5, 1.0, 0.25, 0.75, activation)] * 2
    inside = np.array([[-0.5, 1.0], [0.0, -0.0], [1.0, 0.25]], np.float32)
    assert affine.in_domain(rules, inside).all()
    for column in range(2):
        x = inside.copy()
        x[1, column] = bad
        assert affine.in_domain(rules, x).tolist() == [True, False, True]
        codes = affine.encode(rules, activation, x)
        assert (codes >= -128).all() and (codes <= 127).all()


@given(
    st.floats(-100.0, 100.0),
    SIZES,
    st.sampled_from([8, 16]),
    st.floats(0.3, 3.0),
    st.lists(st.integers(-32768, 32767), min_size=1, max_size=10),
)
def test_outputs_are_the_ideal_ones_within_half_a_unit(offset_in_scales, scale, bits, width, codes):
    activation = Activation("y", 1, bits, float(np.float32(width * 2.0 ** (1 - bits))), 5 if bits == 8 else 0)
    offset = offset_in_scales * scale
    rule = affine.output_code(offset, scale, activation)
    row = np.clip(
        np.array(codes + [activation.code_min, activation.code_max]), activation.code_min, activation.code_max
    )
    found = affine.decode([rule], row[:, None])[:, 0]
    step = scale * activation.scale
    for code, y in zip(row, found, strict=True):
        whole = (int(code) << rule.shift) + rule.bias
        assert abs(whole) < 2**24
        ideal = Fraction(offset) + Fraction(step) * (int(code) - activation.zero_point)
        slack = Fraction(step) * (Fraction(1, 2 ** (rule.shift + 1)) + Fraction(1, 2**20)) + abs(ideal) / 2**22
        assert abs(Fraction(float(y)) - ideal) <= slack


def test_rounding_is_at_half_a_step():
    rule = InputCode(-10.0, 10.0, 1.0 * 2**8, 2**7, 8)
    activation = Activation("u", 1, 8, 1.0, 0)
    x = np.array([0.49, 0.5, 1.49, 1.5, -0.49, -0.51, -1.49, -1.51], np.float32)[:, None]
    assert affine.encode([rule], activation, x)[:, 0].tolist() == [0, 1, 1, 2, 0, -1, -1, -2]


def test_decode_is_one_float_product():
    rule = OutputCode(float(np.float32(0.1)), 3, 4)
    codes = np.array([[7], [-128]])
    expected = np.array([7 * 16 + 3, -128 * 16 + 3], np.float32) * np.float32(0.1)
    np.testing.assert_array_equal(affine.decode([rule], codes)[:, 0], expected)
