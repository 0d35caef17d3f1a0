"""The promise: a threshold whose violation rate is bounded by the exact binomial bound, on samples nothing else saw.

Thresholds are proposed on the validation samples, and each is tested on the calibration samples at its share of delta
(Bonferroni), so choosing the best of those that pass costs no validity. Testing them from the strictest on, and
stopping at the first that fails, would be cheaper, but the highest margins can hold a small cluster of failures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axedge.kernels.metrics import clopper_pearson_upper

#: Invocation of the proposed thresholds, over that of the lowest one that reaches the precision on validation samples.
_SHARES = (1.01, 1.005, 1.0, 0.995, 0.99, 0.985, 0.98, 0.97, 0.96, 0.94, 0.91, 0.86, 0.75, 0.55, 0.3)
#: Invocation of the proposed thresholds where none reaches it.
_BLIND_SHARES = (0.9, 0.75, 0.6, 0.45, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01)

#: Upper bound of a share, given hits, trials and confidence.
Bound = Callable[[int, int, float], float]


@dataclass(frozen=True)
class Tested:
    """One threshold on the calibration samples.

    Attributes:
        threshold: logit code.
        invoked: samples that it lets through.
        violations: how many of them are not safe.
        bound: upper bound of the violation rate, at this threshold's share of delta.
    """

    threshold: int
    invoked: int
    violations: int
    bound: float


@dataclass(frozen=True)
class Calibration:
    """What could be promised.

    Attributes:
        eps: violation rate asked for.
        delta: probability that the promise may fail.
        count: calibration samples.
        thresholds: how many were tested.
        chosen: the one that lets most through among those that pass, or None.
        best: the one with the lowest bound.
    """

    eps: float
    delta: float
    count: int
    thresholds: int
    chosen: Tested | None
    best: Tested

    @property
    def invocation(self) -> float:
        """Invocation at the guarantee, on the calibration samples; 0 where nothing can be promised."""
        return self.chosen.invoked / self.count if self.chosen else 0.0


def propose_thresholds(safe: NDArray[np.bool_], logits: NDArray[np.integer], eps: float) -> tuple[int, ...]:
    """Return logit codes worth testing, from validation samples: around the lowest one that keeps the promise there.

    Args:
        safe: whether each answer is safe, shape (N,).
        logits: codes, shape (N,).
        eps: violation rate to be promised.
    """
    order = np.argsort(-logits, kind="stable")
    descending = logits[order].astype(np.int64)
    invoked = np.arange(1, len(order) + 1)
    good = np.cumsum(safe[order]) >= (1.0 - eps) * invoked
    good &= np.append(descending[1:] != descending[:-1], True)
    shares = np.array(_BLIND_SHARES)
    if good.any():
        shares = np.array(_SHARES) * invoked[good].max() / len(order)
    places = np.clip(np.ceil(shares * len(order)).astype(int) - 1, 0, len(order) - 1)
    return tuple(int(code) for code in np.unique(descending[places]))


def calibrate(
    safe: NDArray[np.bool_],
    logits: NDArray[np.integer],
    thresholds: Sequence[int],
    eps: float,
    delta: float,
    bound: Bound = clopper_pearson_upper,
) -> Calibration:
    """Test thresholds on samples that neither training nor `propose_thresholds` has seen.

    Args:
        safe: whether each answer is safe, shape (N,).
        logits: codes, shape (N,).
        thresholds: codes to test, at least one.
        eps: violation rate to be promised, above 0, below 1.
        delta: probability that the promise may fail, above 0, below 1.
        bound: for tests of this method only.

    Raises:
        ValueError: an argument is out of range.
    """
    if not (0.0 < eps < 1.0 and 0.0 < delta < 1.0 and thresholds and len(safe) == len(logits) > 0):
        raise ValueError(f"cannot calibrate. Received: eps={eps}, delta={delta}, {len(thresholds)} thresholds")
    confidence = 1.0 - delta / len(thresholds)
    tested = []
    for threshold in thresholds:
        used = logits >= threshold
        invoked, violations = int(used.sum()), int((used & ~safe).sum())
        tested.append(Tested(int(threshold), invoked, violations, bound(violations, invoked, confidence)))
    passing = [one for one in tested if one.bound <= eps]
    return Calibration(
        eps=eps,
        delta=delta,
        count=len(safe),
        thresholds=len(tested),
        chosen=max(passing, key=lambda one: (one.invoked, one.threshold), default=None),
        best=min(tested, key=lambda one: (one.bound, -one.invoked)),
    )
