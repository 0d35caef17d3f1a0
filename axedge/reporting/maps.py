"""Where in the input space the network is trusted and where it errs: samples counted in a grid over two inputs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.kept import Judged

#: Inputs that are drawn against each other; of more, those on which trust depends most.
MOST_INPUTS = 5
_CELLS_OF_ONE, _CELLS_OF_TWO = 60, 36
#: A cell with fewer samples is left empty.
_FEWEST = 3

Grid = NDArray[np.float64]


@dataclass(frozen=True)
class Map:
    """Shares in a grid; not-a-number where there are too few samples.

    Attributes:
        columns: the inputs that span it, one or two.
        edges: of its cells along each of them.
        trusted: share of the cell's samples on which the network is used, [cells along the second, along the first].
        wrong: share of those whose answer is outside the bound.
        typical: their median error over the bound.
    """

    columns: tuple[int, ...]
    edges: tuple[NDArray[np.float64], ...]
    trusted: Grid
    wrong: Grid
    typical: Grid


def maps_of(judged: Judged, threshold: int, bound: float) -> list[Map]:
    """Return a map for every two of the inputs that matter most, or the one of a single input.

    Args:
        judged: test samples.
        threshold: the network is used iff logit >= threshold.
        bound: of the error.
    """
    used = judged.logit >= threshold
    ratio = judged.error / bound
    columns = that_matter(judged.x, used)
    spans = [(columns[0],)] if len(columns) == 1 else list(combinations(columns, 2))
    return [_map(judged, used, ratio, span) for span in spans]


def _map(judged: Judged, used: NDArray[np.bool_], ratio: NDArray[np.float32], columns: tuple[int, ...]) -> Map:
    cells = _CELLS_OF_ONE if len(columns) == 1 else _CELLS_OF_TWO
    edges = tuple(_edges(judged.x[:, column], cells) for column in columns)
    places = [_cell(judged.x[:, column], line) for column, line in zip(columns, edges, strict=True)]
    shape = tuple(len(line) - 1 for line in reversed(edges))
    flat = places[0] if len(places) == 1 else places[1] * shape[1] + places[0]
    size = int(np.prod(shape))
    count, invoked = np.bincount(flat, minlength=size), np.bincount(flat, weights=used, minlength=size)
    wrong = np.bincount(flat, weights=used & ~judged.safe, minlength=size)
    with np.errstate(divide="ignore", invalid="ignore"):
        trusted = np.where(count >= _FEWEST, invoked / count, np.nan)
        missed = np.where(invoked >= _FEWEST, wrong / invoked, np.nan)
    typical = np.full(size, np.nan)
    order = np.argsort(flat[used], kind="stable")
    groups = np.split(ratio[used][order], np.searchsorted(flat[used][order], np.arange(1, size)))
    for cell, group in enumerate(groups):
        if len(group) >= _FEWEST:
            typical[cell] = np.median(group)
    return Map(columns, edges, trusted.reshape(shape), missed.reshape(shape), typical.reshape(shape))


def that_matter(x: NDArray[np.float32], used: NDArray[np.bool_]) -> list[int]:
    """Return the inputs whose value tells most about whether the network is used, in their own order."""
    if x.shape[1] <= MOST_INPUTS:
        return list(range(x.shape[1]))
    told = []
    for column in range(x.shape[1]):
        place = _cell(x[:, column], _edges(x[:, column], 12))
        count = np.bincount(place)
        share = np.bincount(place, weights=used)[count > 0] / count[count > 0]
        told.append(float(np.average((share - used.mean()) ** 2, weights=count[count > 0])))
    return sorted(np.argsort(told)[::-1][:MOST_INPUTS].tolist())


def _edges(values: NDArray[np.float32], cells: int) -> NDArray[np.float64]:
    low, high = float(values.min()), float(values.max())
    return np.linspace(low, high if high > low else low + 1.0, cells + 1)


def _cell(values: NDArray[np.float32], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
