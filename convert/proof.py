"""A static proof that no accumulator or intermediate of a quantised network can overflow, for any input codes.

Interval arithmetic over the whole numbers that the engines use: each activation's codes lie where its clamp leaves
them, so each sum, in whatever order it is taken, lies within the sum of its terms' largest magnitudes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from axedge.artifacts.errors import CheckFailed
from axedge.convert import fixedpoint
from axedge.convert.envelope import largest_excess, projection_bounds
from axedge.convert.qnet import Dense, Envelope, Lookup, Multiply, Operation, QNet, Tanh16

_INT32 = (1 << 31) - 1
#: TFLM's 64-bit requantisation asks for sums within +-2^47.
_WIDE_SUM = (1 << 47) - 1


@dataclass(frozen=True)
class Bound:
    """What one operation can reach.

    Attributes:
        layer: name of the activation that it writes.
        low: smallest sum (or product) before requantisation.
        high: largest.
        magnitude: bound of every partial sum, in any order, and of what is shifted left before requantisation.
        limit: largest magnitude that the arithmetic can take.
    """

    layer: str
    low: int
    high: int
    magnitude: int
    limit: int

    @property
    def headroom_bits(self) -> float:
        """Bits to spare."""
        return float(np.log2(self.limit / max(self.magnitude, 1)))


def prove(net: QNet, envelope: Envelope | None = None) -> tuple[Bound, ...]:
    """Return the bounds of every sum and product, those of the domain guard's envelope last.

    Raises:
        CheckFailed: one of them may overflow.
    """
    ranges = {net.source: (net.activations[net.source].code_min, net.activations[net.source].code_max)}
    bounds = []
    for operation in net.operations:
        bound = _bound(net, operation, ranges)
        if bound is not None:
            if bound.magnitude > bound.limit:
                raise CheckFailed(
                    f"layer {operation.target} may overflow: up to {bound.magnitude} where {bound.limit} fits.",
                    "Train with smaller weights, or convert with other activations.",
                )
            bounds.append(bound)
        ranges[operation.target] = _codes(net, operation, ranges)
    if envelope is not None:
        bounds.append(_guard(envelope))
    return tuple(bounds)


def _guard(envelope: Envelope) -> Bound:
    """Return the bound of an envelope's projections, of each one's excess, and of the sum of squares."""
    lows, highs = projection_bounds(envelope)
    low, high = int(lows.min()), int(highs.max())
    ends = int(max(np.abs(envelope.low).max(), np.abs(envelope.high).max()))
    # Each partial sum of a projection lies within its bounds, for 0 is among the values of every term.
    magnitude = max(largest_excess(envelope), max(-low, high) + ends)
    if magnitude > _INT32:
        raise CheckFailed(
            f"the domain guard may overflow: up to {magnitude} where {_INT32} fits.", "This is a fault of axedge."
        )
    return Bound("domain guard", low, high, magnitude, _INT32)


def _bound(net: QNet, operation: Operation, ranges: dict[str, tuple[int, int]]) -> Bound | None:
    if isinstance(operation, Dense):
        return _dense(net, operation, ranges)
    return _multiply(net, operation, ranges) if isinstance(operation, Multiply) else None


def _codes(net: QNet, operation: Operation, ranges: dict[str, tuple[int, int]]) -> tuple[int, int]:
    """Return the codes that an operation can write."""
    if isinstance(operation, Lookup):
        low, high = ranges[operation.source]
        part = operation.table[low + 128 : high + 129]
        return int(part.min()), int(part.max())
    if isinstance(operation, Tanh16):
        ends = np.arange(ranges[operation.source][0], ranges[operation.source][1] + 1)
        codes = fixedpoint.lookup16(operation.kind, ends, operation.multiplier, operation.shift)
        return int(codes.min()), int(codes.max())
    return operation.low, operation.high


def _centred(net: QNet, name: str, ranges: dict[str, tuple[int, int]]) -> tuple[int, int]:
    low, high = ranges[name]
    return low - net.activations[name].zero_point, high - net.activations[name].zero_point


def _dense(net: QNet, dense: Dense, ranges: dict[str, tuple[int, int]]) -> Bound:
    low, high = _centred(net, dense.source, ranges)
    weights, bias = dense.weights.astype(object), dense.bias.astype(object)
    ends = np.stack([weights * low, weights * high])
    lows, highs = ends.min(axis=0).sum(axis=1) + bias, ends.max(axis=0).sum(axis=1) + bias
    partial = np.abs(ends).max(axis=0).sum(axis=1) + np.abs(bias)
    low_sum, high_sum = int(lows.min()), int(highs.max())
    if net.bits == 16:
        limit = min([_WIDE_SUM, *(_wide_limit(m, s) for m, s in zip(dense.multiplier, dense.shift, strict=True))])
        return Bound(dense.target, low_sum, high_sum, int(partial.max()), limit)
    shifted = [int(p) << max(int(s), 0) for p, s in zip(partial, dense.shift, strict=True)]
    return Bound(dense.target, low_sum, high_sum, max(shifted), _INT32)


def _wide_limit(multiplier: int, shift: int) -> int:
    """Return the largest sum whose 64-bit requantisation fits 32 bits, the zero point of 0 added."""
    factor = int(fixedpoint.reduced_multiplier(int(multiplier)))
    return _WIDE_SUM if factor == 0 else ((_INT32 << (15 - int(shift))) - (1 << (14 - int(shift)))) // factor


def _multiply(net: QNet, product: Multiply, ranges: dict[str, tuple[int, int]]) -> Bound:
    left, right = _centred(net, product.left, ranges), _centred(net, product.right, ranges)
    ends = [a * b for a in left for b in right]
    magnitude = max(abs(end) for end in ends) << max(product.shift, 0)
    return Bound(product.target, min(ends), max(ends), magnitude, _INT32)
