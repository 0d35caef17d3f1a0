"""A lookup table over the kernel's box, with multilinear interpolation in whole numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from axedge.convert.alternatives.codes import OutputScale
from axedge.convert.alternatives.fit import Fitted, fit
from axedge.convert.alternatives.positions import FRACTION_BITS, Axis
from axedge.kernels.kernel import Kernel, Samples

#: Corners of a cell double with every input, and half of them are on the stack: beyond this no table is tried.
MOST_INPUTS = 6
_MOST_NODES = 3_000
_ONE = 1 << FRACTION_BITS
#: Samples and reweightings while shapes are compared.
_QUICK_SAMPLES, _QUICK_ROUNDS = 6_000, 1


@dataclass(frozen=True)
class LookupTable:
    """Nodes on a regular grid.

    Attributes:
        axes: one an input; the grid has cells + 1 nodes along each.
        codes: int16 [nodes, m], the last input running fastest.
        outputs: what a code stands for.
    """

    axes: tuple[Axis, ...]
    codes: NDArray[np.int16]
    outputs: tuple[OutputScale, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Nodes along each input."""
        return tuple(axis.cells + 1 for axis in self.axes)

    @property
    def strides(self) -> tuple[int, ...]:
        """Nodes between neighbours along each input."""
        return tuple(prod(self.shape[index + 1 :]) for index in range(len(self.shape)))

    def answer(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the answers [N, m] to inputs [N, n], bit for bit as the C gives them."""
        first, fractions = _cells(self.axes, self.strides, x)
        corners = [self.codes[first + offset].astype(np.int32) for offset in corner_offsets(self.strides)]
        for fraction in reversed(fractions):
            part = fraction[:, np.newaxis]
            pairs = zip(corners[::2], corners[1::2], strict=True)
            corners = [low + (((high - low) * part) >> FRACTION_BITS) for low, high in pairs]
        return np.stack([scale.decode(corners[0][:, j]) for j, scale in enumerate(self.outputs)], axis=1)


def fit_table(kernel: Kernel, train: Samples, validation: Samples, nodes: int) -> LookupTable | None:
    """Return the best table of at most so many nodes, or None where even the coarsest has more.

    Its nodes start at the exact function's values and are then fitted to the samples; its shape is searched.

    Args:
        kernel: gives the box, the metric and the exact values.
        train: samples to fit.
        validation: samples to choose by.
        nodes: at most.

    Raises:
        ValueError: an input's range is too narrow for float32.
    """
    nodes, inputs = min(nodes, _MOST_NODES), len(kernel.inputs)
    if inputs > MOST_INPUTS or 2**inputs > nodes:
        return None
    quick = Samples(train.x[:_QUICK_SAMPLES], train.y[:_QUICK_SAMPLES])
    shape = _start_shape(inputs, nodes)
    share = _fit_shape(kernel, shape, quick, validation, _QUICK_ROUNDS).safe_share
    for step in (2.0, 1.5, 1.25):
        for candidate in _neighbours(shape, nodes, step):
            found_share = _fit_shape(kernel, candidate, quick, validation, _QUICK_ROUNDS).safe_share
            if found_share > share:
                shape, share = candidate, found_share
    found = _fit_shape(kernel, shape, train, validation)
    axes = _axes(kernel, shape)
    scales = tuple(OutputScale.covering(train.y[:, j], found.coefficients[:, j]) for j in range(train.y.shape[1]))
    codes = np.stack([scale.encode(found.coefficients[:, j]) for j, scale in enumerate(scales)], axis=1)
    return LookupTable(axes, codes.astype(np.int16), scales)


def _fit_shape(
    kernel: Kernel, shape: tuple[int, ...], train: Samples, validation: Samples, rounds: int | None = None
) -> Fitted:
    axes = _axes(kernel, shape)
    strides = tuple(prod(shape[index + 1 :]) for index in range(len(shape)))

    def features(x: NDArray[np.float32]) -> csr_matrix:
        first, fractions = _cells(axes, strides, x)
        weights = [np.ones(len(x))]
        for fraction in fractions:
            part = fraction / _ONE
            weights = [weight * side for weight in weights for side in (1.0 - part, part)]
        columns = np.stack([first + offset for offset in corner_offsets(strides)], axis=1)
        ends = np.arange(len(x) + 1) * columns.shape[1]
        return csr_matrix((np.stack(weights, axis=1).ravel(), columns.ravel(), ends), shape=(len(x), prod(shape)))

    start = _exact_values(kernel, axes, train)
    more = {} if rounds is None else {"rounds": rounds}
    return fit(features, train, validation, kernel.error, start, **more)


def _exact_values(kernel: Kernel, axes: tuple[Axis, ...], train: Samples) -> NDArray[np.float64]:
    """Return the exact function at the nodes, within the range of its results; their mean where it has no answer."""
    lines = [np.linspace(axis.low, axis.high, axis.cells + 1, dtype=np.float32) for axis in axes]
    grid = np.stack([part.ravel() for part in np.meshgrid(*lines, indexing="ij")], axis=1)
    middle = train.y.mean(axis=0, dtype=np.float64)
    if not kernel.has_exact:
        return np.tile(middle, (len(grid), 1))
    y = kernel.exact(np.clip(grid, kernel.minima, kernel.maxima)).astype(np.float64)
    y = np.where(np.isfinite(y), y, middle)
    return np.clip(y, train.y.min(axis=0), train.y.max(axis=0))


def _axes(kernel: Kernel, shape: tuple[int, ...]) -> tuple[Axis, ...]:
    return tuple(Axis.of(port, nodes - 1) for port, nodes in zip(kernel.inputs, shape, strict=True))


def _cells(
    axes: tuple[Axis, ...], strides: tuple[int, ...], x: NDArray[np.float32]
) -> tuple[NDArray[np.int64], list[NDArray[np.int32]]]:
    """Return the number of each input's lowest corner [N], and how far it is from there along each axis."""
    first, fractions = np.zeros(len(x), np.int64), []
    for column, (axis, stride) in enumerate(zip(axes, strides, strict=True)):
        position = axis.positions(x[:, column])
        cell = np.minimum(position >> FRACTION_BITS, axis.cells - 1)
        first += cell.astype(np.int64) * stride
        fractions.append(position - (cell << FRACTION_BITS))
    return first, fractions


def corner_offsets(strides: tuple[int, ...]) -> list[int]:
    """Return the offsets of a cell's corners from its lowest, the last input running fastest."""
    offsets = [0]
    for stride in strides:
        offsets = [offset + side for offset in offsets for side in (0, stride)]
    return offsets


def _start_shape(inputs: int, nodes: int) -> tuple[int, ...]:
    """Return about equal numbers of nodes along each input, at most `nodes` in all."""
    shape = [max(2, int(nodes ** (1.0 / inputs)))] * inputs
    for index in range(inputs):
        while prod(shape[:index] + [shape[index] + 1] + shape[index + 1 :]) <= nodes:
            shape[index] += 1
            if inputs > 1:
                break
    return tuple(shape)


def _neighbours(shape: tuple[int, ...], nodes: int, step: float) -> Iterator[tuple[int, ...]]:
    """Yield shapes that are finer along one input and coarser along another."""
    for finer in range(len(shape)):
        for coarser in range(len(shape)):
            if finer == coarser:
                continue
            tried = list(shape)
            tried[coarser] = max(2, int(tried[coarser] / step))
            tried[finer] = nodes // prod(tried[:finer] + tried[finer + 1 :])
            if tuple(tried) != shape and tried[finer] >= 2:
                yield tuple(tried)
