"""Coefficients of a function that is linear in them, so that as many answers as possible are within the kernel's bound.

Least squares does not know the bound. Reweighting does: a sample far outside the bound is given up, and the fit serves
those that can be met (iteratively reweighted least squares with the Geman-McClure weights 1 / (1 + (e/b)^2)^2; Holland
and Welsch, Communications in Statistics A6, 1977).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import issparse

from axedge.kernels.kernel import Samples
from axedge.kernels.metrics import is_safe, sample_error
from axedge.kernels.spec import ErrorSpec

Array = NDArray[np.float64]

ROUNDS = 8
#: Of the mean weight of a coefficient: how strongly one that no sample reaches is held to where it starts.
_RIDGE = 1e-6
_SMALLEST_SIZE = 1e-12


@dataclass(frozen=True)
class Fitted:
    """Coefficients, and the share of validation samples that they keep within the bound."""

    coefficients: Array
    safe_share: float


def fit(
    features: Callable[[NDArray[np.float32]], Any],
    train: Samples,
    validation: Samples,
    error: ErrorSpec,
    start: Array,
    rounds: int = ROUNDS,
) -> Fitted:
    """Return the coefficients that keep most validation samples within the bound.

    Args:
        features: from inputs [N, n] to a matrix [N, K], dense or scipy.sparse.
        train: samples to fit.
        validation: samples to choose by, among `start`, least squares and each reweighting.
        error: metric and bound.
        start: coefficients [K, m] that no fit has touched; those that no sample reaches stay there.
        rounds: reweightings.
    """
    matrix, judge = features(train.x), features(validation.x)
    best = Fitted(start, _safe_share(judge @ start, validation, error))
    weight, held = np.ones(len(train)), start
    for _ in range(rounds + 1):
        found = _solve(matrix, train, error, weight, held)
        share = _safe_share(judge @ found, validation, error)
        if share > best.safe_share:
            best = Fitted(found, share)
        weight = 1.0 / np.square(1.0 + np.square(_error(train, matrix @ found, error) / error.bound))
        held = found
    return best


def _solve(matrix: Any, train: Samples, error: ErrorSpec, weight: Array, held: Array) -> Array:
    """Return weighted least squares of every output, drawn a little towards `held`."""
    found = np.empty_like(held)
    shared = None
    for output in range(train.y.shape[1]):
        rows = weight
        if error.metric == "relative":
            size = np.maximum(np.abs(train.y[:, output].astype(np.float64)), max(error.floor, _SMALLEST_SIZE))
            rows = weight / np.square(size)
        if shared is None or error.metric == "relative":
            shared = _normal_equations(matrix, rows)
        factor, weighted, ridge = shared
        target = train.y[:, output].astype(np.float64)
        found[:, output] = cho_solve(factor, weighted @ target + ridge * held[:, output])
    return found


def _normal_equations(matrix: Any, rows: Array) -> tuple[Any, Any, float]:
    """Return the factored K x K matrix, the transposed weighted matrix, and the ridge."""
    if issparse(matrix):
        weighted = matrix.multiply(rows[:, np.newaxis]).T.tocsr()
        square = (weighted @ matrix).toarray()
    else:
        weighted = (matrix * rows[:, np.newaxis]).T
        square = weighted @ matrix
    ridge = _RIDGE * float(np.trace(square)) / len(square) + np.finfo(np.float64).tiny
    square[np.diag_indices_from(square)] += ridge
    return cho_factor(square, lower=True, check_finite=False), weighted, ridge


def _safe_share(answers: Array, samples: Samples, error: ErrorSpec) -> float:
    return float(is_safe(error, samples.y, answers).mean())


def _error(samples: Samples, answers: Array, error: ErrorSpec) -> Array:
    """Return the errors [N]; of a decision, which has no error between right and wrong, the distance."""
    if error.metric == "mismatch":
        return np.abs(samples.y - answers).max(axis=1)
    return sample_error(error, samples.y, answers)
