"""The bound of a violation rate where rows are no draws of their own: those of a time series, or of one run of many.

Rows of one cluster (a stretch of a recording, a group) are alike; clusters are taken as independent. How much less than
as many independent draws they tell is estimated from how the clusters differ (the design effect, Kish, "Survey
Sampling", 1965), and the exact binomial bound is taken at the effective number of draws, with Student's quantile in
place of the normal one for the number of clusters (Korn and Graubard, "Confidence intervals for proportions with small
expected number of positive counts estimated from survey data", Survey Methodology 24, 1998).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, t

#: With fewer, nothing is known of how they differ.
_LEAST_CLUSTERS = 2


def clustered_upper(
    used: NDArray[np.bool_], bad: NDArray[np.bool_], clusters: NDArray[np.integer], confidence: float
) -> float:
    """Return the upper bound of the share of bad rows among the used ones.

    The design effect is that of the bad among the used, or among all rows where that is more: a handful of bad ones
    tells little of how they cluster.

    Args:
        used: which rows count, shape (N,).
        bad: which rows are bad, used or not, shape (N,).
        clusters: number of each row's cluster, 0 or more, shape (N,).
        confidence: above 0, below 1.
    """
    count, found = np.bincount(clusters[used]), int((used & bad).sum())
    total, active = int(count.sum()), int((count > 0).sum())
    if active < _LEAST_CLUSTERS or found == total:
        return 1.0
    effect = max(design_effect(used, bad, clusters), design_effect(np.ones(len(used), bool), bad, clusters))
    quantiles = t.ppf(confidence, [total - 1, active - 1])
    effective = total / effect * min(quantiles[0] / quantiles[1], 1.0) ** 2
    share = found / total
    return float(beta.ppf(confidence, share * effective + 1.0, (1.0 - share) * effective))


def design_effect(used: NDArray[np.bool_], bad: NDArray[np.bool_], clusters: NDArray[np.integer]) -> float:
    """Return the variance of the share of bad rows over that of as many independent draws, at least 1."""
    size = int(clusters.max()) + 1
    count = np.bincount(clusters[used], minlength=size)
    found = np.bincount(clusters[used & bad], minlength=size)
    total, active = int(count.sum()), int((count > 0).sum())
    share = found.sum() / max(total, 1)
    if active < _LEAST_CLUSTERS or not 0.0 < share < 1.0:
        return 1.0
    rest = found - share * count
    return max(active / (active - 1) * float((rest**2).sum()) / (total * share * (1.0 - share)), 1.0)
