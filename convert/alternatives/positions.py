"""Where an input stands between the ends of its range, as an integer: one written rule, the same in numpy and in C."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axedge.kernels.spec import InputPort

#: Fraction bits of a position.
FRACTION_BITS = 12


@dataclass(frozen=True)
class Axis:
    """One input's range, cut into equal cells.

    Attributes:
        low: lower end, float32.
        high: upper end, float32.
        cells: 1 or more.
        scale: positions per unit of the input, float32, rounded down so that no position exceeds `top`.
    """

    low: float
    high: float
    cells: int
    scale: float

    @classmethod
    def of(cls, port: InputPort, cells: int) -> Axis:
        """Cut an input's box.

        Raises:
            ValueError: the box is so narrow that float32 has no scale for it.
        """
        low, high = np.float32(port.minimum), np.float32(port.maximum)
        top = np.float32(cells << FRACTION_BITS)
        with np.errstate(over="ignore", divide="ignore"):
            scale = top / np.float32(high - low)
        if not np.isfinite(scale) or scale <= 0:
            raise ValueError(f"{port.name} runs from {low:g} to {high:g}: too narrow to be cut.")
        while np.float32(high - low) * scale > top:
            scale = np.nextafter(scale, np.float32(0))
        return cls(float(low), float(high), cells, float(scale))

    @property
    def top(self) -> int:
        """The position of the upper end."""
        return self.cells << FRACTION_BITS

    def positions(self, x: NDArray[np.float32]) -> NDArray[np.int32]:
        """Return the positions of inputs [N], 0 to `top`; outside the range, and for NaN, an end's."""
        low, high = np.float32(self.low), np.float32(self.high)
        inside = (x > low) & (x < high)
        found = np.where(x >= high, self.top, 0).astype(np.int32)
        found[inside] = ((x[inside] - low) * np.float32(self.scale)).astype(np.int32)
        return found
