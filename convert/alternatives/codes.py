"""What an alternative's whole-number answer stands for: one written rule, the same in numpy and in C."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

CODE_MAX = 32_767
#: A node may lie this far outside the range of the results, in parts of the range: interpolation can use it.
_SPARE = 0.25
#: Up to here the float rule of an output holds.
LARGEST_SCALE = 2.0**99


@dataclass(frozen=True)
class OutputScale:
    """An output is float32(code + offset) * scale.

    Attributes:
        offset: int32.
        scale: float32.
    """

    offset: int
    scale: float

    @classmethod
    def covering(cls, y: NDArray[np.float32], values: NDArray[np.float64]) -> OutputScale:
        """Return the finest scale of 16-bit codes for `values`, as far as they lie near the results `y`."""
        low, high = float(y.min()), float(y.max())
        spare = _SPARE * (high - low)
        low, high = max(float(values.min()), low - spare), min(float(values.max()), high + spare)
        scale = max((high - low) / (2 * CODE_MAX), np.finfo(np.float32).tiny * 1e3, abs(low) * 1e-7)
        scale = np.float32(min(scale, LARGEST_SCALE))
        return cls(round((low + high) / 2 / float(scale)), float(scale))

    def encode(self, values: ArrayLike) -> NDArray[np.int32]:
        """Return the nearest codes, cut off at the ends."""
        codes = np.round(np.asarray(values, np.float64) / self.scale) - self.offset
        return np.clip(codes, -CODE_MAX, CODE_MAX).astype(np.int32)

    def decode(self, codes: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return the outputs."""
        return (codes + np.int32(self.offset)).astype(np.float32) * np.float32(self.scale)
