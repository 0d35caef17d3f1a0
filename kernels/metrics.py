"""Error of an answer, when it is safe, and what a gate over such answers is worth.

Pure arithmetic on arrays, in float64: no kernel, no compiler, no network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

from axedge.kernels.spec import ErrorSpec


def sample_error(error: ErrorSpec, y: ArrayLike, y_hat: ArrayLike) -> NDArray[np.float64]:
    """Return e(y, y') of each sample.

    relative: max_j |y_j - y'_j| / max(|y_j|, floor), 0 where both are 0; absolute: max_j |y_j - y'_j|;
    rmse: sqrt(mean_j (y_j - y'_j)^2); mismatch: 1 where the decisions differ, else 0. The decision is `y >= 0.5` for
    one output, and for several the index of the largest, the first of them at a tie. Where y or y' holds a NaN or an
    infinity the error is infinite.

    Args:
        error: metric and floor.
        y: exact results, shape [N, m].
        y_hat: answers, shape [N, m].

    Returns:
        Errors, shape [N], never NaN.

    Raises:
        ValueError: the shapes differ or are not [N, m].
    """
    exact, answer = _rows(y, y_hat)
    usable = np.isfinite(exact).all(axis=1) & np.isfinite(answer).all(axis=1)
    found = np.full(len(exact), np.inf)
    exact, answer = exact[usable], answer[usable]
    distance = np.abs(exact - answer)
    if error.metric == "relative":
        size = np.maximum(np.abs(exact), error.floor)
        ratio = np.full_like(distance, np.inf)
        with np.errstate(over="ignore"):
            np.divide(distance, size, out=ratio, where=size > 0)
        ratio[distance == 0] = 0.0
        found[usable] = ratio.max(axis=1)
    elif error.metric == "absolute":
        found[usable] = distance.max(axis=1)
    elif error.metric == "rmse":
        found[usable] = np.sqrt(np.mean(distance**2, axis=1))
    else:
        found[usable] = decision(exact) != decision(answer)
    return found


def is_safe(error: ErrorSpec, y: ArrayLike, y_hat: ArrayLike) -> NDArray[np.bool_]:
    """Return whether each answer may be used, shape [N].

    For the relative metric exactly `|y - y'| <= bound * max(|y|, floor)` in every output (in float64), which at the
    bound itself can differ from `sample_error <= bound` in the last digit of the division. A NaN or an infinity is
    never safe.
    """
    if error.metric != "relative":
        return sample_error(error, y, y_hat) <= error.bound
    exact, answer = _rows(y, y_hat)
    usable = np.isfinite(exact).all(axis=1) & np.isfinite(answer).all(axis=1)
    with np.errstate(invalid="ignore"):
        within = np.abs(exact - answer) <= error.bound * np.maximum(np.abs(exact), error.floor)
    return usable & within.all(axis=1)


def decision(y: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the class that each row of outputs [N, m] stands for (see `sample_error`)."""
    if y.shape[1] == 1:
        return (y[:, 0] >= 0.5).astype(np.int64)
    return np.argmax(y, axis=1)


@dataclass(frozen=True)
class GateFigures:
    """What a gate achieved on a set of samples; the words are those of docs/architecture.md.

    Attributes:
        count: samples.
        safe: samples whose answer is safe.
        invoked: samples on which the network was used.
        useful: samples both invoked and safe.
        true_invocation: safe / count.
        invocation: invoked / count.
        useful_invocation: useful / count.
        precision: useful / invoked; None where nothing was invoked.
        violation_rate: 1 - precision, as (invoked - useful) / invoked; None where nothing was invoked.
    """

    count: int
    safe: int
    invoked: int
    useful: int
    true_invocation: float
    invocation: float
    useful_invocation: float
    precision: float | None
    violation_rate: float | None


def gate_figures(safe: ArrayLike, used: ArrayLike) -> GateFigures:
    """Judge a gate.

    Args:
        safe: whether each answer was safe, shape [N], N > 0.
        used: whether the network was used on it, shape [N].

    Raises:
        ValueError: the shapes differ, or there is no sample.
    """
    is_fine, is_used = np.asarray(safe, dtype=bool), np.asarray(used, dtype=bool)
    _check_pair(is_fine, is_used)
    count, fine, invoked = len(is_fine), int(is_fine.sum()), int(is_used.sum())
    useful = int((is_fine & is_used).sum())
    return GateFigures(
        count=count,
        safe=fine,
        invoked=invoked,
        useful=useful,
        true_invocation=fine / count,
        invocation=invoked / count,
        useful_invocation=useful / count,
        precision=useful / invoked if invoked else None,
        violation_rate=(invoked - useful) / invoked if invoked else None,
    )


def invocation_at_precision(safe: ArrayLike, margin: ArrayLike, precision: float) -> float:
    """Return the largest invocation that any threshold on `margin` reaches with at least `precision`.

    A threshold lets through every sample whose margin is at least as large, so samples of equal margin go together. A
    NaN margin is never let through.

    Args:
        safe: whether each answer is safe, shape [N], N > 0.
        margin: the larger, the more the predictor trusts the answer, shape [N].
        precision: wanted share of safe ones among those let through, 0 to 1.

    Returns:
        0 to 1; 0 where no threshold is good enough.

    Raises:
        ValueError: the shapes differ, or there is no sample.
    """
    invoked, useful = let_through(safe, margin)
    good = useful >= precision * invoked
    return float(invoked[good].max() / len(np.asarray(margin))) if good.any() else 0.0


def let_through(safe: ArrayLike, margin: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how many samples each threshold on `margin` lets through, the strictest first, and how many are safe.

    Samples of equal margin go together; a NaN margin is never let through.

    Args:
        safe: whether each answer is safe, shape [N], N > 0.
        margin: the larger, the more the predictor trusts the answer, shape [N].

    Raises:
        ValueError: the shapes differ, or there is no sample.
    """
    is_fine, trust = np.asarray(safe, dtype=bool), np.asarray(margin, dtype=np.float64)
    _check_pair(is_fine, trust)
    comparable = ~np.isnan(trust)
    is_fine, trust = is_fine[comparable], trust[comparable]
    order = np.argsort(-trust, kind="stable")
    trust, useful = trust[order], np.cumsum(is_fine[order])
    is_last_of_ties = np.append(trust[1:] != trust[:-1], True)[: len(trust)]
    return np.arange(1, len(trust) + 1)[is_last_of_ties], useful[is_last_of_ties]


def clopper_pearson(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact two-sided interval of a binomial share after k hits in n trials.

    Clopper and Pearson, Biometrika 26 (1934): each end leaves (1 - confidence) / 2 in its tail.

    Args:
        k: hits, 0 to n.
        n: trials; without any, the interval is 0 to 1.
        confidence: above 0, below 1.

    Raises:
        ValueError: k, n or confidence is out of range.
    """
    one_sided = (1.0 + confidence) / 2.0
    return clopper_pearson_lower(k, n, one_sided), clopper_pearson_upper(k, n, one_sided)


def clopper_pearson_upper(k: int, n: int, confidence: float = 0.95) -> float:
    """Return p such that a share of p or more yields k hits or fewer with probability 1 - confidence or less."""
    _check_trials(k, n, confidence)
    return 1.0 if k == n else float(betaincinv(k + 1, n - k, confidence))


def clopper_pearson_lower(k: int, n: int, confidence: float = 0.95) -> float:
    """Return p such that a share of p or less yields k hits or more with probability 1 - confidence or less."""
    _check_trials(k, n, confidence)
    return 0.0 if k == 0 else float(betaincinv(k, n - k + 1, 1.0 - confidence))


def _rows(y: ArrayLike, y_hat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    exact, answer = np.asarray(y, dtype=np.float64), np.asarray(y_hat, dtype=np.float64)
    if exact.ndim != 2 or exact.shape != answer.shape or exact.shape[1] == 0:
        raise ValueError(f"y and y_hat must both be [N, m]. Received: {exact.shape} and {answer.shape}")
    return exact, answer


def _check_pair(safe: NDArray[np.bool_], other: NDArray[np.generic]) -> None:
    if safe.ndim != 1 or safe.shape != other.shape or len(safe) == 0:
        raise ValueError(f"both must be [N] with N > 0. Received: {safe.shape} and {other.shape}")


def _check_trials(k: int, n: int, confidence: float) -> None:
    if not 0 <= k <= n:
        raise ValueError(f"hits must be 0 to trials. Received: k={k}, n={n}")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must be above 0 and below 1. Received: {confidence}")
