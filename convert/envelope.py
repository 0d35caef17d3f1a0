"""The domain guard's second part, for what no band tells: how far codes lie outside a region of any direction.

An envelope holds a few projections of the input codes, and an interval on each in which the application's inputs mostly
lie. How far a projection lies outside its interval is squared and summed; the sum may not exceed a limit. With
intervals of no width that is an ellipsoid (which fits the windows of an image), with intervals open at one end it cuts
off corners. Projections and intervals are fitted to tell the application's inputs from foreign points, as a logistic
regression on the sum would be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from axedge.convert.qnet import Activation, Envelope

Array = NDArray[np.float64]
Coarse = NDArray[np.int16]

#: Projections that are tried, from the cheapest on.
_COUNTS = (2, 4, 6, 8)
#: Shares of the application's inputs that an envelope may turn away: more than the first only where it pays.
_LOST = (0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.08)
#: What a foreign point is worth that the predictor would have to refuse, in inputs of the application, share for share:
#: with 5 % of them left, a predictor of three units refused 28 % of the application's inputs to refuse 4 %. With all of
#: them left, such predictors refused about half, one of 24 units a twelfth (kmeans).
_PRICE, _MOST_PRICE, _MOST_PRICE_OF_A_UNIT = 5.0, 0.6, 2.0
#: Where no predictor learns to refuse them, the aim itself is worth something, and more may be turned away for it.
_AIM_ALONE, _LOST_ALONE = 0.3, (0.1, 0.12, 0.14, 0.16, 0.18, 0.2, 0.25)
#: An envelope, or more projections, must be worth this share of the application's inputs.
_LEAST_WORTH = 0.003
#: Foreign points needed to fit an envelope and to judge it.
_LEAST_POINTS = 500
#: Largest sum of a projection's weights, regardless of sign: it then takes no more than 16 bits, of which an engine can
#: compute two at once.
_WEIGHTS = 255
_SUM_LIMIT = (1 << 31) - 1

_STEPS = 1_200
_BATCH = 2_048
_RATE = 0.03
#: Weight of foreign points against the application's inputs, hardly any of which may be lost.
_FOREIGN_WEIGHT = 0.1
_SEED = 0
_SCORED = 40_000


@dataclass(frozen=True, eq=False)
class Shape:
    """An envelope before it is made of codes, on normalised inputs.

    Attributes:
        weights: float64, shape (n, k): a projection a column.
        middle: of the interval on each projection, shape (k,).
        half: half the width of each, 0 or more, shape (k,).
        lost: share of the application's inputs that it turns away; it sets the limit.
    """

    weights: Array
    middle: Array
    half: Array
    lost: float

    def distances(self, u: NDArray[np.floating]) -> Array:
        """Return how far each row of u, shape (N, n), lies outside: the sum of squares."""
        excess = np.abs(u @ self.weights - self.middle) - self.half
        return (np.maximum(excess, 0.0) ** 2).sum(axis=1)


def choose_envelope(
    own: NDArray[np.floating],
    held_out: NDArray[np.floating],
    foreign: NDArray[np.floating],
    judged: NDArray[np.floating],
    share: float,
    aim: float,
    units: int = 1,
) -> Shape | None:
    """Return the envelope that is worth most, None where none pays.

    Args:
        own: the application's inputs within the bands, normalised, shape (N, n).
        held_out: others, shape (M, n).
        foreign: foreign points within the bands, shape (K, n).
        judged: others, shape (L, n).
        share: of all foreign points that lie within the bands.
        aim: share of them that may be let through.
        units: of the last hidden layer of a predictor that learns to refuse what is left: the more, the less it pays.
            0: none does.
    """
    if share <= aim or min(len(foreign), len(judged)) < _LEAST_POINTS:
        return None
    best, least = None, _price(share - aim, units) - _LEAST_WORTH
    for count in _COUNTS:
        fitted = _fitted(np.asarray(own, np.float64), np.asarray(foreign, np.float64), count)
        known, others, strangers = (fitted.distances(x) for x in (own[:_SCORED], held_out, judged))
        for lost in _LOST if units else (*_LOST, *_LOST_ALONE):
            limit = np.quantile(known, 1.0 - lost)
            price = max(np.mean(others > limit), lost) + _price(share * np.mean(strangers <= limit) - aim, units)
            if price <= least:
                best, least = Shape(fitted.weights, fitted.middle, fitted.half, lost), price
        least -= _LEAST_WORTH if best is not None and best.weights.shape[1] == count else 0.0
    return best


def _price(share: float, units: int) -> float:
    """Return what it costs to leave this share of the foreign points above the aim, in inputs of the application."""
    price = _PRICE * max(share, 0.0)
    if not units:
        return price + (_AIM_ALONE if share > 0.0 else 0.0)
    return min(price, _MOST_PRICE, _MOST_PRICE_OF_A_UNIT / units)  # all of them can be refused for so much


def envelope_of(shape: Shape, entry: Activation, own: Coarse, *, rounded: bool = True) -> Envelope:
    """Return an envelope in whole numbers.

    Args:
        shape: in normalised units.
        entry: the network's input.
        own: coarse codes of the application's inputs within the bands, shape (N, n): they set the limit.
        rounded: whether a coarse code is the nearest one, not the upper 8 bits of a longer one.
    """
    # The upper 8 bits of a longer code stand for the middle of all that begin with them.
    step, zero = entry.scale * 2.0 ** (entry.bits - 8), entry.zero_point - (0.0 if rounded else 0.5)
    factor = _factor(shape.weights)
    weights = np.rint(shape.weights * factor).astype(np.int8)
    middle = (shape.middle * factor) / step + zero * weights.sum(axis=0, dtype=np.int64)
    half = shape.half * factor / step
    low, high = np.rint(middle - half).astype(np.int64), np.rint(middle + half).astype(np.int64)
    bare = Envelope(np.ascontiguousarray(weights.T), low, high, 0, 0)
    shift = next(shift for shift in range(31) if _largest(bare, shift) <= _SUM_LIMIT)
    open_ended = replace(bare, shift=shift)
    place = min(int(np.ceil((1.0 - shape.lost) * len(own))), len(own)) - 1
    return replace(open_ended, limit=int(np.partition(excess(open_ended, own), place)[place]))


def _factor(weights: Array) -> float:
    """Return the largest scale, in steps of 1 %, at which the rounded weights, shape (n, k), keep to `_WEIGHTS`."""
    factor = min(_WEIGHTS / np.abs(weights).sum(axis=0).max(), 127.0 / np.abs(weights).max())
    while np.abs(np.rint(weights * factor)).sum(axis=0).max() > _WEIGHTS:
        factor *= 0.99
    return factor


def excess(envelope: Envelope, codes: Coarse) -> NDArray[np.int64]:
    """Return how far each row of coarse codes lies outside an envelope: the sum of squares.

    Args:
        envelope: of n inputs.
        codes: shape (N, n or more): further columns do not count.
    """
    weights = envelope.weights.T.astype(np.float64)
    sums = np.rint(codes[:, : len(weights)].astype(np.float64) @ weights).astype(np.int64)
    outside = np.maximum(np.maximum(envelope.low - sums, sums - envelope.high), 0) >> envelope.shift
    return (outside**2).sum(axis=1)


def largest_excess(envelope: Envelope) -> int:
    """Return a bound of `excess` over all codes, by interval arithmetic."""
    return _largest(envelope, envelope.shift)


def _largest(envelope: Envelope, shift: int) -> int:
    lows, highs = projection_bounds(envelope)
    outside = np.maximum(np.maximum(envelope.low - lows, highs - envelope.high), 0)
    return sum((int(one) >> shift) ** 2 for one in outside)


def projection_bounds(envelope: Envelope) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the smallest and the largest value of each projection over all coarse codes, shape (k,) both."""
    weights = envelope.weights.astype(np.int64)
    positive, negative = np.maximum(weights, 0).sum(axis=1), np.minimum(weights, 0).sum(axis=1)
    return -128 * positive + 127 * negative, 127 * positive - 128 * negative


