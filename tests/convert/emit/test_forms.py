"""Every form of requantisation is TFLM's, on every sum of its domain."""

import numpy as np
import pytest
from emit_nets import factor
from emit_oracle import requantise as oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from axedge.convert.emit.clamp import clamp_choices
from axedge.convert.emit.domain import Domain, requantiser, staircase
from axedge.convert.emit.dsp_forms import dsp_forms
from axedge.convert.emit.narrow_forms import alike, narrow_forms

pytestmark = pytest.mark.host

problems = st.fixed_dictionaries(
    {
        "real": st.floats(2**-14, 2.5),
        "zero": st.integers(-128, 127),
        "centre": st.integers(-4000, 4000),
        "width": st.integers(1, 3000),
        "relu": st.booleans(),
        "sparse": st.booleans(),
        "seed": st.integers(0, 999),
    }
)


def pose(problem):
    """Return domain, arguments, multiplier, shift, ends of the clamp and the right codes."""
    multiplier, shift = factor(problem["real"])
    arguments = np.arange(problem["centre"] - problem["width"], problem["centre"] + problem["width"] + 1)
    if problem["sparse"]:
        arguments = np.unique(np.random.default_rng(problem["seed"]).choice(arguments, 40))
    domain = Domain.of(arguments) if problem["sparse"] else Domain(int(arguments[0]), int(arguments[-1]))
    low = problem["zero"] if problem["relu"] else -128
    codes = [oracle(int(argument), multiplier, shift) + problem["zero"] for argument in arguments]
    return domain, arguments, multiplier, shift, low, np.clip(codes, low, 127)


def clamped(form, argument):
    return form.clamp.apply(form.value(int(argument))) + form.clamp.offset


@settings(max_examples=80, deadline=None)
@given(problem=problems, free_bias=st.booleans(), strict=st.booleans())
def test_forms_are_exact_on_the_whole_domain(problem, free_bias, strict):
    domain, arguments, multiplier, shift, low, codes = pose(problem)
    stairs = staircase(domain, requantiser(multiplier, shift, problem["zero"]), low, 127)
    clamps = clamp_choices(stairs, low, 127, (0,) if strict else (problem["zero"],), 8, strict)
    dsp = dsp_forms(stairs, multiplier, shift, problem["zero"], clamps, range(0, 9), free_bias)
    narrow = narrow_forms(stairs, multiplier, shift, problem["zero"], clamps, free_bias)
    assert dsp and narrow
    for form in (*dsp, *narrow):
        np.testing.assert_array_equal([clamped(form, argument) for argument in arguments], codes, str(form))


@pytest.mark.parametrize("zero", [-128, 0, 127])
def test_a_relu_that_lets_one_code_through(zero):
    multiplier, shift = factor(0.01)
    stairs = staircase(Domain(-9000, 9000), requantiser(multiplier, shift, zero), zero, zero)
    clamps = clamp_choices(stairs, zero, zero, ())
    for form in dsp_forms(stairs, multiplier, shift, zero, clamps, range(0, 9), True):
        assert {clamped(form, argument) for argument in (-9000, -1, 0, 1, 9000)} == {zero}


@settings(max_examples=60, deadline=None)
@given(first=problems, second=problems)
def test_a_form_is_shared_only_where_it_is_exact(first, second):
    second = {**second, "real": first["real"], "zero": first["zero"], "relu": first["relu"]}
    domain, _, multiplier, shift, low, _ = pose(first)
    stairs = staircase(domain, requantiser(multiplier, shift, first["zero"]), low, 127)
    clamps = clamp_choices(stairs, low, 127, (-128,))
    form = narrow_forms(stairs, multiplier, shift, first["zero"], clamps, True)[0]
    if form.clamp.kind != "unsigned":
        return
    domain, arguments, *_, codes = pose(second)
    shared = alike(form, staircase(domain, requantiser(multiplier, shift, first["zero"]), low, 127), shift, True)
    if shared:
        np.testing.assert_array_equal([clamped(shared, argument) for argument in arguments], codes)


@given(st.integers(-(2**30), 2**30 - 1), st.integers(2**30, 2**31 - 1))
def test_smmulr_of_the_double_is_gemmlowps_doubling_high_product(x, multiplier):
    assert (2 * x * multiplier + 2**31) >> 32 == oracle(x, multiplier, 0)


def test_relu_units_need_one_multiplication():
    multiplier, shift = factor(0.0127)
    stairs = staircase(Domain(-30000, 30000), requantiser(multiplier, shift, -128), -128, 127)
    clamps = clamp_choices(stairs, -128, 127, ())
    assert dsp_forms(stairs, multiplier, shift, -128, clamps, range(0, 9), True)[0].cost == 2
