"""The domain guard: bands of codes that tell cheaply where the application's inputs fall and where they never do.

A band is a table: for each row of one input's codes, the interval of another input's codes in which the application's
inputs lie. It costs a handful of instructions and up to 256 bytes, and turns away most of the box that the predictor
would otherwise have to learn to refuse. Which pairs of inputs pay is found greedily. What no band tells is left to an
envelope (`envelope.py`).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axedge.convert.envelope import excess
from axedge.convert.qnet import Band, Envelope

Coarse = NDArray[np.int16]

#: Rows of a table: fewer where the application has too few inputs to fill more.
_ROW_BITS = (7, 6, 5, 4)
_MAX_BANDS = 3
#: Foreign points that get past the bands: from here on down another band is not worth its bytes.
_ENOUGH = 0.005
#: A band must turn away this share of the foreign points that are left.
_LEAST_GAIN = 0.3
#: Inputs of the application that a band may turn away, by held-out ones.
_MOST_LOST = 0.002
#: Samples and pairs in the first look at every pair.
_SCREEN_SAMPLES = 8_192
_SCREEN_PAIRS = 6


@dataclass(frozen=True)
class Choice:
    """Which bands a kernel gets; the codes that they hold depend on the network's input scale.

    Attributes:
        row: position of the input that chooses the row.
        column: position of the other one.
        row_bits: 2^row_bits rows.
    """

    row: int
    column: int
    row_bits: int


def coarse(codes: NDArray[np.integer], bits: int) -> Coarse:
    """Return the upper 8 bits of input codes, -128 to 127; shape (N, n)."""
    return (np.asarray(codes, np.int64) >> (bits - 8)).astype(np.int16)


def choose_bands(own: Coarse, held_out: Coarse, foreign: Coarse) -> tuple[Choice, ...]:
    """Return the bands that turn away most foreign points; none where none does, or nothing is foreign.

    Args:
        own: codes of the application's inputs, shape (N, n).
        held_out: codes of others, shape (M, n).
        foreign: codes of foreign points, shape (K, n).
    """
    chosen: list[Choice] = []
    left = foreign
    while len(left) > _ENOUGH * len(foreign) and len(chosen) < _MAX_BANDS:
        best, passing = None, (1.0 - _LEAST_GAIN) * len(left)
        for row, column in _promising(own, left):
            for row_bits in _ROW_BITS:
                band = band_of(Choice(row, column, row_bits), own)
                lost = 1.0 - inside((band,), held_out).mean()
                if lost <= _MOST_LOST and (count := inside((band,), left).sum()) < passing:
                    best, passing = band, count
        if best is None:
            break
        chosen.append(Choice(best.row, best.column, 8 - best.row_shift))
        left = left[inside((best,), left)]
    return tuple(chosen)


def band_of(choice: Choice, own: Coarse) -> Band:
    """Return the table of a band for the application's codes."""
    rows = 1 << choice.row_bits
    place = (own[:, choice.row].astype(np.int64) + 128) >> (8 - choice.row_bits)
    low, high = np.full(rows, 128), np.full(rows, -129)
    np.minimum.at(low, place, own[:, choice.column])
    np.maximum.at(high, place, own[:, choice.column])
    empty = low > high
    low[empty], high[empty] = 127, -128
    return Band(choice.row, choice.column, low.astype(np.int8), high.astype(np.int8))


def inside(bands: Sequence[Band], codes: Coarse, envelope: Envelope | None = None) -> NDArray[np.bool_]:
    """Return whether each row of coarse codes, shape (N, n), lies within every band, and within the envelope."""
    passed = np.ones(len(codes), bool)
    for band in bands:
        place = (codes[:, band.row].astype(np.int64) + 128) >> band.row_shift
        passed &= (codes[:, band.column] >= band.low[place]) & (codes[:, band.column] <= band.high[place])
    if envelope is not None:
        passed[passed] = excess(envelope, codes[passed]) <= envelope.limit
    return passed


def _promising(own: Coarse, foreign: Coarse) -> list[tuple[int, int]]:
    """Return the pairs of inputs whose bands, with few rows and on few samples, let least foreign points pass."""
    own, foreign = own[:_SCREEN_SAMPLES], foreign[:_SCREEN_SAMPLES]
    pairs = list(itertools.permutations(range(own.shape[1]), 2))
    if len(pairs) > _SCREEN_PAIRS:
        bands = [band_of(Choice(row, column, _ROW_BITS[-1]), own) for row, column in pairs]
        passing = [inside((band,), foreign).sum() for band in bands]
        pairs = [pairs[place] for place in np.argsort(passing, kind="stable")[:_SCREEN_PAIRS]]
    return pairs
