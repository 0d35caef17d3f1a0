import numpy as np
import pytest

from axedge.kernels import metrics
from axedge.train.judge import Judgement, figures, ranking, threshold_at_precision

pytestmark = pytest.mark.host


def test_the_threshold_lets_through_what_the_precision_allows(rng):
    logit = rng.normal(size=5000).astype(np.float32)
    safe = rng.random(5000) < 1 / (1 + np.exp(-3 * logit - 1))
    threshold = threshold_at_precision(safe, logit, 0.95)
    used = logit >= threshold
    assert used.mean() == pytest.approx(metrics.invocation_at_precision(safe, logit, 0.95))
    assert safe[used].mean() >= 0.95
    assert threshold_at_precision(np.zeros(10, bool), np.arange(10.0), 0.95) is None
    assert threshold_at_precision(np.ones(10, bool), np.arange(10.0), 0.95) == 0.0


def test_ranking_is_by_invocation_at_precision_not_by_true_invocation():
    always_safe, ranked, lost = Judgement(0.9, 0.0, 0.0), Judgement(0.7, 0.6, 0.1), Judgement(0.2, 0.0, 0.0)
    assert ranking([lost, always_safe, ranked]) == [2, 1, 0]


def test_figures_are_those_of_the_kernels_metric(errors):
    y = np.ones((4, 1), np.float32)
    y_hat = np.array([[1.0], [1.02], [1.3], [2.0]], np.float32)
    found = figures(errors["absolute"], y, y_hat, np.array([3.0, 2.0, 1.0, -1.0], np.float32))
    assert (found.true_invocation, found.invocation, found.useful_invocation) == (0.5, 0.75, 0.5)
    assert found.precision == pytest.approx(2 / 3)
    assert found.inv95 == 0.5
    assert found.median_error == pytest.approx(0.16, abs=1e-6)
