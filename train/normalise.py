"""Normalised units: u within [-1, 1] over the kernel's box, v of order one over the training data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axedge.kernels.kernel import Kernel

Array = NDArray[np.float32]

# Share of the training results left outside [-1, 1] at either end, so that a few far-off ones do not set the scale.
TAIL = 0.001


@dataclass(frozen=True)
class Affine:
    """normalised = (raw - offset) / scale, per column.

    Attributes:
        offset: float64 [k].
        scale: float64 [k], positive.
    """

    offset: NDArray[np.float64]
    scale: NDArray[np.float64]

    def apply(self, raw: NDArray[np.floating]) -> Array:
        """Return normalised values, float32 [N, k]."""
        return ((np.asarray(raw, np.float64) - self.offset) / self.scale).astype(np.float32)

    def undo(self, normalised: NDArray[np.floating]) -> Array:
        """Return raw values, float32 [N, k]."""
        return (np.asarray(normalised, np.float64) * self.scale + self.offset).astype(np.float32)


def of_box(kernel: Kernel) -> Affine:
    """Return the map of the kernel's box to [-1, 1]."""
    low = np.array([port.minimum for port in kernel.inputs], np.float64)
    high = np.array([port.maximum for port in kernel.inputs], np.float64)
    return Affine((low + high) / 2.0, np.where(high > low, (high - low) / 2.0, 1.0))


def of_results(y: Array) -> Affine:
    """Return the map of the bulk of y [N, m] to [-1, 1]; a constant column keeps its unit."""
    low, high = np.quantile(y.astype(np.float64), [TAIL, 1.0 - TAIL], axis=0)
    half = (high - low) / 2.0
    full = (y.max(axis=0).astype(np.float64) - y.min(axis=0)) / 2.0
    half = np.where(half > 1e-6 * np.maximum(np.abs(high), np.abs(low)), half, full)
    return Affine((low + high) / 2.0, np.where(half > 0.0, half, 1.0))


def standardising(u: Array) -> Affine:
    """Return the map of u [N, n] to zero mean and unit variance; a constant column keeps its scale."""
    deviation = u.std(axis=0, dtype=np.float64)
    return Affine(u.mean(axis=0, dtype=np.float64), np.where(deviation > 1e-9, deviation, 1.0))
