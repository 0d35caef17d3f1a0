from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import binom

from axedge.kernels.metrics import (
    clopper_pearson,
    clopper_pearson_lower,
    clopper_pearson_upper,
    gate_figures,
    invocation_at_precision,
    is_safe,
    sample_error,
)
from axedge.kernels.spec import ErrorSpec

pytestmark = pytest.mark.host

RELATIVE = ErrorSpec("relative", 0.1, 1e-3)
SPECS = [RELATIVE, ErrorSpec("absolute", 0.05), ErrorSpec("rmse", 0.05), ErrorSpec("mismatch", 0.5)]
floats32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


def rows(elements: st.SearchStrategy[float], columns: int = 3) -> st.SearchStrategy[np.ndarray]:
    shapes = st.integers(1, 20).map(lambda n: (n, columns))
    return shapes.flatmap(lambda shape: hnp.arrays(np.float32, shape, elements=elements))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    y = draw(rows(floats32))
    return y, draw(hnp.arrays(np.float32, y.shape, elements=floats32))


def test_errors_by_hand() -> None:
    y, y_hat = [[1.0, -2.0], [0.0, 0.0005]], [[1.1, -1.9], [0.0001, 0.0]]
    np.testing.assert_allclose(sample_error(RELATIVE, y, y_hat), [0.1, 0.5])
    np.testing.assert_allclose(sample_error(SPECS[1], y, y_hat), [0.1, 0.0005])
    np.testing.assert_allclose(sample_error(SPECS[2], [[3.0, 0.0]], [[0.0, 4.0]]), [math.sqrt(12.5)])


def test_mismatch_compares_decisions() -> None:
    spec = SPECS[3]
    one = sample_error(spec, [[0.0], [1.0], [1.0], [0.0]], [[0.4999], [0.5], [0.4999], [7.0]])
    assert one.tolist() == [0.0, 0.0, 1.0, 1.0]
    several = sample_error(spec, [[0, 1, 0], [1, 0, 0], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.5, 0.5, 0.1], [0.5, 0.5, 0.1]])
    assert several.tolist() == [0.0, 0.0, 1.0]
    assert is_safe(spec, [[0.0], [1.0]], [[0.6], [0.6]]).tolist() == [False, True]


def test_the_bound_itself_is_safe() -> None:
    assert is_safe(ErrorSpec("relative", 0.25), [[4.0], [4.0]], [[5.0], [5.0000005]]).tolist() == [True, False]
    assert is_safe(ErrorSpec("absolute", 0.25), [[4.0], [4.0]], [[4.25], [4.2500005]]).tolist() == [True, False]


def test_without_floor_only_a_hit_is_safe_at_zero() -> None:
    spec = ErrorSpec("relative", 0.1)
    assert sample_error(spec, [[0.0], [0.0]], [[0.0], [1e-30]]).tolist() == [0.0, math.inf]
    assert is_safe(spec, [[0.0], [0.0]], [[0.0], [1e-30]]).tolist() == [True, False]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.metric)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("side", [0, 1, 2])
def test_nothing_that_is_not_finite_is_safe(spec: ErrorSpec, bad: float, side: int) -> None:
    y, y_hat = np.array([[0.5, 1.0]]), np.array([[0.5, 1.0]])
    for array in [(y,), (y_hat,), (y, y_hat)][side]:
        array[0, 1] = bad
    assert sample_error(spec, y, y_hat).tolist() == [math.inf]
    assert is_safe(spec, y, y_hat).tolist() == [False]


@given(pairs())
def test_relative_is_the_inequality_of_the_design(pair: tuple[np.ndarray, np.ndarray]) -> None:
    y, y_hat = pair
    expected = []
    for exact, answer in zip(y.astype(float), y_hat.astype(float), strict=True):
        expected.append(all(abs(a - b) <= 0.1 * max(abs(a), 1e-3) for a, b in zip(exact, answer, strict=True)))
    assert is_safe(RELATIVE, y, y_hat).tolist() == expected


@given(pairs(), st.sampled_from(SPECS))
def test_safe_and_error_agree_off_the_bound(pair: tuple[np.ndarray, np.ndarray], spec: ErrorSpec) -> None:
    y, y_hat = pair
    error, safe = sample_error(spec, y, y_hat), is_safe(spec, y, y_hat)
    clear = np.abs(error - spec.bound) > 1e-9
    assert np.array_equal(safe[clear], (error <= spec.bound)[clear])
    assert (error >= 0).all()
    assert sample_error(spec, y, y).max() == 0


