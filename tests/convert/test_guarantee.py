"""The guarantee: it holds as often as it says, and a bound that is too hopeful is caught."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from axedge.convert.deployment import TURNED_AWAY
from axedge.convert.guarantee import Foreign, calibrate, propose_thresholds
from axedge.kernels.metrics import clopper_pearson_upper

pytestmark = pytest.mark.host

EPS, DELTA, REPETITIONS = 0.05, 0.05, 100
#: The 99 % quantile of how often 100 promises of 95 % confidence may break.
ALLOWED = 11


class Population:
    """Logit codes and safety of endless inputs: a soft gate, with a small cluster of failures at the highest codes."""

    def __init__(self) -> None:
        self.codes = np.arange(-128, 128)
        weight = np.exp(-(((self.codes - 20) / 60.0) ** 2))
        self.weight = weight / weight.sum()
        self.unsafe = 0.9 / (1.0 + np.exp((self.codes + 30) / 18.0)) + 0.012
        self.unsafe[self.codes > 120] = 0.3

    def draw(self, rng, count):
        codes = rng.choice(self.codes, size=count, p=self.weight)
        return rng.random(count) >= self.unsafe[codes + 128], codes

    def violation_rate(self, threshold: int) -> float:
        used = self.codes >= threshold
        return float((self.weight * self.unsafe)[used].sum() / self.weight[used].sum())


def broken_promises(bound) -> tuple[int, int]:
    """Return how many of REPETITIONS calibrations break their promise, and how many made one."""
    population, broken, made = Population(), 0, 0
    for seed in range(REPETITIONS):
        rng = np.random.default_rng([17, seed])
        thresholds = propose_thresholds(*population.draw(rng, 3000), EPS)
        result = calibrate(*population.draw(rng, 3000), thresholds, EPS, DELTA, bound=bound)
        if result.chosen:
            made += 1
            broken += population.violation_rate(result.chosen.threshold) > EPS
    return broken, made


def test_the_allowance_is_the_quantile():
    assert binom.ppf(0.99, REPETITIONS, DELTA) == ALLOWED


def test_promises_break_no_more_often_than_allowed():
    broken, made = broken_promises(clopper_pearson_upper)
    assert made == REPETITIONS
    assert broken <= ALLOWED, f"{broken} of {made} promises broken"


def test_an_optimistic_bound_is_caught():
    broken, _ = broken_promises(lambda violations, invoked, confidence: violations / max(invoked, 1))
    assert broken > ALLOWED


def test_a_cluster_of_failures_on_top_does_not_stop_the_search():
    population, rng = Population(), np.random.default_rng(5)
    safe, codes = population.draw(rng, 50_000)
    strict = calibrate(safe, codes, [122], EPS, DELTA)
    assert strict.chosen is None
    result = calibrate(safe, codes, [122, 60, 30, 0], EPS, DELTA)
    assert result.chosen is not None and result.chosen.threshold < 60 and result.invocation > 0.3


def test_nothing_to_promise_gives_the_best_there_is():
    safe = np.arange(1000) % 2 == 0
    codes = np.arange(1000) % 256 - 128
    result = calibrate(safe, codes, propose_thresholds(safe, codes, 0.01), 0.01, 0.05)
    assert result.chosen is None and result.invocation == 0.0
    assert 0.4 < result.best.bound <= 1.0


def test_a_threshold_that_lets_nothing_through_promises_nothing():
    result = calibrate(np.ones(100, bool), np.zeros(100, np.int64), [5], 0.05, 0.05)
    assert result.chosen is None and result.best.bound == 1.0


def test_each_threshold_gets_its_share_of_delta():
    safe, codes = np.arange(2000) % 50 > 0, np.zeros(2000, np.int64)
    alone = calibrate(safe, codes, [0], 0.05, 0.05).chosen.bound
    among_ten = calibrate(safe, codes, [0, *range(1, 10)], 0.05, 0.05).chosen.bound
    assert alone == clopper_pearson_upper(40, 2000, 0.95)
    assert among_ten == clopper_pearson_upper(40, 2000, 0.995) > alone


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.01, 0.05, 0.2]))
def test_what_is_chosen_passes_and_lets_most_through(seed, eps):
    safe, codes = Population().draw(np.random.default_rng(seed), 4000)
    thresholds = propose_thresholds(safe, codes, eps)
    assert 1 <= len(thresholds) <= 16 and list(thresholds) == sorted(set(thresholds))
    result = calibrate(safe, codes, thresholds, eps, 0.05)
    confidence = 1 - 0.05 / len(thresholds)
    for threshold in thresholds:
        used = codes >= threshold
        passes = clopper_pearson_upper(int((used & ~safe).sum()), int(used.sum()), confidence) <= eps
        if passes:
            assert result.chosen is not None and result.chosen.invoked >= used.sum()
    if result.chosen:
        assert result.chosen.bound <= eps


@pytest.mark.parametrize(("eps", "delta", "thresholds"), [(0.0, 0.05, [0]), (0.05, 1.0, [0]), (0.05, 0.05, [])])
def test_nonsense_is_refused(eps, delta, thresholds):
    with pytest.raises(ValueError, match="Received"):
        calibrate(np.ones(3, bool), np.zeros(3, np.int64), thresholds, eps, delta)


def test_a_limit_on_foreign_points_raises_the_threshold_and_never_breaks_the_promise():
    population, rng = Population(), np.random.default_rng(6)
    strangers = [Foreign(rng.choice(population.codes, size=20_000) - 60, 0.01) for _ in range(2)]
    thresholds = propose_thresholds(*population.draw(rng, 50_000), EPS, strangers[0])
    samples = population.draw(rng, 50_000)
    free = calibrate(*samples, thresholds, EPS, DELTA)
    limited = calibrate(*samples, thresholds, EPS, DELTA, foreign=strangers[1])
    assert limited.chosen.bound <= EPS and limited.chosen.foreign_bound <= 0.01
    assert limited.chosen.threshold > free.chosen.threshold == limited.unlimited.threshold
    assert (strangers[1].logits >= limited.chosen.threshold).mean() <= 0.01


def test_promise_and_limit_hold_together_not_each_for_itself():
    """Both at their edge: either is found to hold, wrongly, no more often than one promise alone may be."""
    rng, repetitions, wrong = np.random.default_rng(8), 600, 0
    codes = np.zeros(4_000, np.int64)
    for _ in range(repetitions):
        safe, strangers = rng.random(4_000) >= EPS, np.where(rng.random(4_000) < 0.01, 0, -9)
        found = calibrate(safe, codes, [0], EPS, DELTA, foreign=Foreign(strangers, 0.01))
        wrong += found.best.bound <= EPS or found.best.foreign_bound <= 0.01
    assert 0 < wrong <= binom.ppf(0.99, repetitions, DELTA)
    alone = calibrate(safe, codes, [0], EPS, DELTA).best.bound
    assert alone < found.best.bound == clopper_pearson_upper(int((~safe).sum()), 4_000, 1 - DELTA / 2)
    assert calibrate(safe, codes, [0], EPS, DELTA, foreign=Foreign(codes[:0], 0.01)).best.bound == alone


def test_a_limit_that_cannot_be_kept_is_missed_by_as_little_as_can_be():
    population, rng = Population(), np.random.default_rng(7)
    samples = population.draw(rng, 50_000)
    hopeless = Foreign(np.full(1000, 127), 0.01)
    result = calibrate(*samples, [10, 40], EPS, DELTA, foreign=hopeless)
    assert result.chosen.bound <= EPS and result.chosen.foreign_bound == 1.0


def test_what_the_guard_turns_away_is_no_threshold():
    logits = np.where(np.arange(1000) < 990, 5, TURNED_AWAY)
    assert propose_thresholds(np.ones(1000, bool), logits, EPS) == (5,)


def test_no_threshold_is_so_low_that_subtracting_it_would_overflow():
    away = np.full(1000, TURNED_AWAY)
    for inside in (0, 500):  # with right answers only, whatever the guard says of them
        logits = np.concatenate([away, np.arange(inside) % 200 - 100])
        safe = np.ones(len(logits), bool)
        thresholds = propose_thresholds(safe, logits, 0.05, Foreign(away, 0.01))
        assert min(thresholds) >= -(1 << 15)
        result = calibrate(safe, logits, thresholds, 0.05, 0.05, foreign=Foreign(away, 0.01))
        assert max(one.invoked for one in (result.best, result.chosen or result.best)) <= inside
        assert (result.chosen is None) == (inside == 0)
