"""Rows that follow each other are alike: taken one by one they promise what does not hold, in stretches they do not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import binom, norm

from axedge.convert.application import TEST, split_stretches
from axedge.convert.clusters import clustered_upper, design_effect
from axedge.convert.guarantee import calibrate
from axedge.kernels.metrics import clopper_pearson_upper

pytestmark = pytest.mark.host

EPS, DELTA, ROWS, REPETITIONS = 0.05, 0.05, 10_000, 200
#: A tenth of the time the application is where half of the answers are wrong, for about a hundred rows on end.
HARD, WRONG, PERSISTENCE = 0.11, 0.5, 0.99


def recording(rng):
    """Whether each row of a recording is safe, shape (ROWS,); 5.5 % of all rows ever recorded are not."""
    steps = rng.normal(size=ROWS + 2_000) * np.sqrt(1 - PERSISTENCE**2)
    hard = lfilter([1], [1, -PERSISTENCE], steps)[2_000:] > norm.ppf(1 - HARD)
    return ~(hard & (rng.random(ROWS) < WRONG))


def promises(share_out):
    """Return how often a promise of at most 5 % is made, which is broken whenever it is made."""
    rng, logits, made = np.random.default_rng(7), np.zeros(ROWS, np.int64), 0
    for _ in range(REPETITIONS):
        safe = recording(rng)
        part, clusters = share_out(rng)
        made += calibrate(safe[part], logits[part], [0], EPS, DELTA, clusters=clusters).chosen is not None
    return made


def test_of_a_series_single_rows_break_the_promise_and_stretches_keep_it():
    split = split_stretches(ROWS)
    stretches = split.purpose == TEST
    allowed = binom.ppf(0.99, REPETITIONS, DELTA)
    assert promises(lambda rng: (rng.random(ROWS) < 0.6, None)) > 2 * allowed
    assert promises(lambda rng: (stretches, split.clusters[stretches])) <= allowed
    assert promises(lambda rng: (stretches, None)) > allowed, (
        "it is the bound that counts stretches, not the split alone"
    )


def test_independent_rows_cost_little():
    rng, clusters = np.random.default_rng(3), np.arange(6_000) // 200
    bad, used = rng.random(6_000) < 0.03, rng.random(6_000) < 0.8
    assert design_effect(used, bad, clusters) < 1.6
    exact = clopper_pearson_upper(int((used & bad).sum()), int(used.sum()), 0.95)
    assert exact <= clustered_upper(used, bad, clusters, 0.95) < 1.2 * exact


def test_copies_of_one_draw_are_one_draw():
    bad = np.repeat(np.random.default_rng(4).random(60) < 0.1, 50)
    clusters, used = np.repeat(np.arange(60), 50), np.ones(3_000, bool)
    assert design_effect(used, bad, clusters) == pytest.approx(50, rel=0.05)
    single = clopper_pearson_upper(int(bad.sum()) // 50, 60, 0.95)
    assert clustered_upper(used, bad, clusters, 0.95) == pytest.approx(single, rel=0.05)


def test_nothing_is_known_of_one_cluster_or_of_nothing():
    used = np.arange(100) < 50
    assert clustered_upper(used, np.zeros(100, bool), np.arange(100) // 50, 0.95) == 1.0
    assert clustered_upper(np.zeros(100, bool), used, np.arange(100) // 10, 0.95) == 1.0
    assert clustered_upper(used, used, np.arange(100) // 10, 0.95) == 1.0
