import numpy as np
import pytest

from axedge.artifacts.errors import CheckFailed, KernelError
from axedge.kernels.kernel import Samples
from axedge.train.split import Split, draw_split, seen_before

pytestmark = pytest.mark.host


class Drawing:
    """A kernel whose inputs come from a small set."""

    name = "few"

    def __init__(self, distinct):
        self.distinct = distinct

    def draw(self, purpose, count, seed):
        rng = np.random.default_rng([seed, len(purpose)])
        x = rng.integers(0, self.distinct, (count, 1)).astype(np.float32)
        return Samples(x, x * 2)


def samples(*values):
    x = np.array(values, np.float32).reshape(-1, 1)
    return Samples(x, x)


def test_a_leaky_split_is_caught():
    with pytest.raises(CheckFailed, match="1 test inputs are train inputs"):
        Split(samples(1, 2, 3), samples(4), samples(5, 2)).check()
    with pytest.raises(CheckFailed, match="2 test inputs are validation inputs"):
        Split(samples(1), samples(4), samples(4, 4)).check()
    Split(samples(1, 2), samples(3), samples(4)).check()


def test_repeated_inputs_are_dropped_from_the_later_purpose():
    split = draw_split(Drawing(1000), 500, 500, 500, seed=0)
    assert len(split.train) == 500
    assert 0 < len(split.validation) < 500
    assert not seen_before(split.test.x, np.concatenate([split.train.x, split.validation.x])).any()
    assert np.array_equal(split.test.y, split.test.x * 2)


def test_too_few_distinct_inputs_is_one_line():
    with pytest.raises(KernelError, match="too few distinct inputs"):
        draw_split(Drawing(3), 100, 100, 100, seed=0)


def test_rows_are_compared_whole_and_zero_has_no_sign():
    earlier = np.array([[1.0, 2.0], [0.0, 5.0]], np.float32)
    later = np.array([[1.0, 3.0], [-0.0, 5.0], [2.0, 1.0], [1.0, 2.0]], np.float32)
    assert seen_before(later, earlier).tolist() == [False, True, False, True]
