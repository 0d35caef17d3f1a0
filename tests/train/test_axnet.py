from dataclasses import replace

import numpy as np
import pytest

from axedge.artifacts.errors import CheckFailed
from axedge.kernels import metrics
from axedge.kernels.kernel import Samples
from axedge.train.axnet import _shift_logits, _sound, initial_weights
from axedge.train.judge import Judge, Judgement
from axedge.train.normalise import Affine, of_results, standardising
from axedge.train.recipes import DEFAULT, PAPER


@pytest.mark.host
def test_networks_that_diverged_are_left_out():
    flat = np.array([[1.0, np.nan], [1.0, 2.0], [np.inf, 0.0]], np.float32)
    judgements = [Judgement(0.1 * index, 0.2 * index, 0.0) for index in range(3)]
    kept, figures = _sound(flat, judgements)
    assert kept.tolist() == [[1.0, 2.0]]
    assert figures == [judgements[1]]
    with pytest.raises(CheckFailed, match="diverged"):
        _sound(flat[[0, 2]], judgements[:2])


@pytest.mark.host
def test_the_papers_weights_start_small(arm):
    paper, ours = (initial_weights(arm, recipe, 40, seed=0) for recipe in (PAPER, DEFAULT))
    assert paper.std() == pytest.approx(0.1, rel=0.1)
    assert ours.std() > 0.3
    assert np.array_equal(initial_weights(arm, PAPER, 3, seed=0), paper[:3])


@pytest.mark.host
def test_open_gates_start_around_one_and_nothing_else_moves(arm):
    closed, opened = (initial_weights(arm, replace(DEFAULT, gate_start=start), 5, seed=0) for start in (0.0, 1.0))
    for name, (_, bias) in arm.split(opened - closed).items():
        assert (bias == (1.0 if name.startswith("gates") else 0.0)).all()
    assert (opened != closed).sum() == 5 * sum(arm.approximator)


@pytest.mark.train
def test_zero_becomes_the_logit_of_the_wanted_precision(arm, errors, rng):
    x = rng.uniform(-1, 1, (4000, 2)).astype(np.float32)
    y = np.stack([np.sin(3 * x[:, 0]), np.sin(3 * x[:, 1])], axis=1).astype(np.float32) * 0.1 + 1.0
    judge = Judge(arm, errors["relative"], x, Samples(x, y), Affine(np.array([1.0, 1.0]), np.array([0.1, 0.1])))
    flat = arm.initial(20, seed=0)
    before = judge.safe_and_logit(flat)
    after = judge.safe_and_logit(_shift_logits(arm, flat, judge, 0.95))
    reachable = 0
    for safe, logit, moved in zip(before[0], before[1], after[1], strict=True):
        share = metrics.invocation_at_precision(safe, logit, 0.95)
        if share > 0.0:
            reachable += 1
            assert (moved >= 0).mean() == pytest.approx(share, abs=2e-3)
        else:
            assert np.array_equal(logit, moved)
    assert reachable > 0


@pytest.mark.host
def test_normalised_units_are_of_order_one_whatever_the_tail(rng):
    y = rng.normal(300.0, 5.0, (5000, 1)).astype(np.float32)
    y[0] = 1e6
    affine = of_results(y)
    assert np.abs(affine.apply(y[1:])).max() < 2.0
    assert np.allclose(affine.undo(affine.apply(y)), y, rtol=1e-5)
    constant = of_results(np.full((10, 1), 7.0, np.float32))
    assert constant.apply(np.full((1, 1), 7.0)).tolist() == [[0.0]]
    rare = np.zeros((5000, 1), np.float32)
    rare[0] = 4.0
    assert of_results(rare).apply(rare).max() <= 2.0


@pytest.mark.host
def test_standardising_gives_mean_zero_and_unit_variance(rng):
    u = rng.uniform(0.2, 0.9, (1000, 2)).astype(np.float32)
    u[:, 1] = 0.5
    standard = standardising(u).apply(u)
    assert np.allclose(standard.mean(axis=0), 0.0, atol=1e-5)
    assert standard[:, 0].std() == pytest.approx(1.0, abs=1e-5)
    assert np.isfinite(standard).all()
