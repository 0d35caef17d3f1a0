"""Foreign points: outside the application's inputs though inside the box, or without an exact result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from axedge.kernels import foreign as module
from axedge.kernels.foreign import Foreign
from axedge.kernels.kernel import load_kernel

pytestmark = pytest.mark.cc


def test_what_an_arm_cannot_reach_is_foreign_and_what_it_reaches_is_not():
    kernel = load_kernel("inversek2j")
    foreign = Foreign.of(kernel)
    assert 1 / 255 < foreign.reach < 0.05
    own = kernel.draw("fresh", 20_000, 5).x
    assert foreign.among(own).mean() < 0.003
    # Links of 0.5 m bent by at most a right angle: the tip is 0.707 to 1 m away.
    points, share = foreign.draw("test", 5_000, 1)
    assert len(points) == 5_000 and 0.6 < share < 0.8 and foreign.among(points).all()
    beyond = np.array([[0.1, 0.1], [1.0, 1.0], [-0.5, 0.0], [0.4, 0.4]], np.float32)
    assert foreign.among(beyond).all()
    assert not foreign.among(np.array([[0.6, 0.6], [0.0, 0.9]], np.float32)).any()


def test_the_stream_is_its_own_and_repeats():
    foreign = Foreign.of(load_kernel("inversek2j"))
    first, again = foreign.draw("train", 300, 3)[0], foreign.draw("train", 300, 3)[0]
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, foreign.draw("validation", 300, 3)[0])
    assert not np.array_equal(first, foreign.draw("train", 300, 4)[0])


def test_a_kernel_that_fills_its_box_has_foreign_points_only_where_it_has_no_result():
    kernel = load_kernel("fft")
    assert len(Foreign.of(kernel).draw("train", 100, 0)[0]) == 0

    class Holed(type(kernel)):
        def exact(self, x):
            return np.where(x > 0.75, np.nan, super().exact(x))

    holed = Holed(**{name: getattr(kernel, name) for name in kernel.__dataclass_fields__})
    points, share = Foreign.of(holed).draw("train", 500, 0)
    assert len(points) == 500 and (points > 0.75).all() and 0.2 < share < 0.3


def test_wide_inputs_are_compared_without_a_tree(monkeypatch):
    kernel = load_kernel("blackscholes")
    own = kernel.draw("fresh", 500, 0).x
    box = np.concatenate([own, kernel.draw_box("test", 500, 0)])
    with_tree = Foreign.of(kernel)
    monkeypatch.setattr(module, "_TREE_DIMENSIONS", 0)
    brute = Foreign.of(kernel)
    assert brute.reach == pytest.approx(with_tree.reach, rel=1e-6)
    np.testing.assert_array_equal(brute.among(box), with_tree.among(box))


def test_recorded_inputs_are_an_application_too(tmp_path):
    from axedge.kernels.kernel import data_kernel

    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, 4_000)
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    np.savetxt(tmp_path / "x.csv", x, delimiter=",")
    np.savetxt(tmp_path / "y.csv", angle, delimiter=",")
    kernel = data_kernel(tmp_path / "x.csv", tmp_path / "y.csv", "absolute", 0.1)
    foreign = Foreign.of(replace(kernel))
    assert foreign.among(np.array([[0.0, 0.0], [0.5, 0.5]], np.float32)).all()
    assert not foreign.among(x[:50].astype(np.float32)).any()


def test_recorded_inputs_that_fill_their_box_leave_no_foreign_spots(tmp_path):
    from axedge.kernels.kernel import data_kernel

    x = np.random.default_rng(0).uniform([0.0, -1.0], [2.0, 1.0], (8_000, 2))
    np.savetxt(tmp_path / "x.csv", x, delimiter=",")
    np.savetxt(tmp_path / "y.csv", x.sum(axis=1), delimiter=",")
    foreign = Foreign.of(data_kernel(tmp_path / "x.csv", tmp_path / "y.csv", "absolute", 0.1))
    assert len(foreign.draw("train", 100, 0)[0]) == 0


@pytest.mark.parametrize("name", ["kmeans", "wetbulb"])
def test_a_small_part_of_the_box_may_be_foreign(name):
    assert 0.005 < Foreign.of(load_kernel(name)).draw("train", 100, 0)[1] < 0.2