@pytest.mark.parametrize("shapes", [((3,), (3,)), ((3, 2), (3, 1)), ((3, 0), (3, 0))])
def test_other_shapes_are_refused(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="must both be"):
        sample_error(RELATIVE, np.zeros(shapes[0]), np.zeros(shapes[1]))


def test_gate_figures_by_hand() -> None:
    figures = gate_figures([1, 1, 1, 0, 0], [1, 1, 0, 1, 0])
    assert (figures.count, figures.safe, figures.invoked, figures.useful) == (5, 3, 3, 2)
    assert (figures.true_invocation, figures.invocation, figures.useful_invocation) == (0.6, 0.6, 0.4)
    assert figures.precision == 2 / 3
    assert figures.violation_rate == 1 / 3


def test_nothing_invoked_has_no_precision() -> None:
    figures = gate_figures([True, False], [False, False])
    assert (figures.invocation, figures.precision, figures.violation_rate) == (0.0, None, None)
    with pytest.raises(ValueError, match="N > 0"):
        gate_figures([], [])


samples = st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=1, max_size=40)


@given(samples, st.sampled_from([0.0, 0.5, 0.8, 0.95, 1.0]))
def test_invocation_at_precision_is_the_best_threshold(drawn: list[tuple[bool, int]], precision: float) -> None:
    safe, margin = np.array([s for s, _ in drawn]), np.array([m for _, m in drawn], dtype=float)
    best = 0.0
    for threshold in set(margin.tolist()):
        figures = gate_figures(safe, margin >= threshold)
        if figures.useful >= precision * figures.invoked:
            best = max(best, figures.invocation)
    assert invocation_at_precision(safe, margin, precision) == best


def test_equal_margins_go_together() -> None:
    assert invocation_at_precision([1, 1, 1, 0], [0, 0, 0, 0], 0.9) == 0.0
    assert invocation_at_precision([1, 1, 1, 0], [1, 1, 1, 0], 0.9) == 0.75
    assert invocation_at_precision([1, 1], [math.nan, 1.0], 0.9) == 0.5
    assert invocation_at_precision([1], [math.nan], 0.9) == 0.0


@given(st.integers(1, 400), st.data(), st.sampled_from([0.8, 0.95, 0.99]))
def test_clopper_pearson_leaves_the_tails_of_the_binomial(n: int, data: st.DataObject, confidence: float) -> None:
    k = data.draw(st.integers(0, n))
    upper, lower = clopper_pearson_upper(k, n, confidence), clopper_pearson_lower(k, n, confidence)
    assert 0.0 <= lower <= k / n <= upper <= 1.0
    if k < n:
        assert binom.cdf(k, n, upper) == pytest.approx(1 - confidence, rel=1e-6)
    if k > 0:
        assert binom.sf(k - 1, n, lower) == pytest.approx(1 - confidence, rel=1e-6)
    low, high = clopper_pearson(k, n, confidence)
    assert (low, high) == (
        clopper_pearson_lower(k, n, (1 + confidence) / 2),
        clopper_pearson_upper(k, n, (1 + confidence) / 2),
    )


def test_clopper_pearson_at_the_ends() -> None:
    assert clopper_pearson(0, 0) == (0.0, 1.0)
    assert clopper_pearson(0, 50)[0] == 0.0
    assert clopper_pearson(50, 50)[1] == 1.0
    # No hit in n trials: 1 - (1 - confidence)^(1/n), the "rule of three".
    assert clopper_pearson_upper(0, 100, 0.95) == pytest.approx(1 - 0.05**0.01)
    assert clopper_pearson_lower(100, 100, 0.95) == pytest.approx(0.05**0.01)


@pytest.mark.parametrize(("k", "n", "confidence"), [(-1, 5, 0.9), (6, 5, 0.9), (1, 5, 0.0), (1, 5, 1.0)])
def test_clopper_pearson_refuses_nonsense(k: int, n: int, confidence: float) -> None:
    with pytest.raises(ValueError, match="Received"):
        clopper_pearson_upper(k, n, confidence)
