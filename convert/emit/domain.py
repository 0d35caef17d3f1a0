"""Which integers each quantity of a network can take: the ground on which cheaper exact arithmetic is proved.

A network of one or two 8-bit inputs has at most 65,536 different inputs: it is run on all of them, and every sum is
known
exactly. Of a wider network the sums are bounded by interval arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axedge.convert.fixedpoint import requantise
from axedge.convert.qnet import Dense, Multiply, QNet
from axedge.convert.reference import accumulators, trace

Integers = NDArray[np.int64]

_ENUMERABLE_INPUTS = 2


@dataclass(frozen=True)
class Domain:
    """A set of integers.

    Attributes:
        low: the smallest.
        high: the largest.
        values: all of them, ascending; None stands for every integer from low to high.
    """

    low: int
    high: int
    values: Integers | None = None

    @classmethod
    def of(cls, values: Integers) -> Domain:
        """Return the set of the values given."""
        distinct = np.unique(values)
        return cls(int(distinct[0]), int(distinct[-1]), distinct)


@dataclass(frozen=True)
class Staircase:
    """A rising step function on a domain, given by where its steps are.

    Attributes:
        levels: each value but the lowest, ascending.
        first: the smallest argument that reaches the level.
        last: the largest argument that does not.
        low: smallest argument.
        high: largest argument.
        bottom: the lowest value.
        top: the highest value.
        at_low: value at `low` before clamping.
        at_high: value at `high` before clamping.
    """

    levels: Integers
    first: Integers
    last: Integers
    low: int
    high: int
    bottom: int
    top: int
    at_low: int
    at_high: int


class Knowledge:
    """What is known of every activation and of every sum of a network."""

    def __init__(self, net: QNet) -> None:
        self._net = net
        source = net.activations[net.source]
        self._codes: dict[str, Integers] | None = None
        if net.bits == 8 and source.size <= _ENUMERABLE_INPUTS:
            axes = np.meshgrid(*[np.arange(-128, 128, dtype=np.int8)] * source.size, indexing="ij")
            rows = np.stack([axis.reshape(-1) for axis in axes], axis=1)
            self._codes = {name: codes.astype(np.int64) for name, codes in trace(net, rows).items()}

    def element(self, name: str, index: int) -> Domain:
        """Return which codes an element of an activation can have."""
        if self._codes is not None:
            return Domain.of(self._codes[name][:, index])
        activation = self._net.activations[name]
        for operation in self._net.operations:
            if operation.target == name and isinstance(operation, Dense | Multiply):
                return Domain(operation.low, operation.high)
        return Domain(activation.code_min, activation.code_max)

    def sums(self, layer: Dense) -> list[Domain]:
        """Return which values each unit's sum, bias included, can have."""
        if self._codes is not None:
            totals = accumulators(self._net, layer, self._codes[layer.source])
            return [Domain.of(totals[:, unit]) for unit in range(totals.shape[1])]
        ends = [self._centred(layer.source, index) for index in range(layer.weights.shape[1])]
        lows, highs = (np.array(each, np.int64) for each in zip(*ends, strict=True))
        weights = layer.weights.astype(np.int64)
        positive, negative = np.maximum(weights, 0), np.minimum(weights, 0)
        least = positive @ lows + negative @ highs + layer.bias
        most = positive @ highs + negative @ lows + layer.bias
        return [Domain(int(low), int(high)) for low, high in zip(least, most, strict=True)]

    def products(self, operation: Multiply) -> list[Domain]:
        """Return which values each element's product of centred codes can have."""
        size = self._net.activations[operation.target].size
        if self._codes is not None:
            left, right = (
                self._codes[name] - self._net.activations[name].zero_point for name in (operation.left, operation.right)
            )
            return [Domain.of(left[:, index] * right[:, index]) for index in range(size)]
        domains = []
        for index in range(size):
            left, right = self._centred(operation.left, index), self._centred(operation.right, index)
            corners = [a * b for a in left for b in right]
            domains.append(Domain(min(corners), max(corners)))
        return domains

    def _centred(self, name: str, index: int) -> tuple[int, int]:
        zero, domain = self._net.activations[name].zero_point, self.element(name, index)
        return domain.low - zero, domain.high - zero


def staircase(domain: Domain, function: Callable[[Integers], Integers], low: int, high: int) -> Staircase:
    """Return the steps of clamp(function, low, high) on a domain.

    Args:
        domain: the arguments.
        function: rising (not strictly), from arrays to arrays.
        low: smallest value let through.
        high: largest value let through.
    """
    ends = function(np.array([domain.low, domain.high], np.int64))
    bottom, top = (int(min(max(end, low), high)) for end in ends)
    levels = np.arange(bottom + 1, top + 1, dtype=np.int64)
    if domain.values is not None:
        reached = function(domain.values)
        place = np.searchsorted(reached, levels, side="left")
        first, last = domain.values[place], domain.values[place - 1]
    else:
        first = _first_reaching(domain, function, levels)
        last = first - 1
    return Staircase(levels, first, last, domain.low, domain.high, bottom, top, int(ends[0]), int(ends[1]))


def requantiser(multiplier: int, shift: int, zero_point: int) -> Callable[[Integers], Integers]:
    """Return TFLM's requantisation of a 32-bit sum, without its clamp, as a function of arrays."""

    def function(sums: Integers) -> Integers:
        return requantise(sums, multiplier, shift) + zero_point

    return function


def _first_reaching(domain: Domain, function: Callable[[Integers], Integers], levels: Integers) -> Integers:
    """Return, by bisection, the smallest argument at which the function is at least each level."""
    below = np.full(len(levels), domain.low, np.int64)
    reached = np.full(len(levels), domain.high, np.int64)
    while len(levels) and int((reached - below).max()) > 1:
        middle = (below + reached) >> 1
        enough = function(middle) >= levels
        reached = np.where(enough, middle, reached)
        below = np.where(enough, below, middle)
    return reached
