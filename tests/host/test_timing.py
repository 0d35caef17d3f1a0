"""Waits and frame sizes as arithmetic."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axedge.host.timing import Deadlines, LossEstimate, Patience

pytestmark = pytest.mark.host

DEADLINES = Deadlines()


def test_an_unknown_board_is_waited_for_longer_than_a_known_one():
    patience = Patience(DEADLINES)
    assert patience.limit_s(100) == DEADLINES.first_s
    patience.heard(0.01, 100, 2)
    assert patience.limit_s(100) == pytest.approx(DEADLINES.floor_s + 0.01 + 4 * 0.005)
    assert patience.sample_s == pytest.approx(0.005)


def test_larger_frames_get_more_time():
    patience = Patience(DEADLINES)
    patience.heard(0.01, 100, 2)
    assert patience.limit_s(1000) - patience.limit_s(100) == pytest.approx(0.27)
    slow_line = Patience(DEADLINES, byte_s=0.01)
    assert slow_line.limit_s(100) == DEADLINES.first_s + 1.0


def test_silence_lengthens_the_wait_up_to_a_limit_and_a_reply_ends_that():
    patience = Patience(DEADLINES)
    patience.heard(0.0, 10, 1)
    waits = []
    for _ in range(8):
        waits.append(patience.limit_s(10))
        patience.quiet(heard=False)
    assert waits[:4] == pytest.approx([0.1, 0.15, 0.225, 0.3375]) and max(waits) == pytest.approx(0.8)
    patience.heard(0.0, 10, 1)
    patience.quiet(heard=True)
    assert patience.limit_s(10) == pytest.approx(0.1)


@given(
    st.lists(st.tuples(st.floats(0, 100), st.integers(1, 5000), st.integers(1, 255)), max_size=30),
    st.integers(0, 10**6),
)
def test_no_wait_is_longer_than_the_idle_deadline(heard, line_bytes):
    patience = Patience(DEADLINES)
    for gap, size, samples in heard:
        patience.heard(gap, size, samples)
        patience.quiet(heard=False)
    assert 0 < patience.limit_s(line_bytes) <= DEADLINES.idle_s


def test_a_clean_line_gets_the_largest_frames():
    loss = LossEstimate()
    assert loss.best_count(20, 30, 18) == 18
    for _ in range(50):
        loss.frame(200, lost=False)
    assert loss.best_count(20, 30, 18) == 18


def test_the_chosen_count_is_the_best_of_all():
    for per_byte in (1e-4, 1e-3, 1e-2):
        loss = LossEstimate()
        loss._lost, loss._bytes = per_byte * 1e6, 1e6

        def goodput(n, q=per_byte):
            return n * 20 / (n * 20 + 30) * math.exp(-q * (n * 20 + 30))

        best = max(range(1, 100), key=goodput)
        assert goodput(loss.best_count(20, 30, 99)) == pytest.approx(goodput(best), rel=2e-2)


def test_losses_are_forgotten():
    loss = LossEstimate()
    for _ in range(20):
        loss.frame(200, lost=True)
    assert loss.best_count(20, 30, 18) < 4
    for _ in range(300):
        loss.frame(200, lost=False)
    assert loss.best_count(20, 30, 18) == 18


@given(
    st.lists(st.tuples(st.integers(1, 5000), st.booleans())),
    st.integers(1, 3000),
    st.integers(1, 99),
    st.integers(1, 255),
)
def test_a_count_is_always_possible(fates, sample_bytes, overhead, most):
    loss = LossEstimate()
    for size, lost in fates:
        loss.frame(size, lost=lost)
    assert 1 <= loss.best_count(sample_bytes, overhead, most) <= most