def _fitted(own: Array, foreign: Array, count: int) -> Shape:
    """Return a shape of `count` projections, its share of losses not chosen yet.

    Adam on the cross-entropy of sum - c, on inputs whitened by the application's covariance, from the directions in
    which foreign points are widest.
    """
    mean = own.mean(axis=0)
    root = np.linalg.cholesky(np.cov(own.T, ddof=0).reshape(own.shape[1], -1) + 1e-4 * np.eye(own.shape[1]))
    whiten = np.linalg.inv(root).T
    u, v = (own - mean) @ whiten, (foreign - mean) @ whiten
    widest = np.linalg.eigh(v.T @ v / len(v))[1][:, ::-1]
    rng = np.random.default_rng(_SEED)
    more = rng.normal(size=(own.shape[1], max(count - own.shape[1], 0))) / np.sqrt(own.shape[1])
    weights = np.concatenate([widest[:, :count], more], axis=1) * np.sqrt(2.0 / (9.0 + count))
    values = [weights, np.zeros(count), np.full(count, 0.3), np.full(1, 2.0)]
    moments = [(np.zeros_like(value), np.zeros_like(value)) for value in values]
    for step, (x, label) in enumerate(_batches(u, v, rng), start=1):
        gradients = _gradients(values, x, label)
        rate = 0.5 * _RATE * (1.0 + np.cos(np.pi * step / _STEPS))
        for value, (first, second), gradient in zip(values, moments, gradients, strict=True):
            first += 0.1 * (gradient - first)
            second += 0.001 * (gradient**2 - second)
            value -= rate * (first / (1.0 - 0.9**step)) / (np.sqrt(second / (1.0 - 0.999**step)) + 1e-9)
    weights, offset, half, _ = values
    weights = whiten @ weights
    return Shape(weights, mean @ weights - offset, np.maximum(half, 0.0), _LOST[0])


def _batches(own: Array, foreign: Array, rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """Yield rows and whether each is foreign, half and half."""
    label = np.repeat([0.0, 1.0], _BATCH)
    for _ in range(_STEPS):
        parts = [x[rng.integers(len(x), size=_BATCH)] for x in (own, foreign)]
        yield np.concatenate(parts), label


def _gradients(values: list[Array], x: Array, label: Array) -> list[Array]:
    """Return the loss's gradients with respect to weights, offsets, half widths and the threshold."""
    weights, offset, half, threshold = values
    sums = x @ weights + offset
    outside = np.maximum(np.abs(sums) - np.maximum(half, 0.0), 0.0)
    logit = np.clip((outside**2).sum(axis=1) - threshold, -30.0, 30.0)
    weight = np.where(label > 0, _FOREIGN_WEIGHT, 1.0) / len(x)
    slope = (1.0 / (1.0 + np.exp(-logit)) - label) * weight
    pull = 2.0 * slope[:, np.newaxis] * outside
    signed = pull * np.sign(sums)
    return [x.T @ signed, signed.sum(axis=0), -pull.sum(axis=0), np.array([-slope.sum()])]
