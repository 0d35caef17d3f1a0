from dataclasses import replace

import numpy as np
import pytest

from axedge.train.judge import Judgement
from axedge.train.network import forward
from axedge.train.recipes import Round
from axedge.train.rounds import Field
from axedge.train.runtime import tensorflow
from axedge.train.topology import Topology

pytestmark = pytest.mark.train

TOPOLOGY = Topology(2, 1, (3,), (2,))
SHORT = Round(restarts=5, steps=40, batch=64, learning_rate=1e-2, warm_up=5)


def loss(flat, x, y, row):
    """Learn y = x0 * x1."""
    answer, logit = forward(TOPOLOGY, flat, x)
    return tensorflow().reduce_mean((answer[:, 0] - y) ** 2 + 0.1 * logit**2, axis=1)


@pytest.fixture
def field():
    """A field whose networks are all judged alike, and the rounds that asked for a loss."""
    x = np.random.default_rng(1).uniform(-1, 1, (640, 2)).astype(np.float32)
    asked = []

    def build(part):
        asked.append(part)
        return loss

    return Field(
        x=x, y=x[:, :1] * x[:, 1:], loss=build, judge=lambda flat: [Judgement(0.5, 0.5, 0.5) for _ in flat], seed=0
    ), asked


def test_groups_are_trained_like_one(field):
    one, asked = field
    start = TOPOLOGY.initial(5, seed=0)
    whole, _ = one.run([SHORT], start, (1.0, 0.5))
    rounds = [SHORT, replace(SHORT, restarts=2, learning_rate=0.0)]
    parted, judgements = one.run(rounds, start, (1.0, 0.5))
    assert len(asked) == 2, "rounds that differ in their schedule only share a loop"
    assert len(judgements) == 2
    assert np.allclose(parted, whole[:2], atol=1e-5)
    assert np.abs(whole - start).max() > 0.05


def test_a_round_never_leaves_a_network_worse(field):
    one, _ = field
    start = TOPOLOGY.initial(4, seed=0)
    seen = []

    def judge(flat):
        """The first round's networks get better from left to right; what comes after is worse but for the third."""
        again = bool(seen)
        seen.append(flat)
        shares = [0.1, 0.9, 0.8, 0.3] if again else [0.5, 0.6, 0.7, 0.8]
        return [Judgement(0.5, share, 0.0) for share in shares[: len(flat)]]

    one.judge = judge
    flat, judgements = one.run([replace(SHORT, restarts=4), replace(SHORT, restarts=4)], start)
    first, second = seen[0][::-1], seen[1]
    assert [judgement.inv95 for judgement in judgements] == [0.9, 0.8, 0.8, 0.5]
    wanted = [second[1], first[0], second[2], first[3]]
    assert all(np.array_equal(row, expected) for row, expected in zip(flat, wanted, strict=True))


def test_progress_counts_samples_of_networks(field):
    one, _ = field
    told = []
    one.progress = lambda done, total, note="": told.append((done, total))
    one.run([SHORT, replace(SHORT, restarts=1)], TOPOLOGY.initial(5, seed=0))
    total = 40 * 64 * 6.0
    assert told == [(40 * 64 * 5.0, total), (total, total)]
    assert [point.step for point in one.history] == [40, 80]
    assert [point.restarts for point in one.history] == [5, 1]
