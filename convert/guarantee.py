"""The promise: a threshold whose violation rate is bounded by the exact binomial bound, on samples nothing else saw.

Thresholds are proposed on the validation samples, and each is tested on the calibration samples at its share of delta
(Bonferroni), so choosing the best of those that pass costs no validity. Where foreign points are limited too, half of
each share is for them, and both hold together with confidence 1 - delta. Testing thresholds from the strictest on, and
stopping at the first that fails, would be cheaper, but the highest margins can hold a small cluster of failures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axedge.convert.clusters import clustered_upper
from axedge.convert.deployment import TURNED_AWAY
from axedge.kernels.metrics import clopper_pearson_upper

#: Invocation of the proposed thresholds, over that of the lowest one that reaches the precision on validation samples.
_SHARES = (1.01, 1.005, 1.0, 0.995, 0.99, 0.985, 0.98, 0.97, 0.96, 0.94, 0.91, 0.86, 0.75, 0.55, 0.3)
#: Invocation of the proposed thresholds where none reaches it.
_BLIND_SHARES = (0.9, 0.75, 0.6, 0.45, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01)

#: Share of the foreign points that the proposed thresholds let through on validation, where a limit is at stake.
_FOREIGN_SHARES = (0.95, 0.85, 0.7, 0.5)

#: No code of either width is less, and no threshold is: the generated C subtracts it from a logit.
_LEAST_CODE = -(1 << 15)

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
        foreign_invoked: foreign points that it lets through.
        foreign_bound: upper bound of their share among all foreign points, likewise; 0 where there are none.
    """

    threshold: int
    invoked: int
    violations: int
    bound: float
    foreign_invoked: int
    foreign_bound: float


@dataclass(frozen=True)
class Calibration:
    """What could be promised.

    Attributes:
        eps: violation rate asked for.
        delta: probability that the promise may fail.
        count: calibration samples.
        thresholds: how many were tested.
        chosen: the one that lets most through among those that pass, or None. Those that let too many foreign points
            through come last.
        unlimited: the same, whatever they do to foreign points.
        best: the one with the lowest bound.
    """

    eps: float
    delta: float
    count: int
    thresholds: int
    chosen: Tested | None
    unlimited: Tested | None
    best: Tested

    @property
    def invocation(self) -> float:
        """Invocation at the guarantee, on the calibration samples; 0 where nothing can be promised."""
        return self.chosen.invoked / self.count if self.chosen else 0.0


@dataclass(frozen=True)
class Foreign:
    """Foreign points, and how many of them the gate may let through.

    Attributes:
        logits: their codes, shape (K,).
        limit: largest share.
    """

    logits: NDArray[np.integer]
    limit: float

    def least_threshold(self, part: float = 1.0) -> int:
        """Return the lowest threshold that lets no more than this part of the limit through."""
        allowed = min(int(part * self.limit * len(self.logits)), len(self.logits) - 1)
        place = len(self.logits) - 1 - allowed
        return max(int(np.partition(self.logits, place)[place]) + 1, _LEAST_CODE)


@dataclass(frozen=True)
class Evidence:
    """Samples, as a gate sees them.

    Attributes:
        safe: whether each answer is safe, shape (N,).
        logits: codes, shape (N,).
        foreign: foreign points that belong to them; None for no limit.
        clusters: number of the cluster that each sample belongs to, where they are no draws of their own, shape (N,).
    """

    safe: NDArray[np.bool_]
    logits: NDArray[np.integer]
    foreign: Foreign | None = None
    clusters: NDArray[np.integer] | None = None


def propose_and_test(
    proposal: Evidence, test: Evidence, eps: float, delta: float, bound: Bound = clopper_pearson_upper
) -> Calibration:
    """Choose a gate's threshold: what `axedge convert` does, and what is repeated where broken promises are counted.

    Args:
        proposal: validation samples.
        test: samples that nothing else has seen.
        eps: violation rate to be promised.
        delta: probability that the promise may fail.
        bound: for tests of this method only.
    """
    thresholds = propose_thresholds(proposal.safe, proposal.logits, eps, proposal.foreign)
    return calibrate(
        test.safe, test.logits, thresholds, eps, delta, bound=bound, foreign=test.foreign, clusters=test.clusters
    )


def propose_thresholds(
    safe: NDArray[np.bool_], logits: NDArray[np.integer], eps: float, foreign: Foreign | None = None
) -> tuple[int, ...]:
    """Return logit codes worth testing, from validation samples: around the lowest one that keeps the promise there.

    Args:
        safe: whether each answer is safe, shape (N,).
        logits: codes, shape (N,).
        eps: violation rate to be promised.
        foreign: validation points; None for no limit.
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
    proposed = {int(code) for code in descending[places]}
    if foreign is not None and len(foreign.logits):
        limited = {foreign.least_threshold(share) for share in _FOREIGN_SHARES}
        proposed |= {code for code in limited if min(proposed) < code <= descending[0]}
    # What the domain guard turns away no threshold can let through.
    return tuple(sorted(code for code in proposed if code > TURNED_AWAY)) or (_LEAST_CODE,)


def calibrate(
    safe: NDArray[np.bool_],
    logits: NDArray[np.integer],
    thresholds: Sequence[int],
    eps: float,
    delta: float,
    bound: Bound = clopper_pearson_upper,
    foreign: Foreign | None = None,
    clusters: NDArray[np.integer] | None = None,
) -> Calibration:
    """Test thresholds on samples that neither training nor `propose_thresholds` has seen.

    Args:
        safe: whether each answer is safe, shape (N,).
        logits: codes, shape (N,).
        thresholds: codes to test, at least one.
        eps: violation rate to be promised, above 0, below 1.
        delta: probability that the promise may fail, above 0, below 1.
        bound: for tests of this method only.
        foreign: points that nothing has seen either, and their limit; None for no limit. Half of delta is for them, so
            that promise and limit hold together.
        clusters: number of the cluster that each sample belongs to, where they are no draws of their own, shape (N,).

    Raises:
        ValueError: an argument is out of range.
    """
    if not (0.0 < eps < 1.0 and 0.0 < delta < 1.0 and thresholds and len(safe) == len(logits) > 0):
        raise ValueError(f"cannot calibrate. Received: eps={eps}, delta={delta}, {len(thresholds)} thresholds")
    limited_too = foreign is not None and len(foreign.logits) > 0
    confidence = 1.0 - delta / (len(thresholds) * (2 if limited_too else 1))
    tested = []
    for threshold in thresholds:
        used = logits >= threshold
        invoked, violations = int(used.sum()), int((used & ~safe).sum())
        strayed = 0 if foreign is None else int((foreign.logits >= threshold).sum())
        share = bound(strayed, len(foreign.logits), confidence) if limited_too else 0.0
        if clusters is None:
            rate = bound(violations, invoked, confidence)
        else:
            rate = clustered_upper(used, ~safe, clusters, confidence)
        tested.append(Tested(int(threshold), invoked, violations, rate, strayed, share))
    passing = [one for one in tested if one.bound <= eps]
    limited = [one for one in passing if foreign is None or one.foreign_bound <= foreign.limit]
    return Calibration(
        eps=eps,
        delta=delta,
        count=len(safe),
        thresholds=len(tested),
        chosen=_most(limited) or min(passing, key=lambda one: (one.foreign_bound, -one.invoked), default=None),
        unlimited=_most(passing),
        best=min(tested, key=lambda one: (one.bound, -one.invoked)),
    )


def _most(passing: Sequence[Tested]) -> Tested | None:
    return max(passing, key=lambda one: (one.invoked, one.threshold), default=None)
