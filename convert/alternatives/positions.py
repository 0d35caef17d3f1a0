"""Where an input stands between the ends of its range, as an integer: one written rule, the same in numpy and in C."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axedge.convert.emit.floats import ordered_bits
from axedge.kernels.spec import InputPort

#: Fraction bits of a position.
FRACTION_BITS = 12
#: Products stay below this: the float rules of the generated C hold up to there.
_PRODUCT_LIMIT = 1 << 30
#: From this factor on the float rules do not hold.
_LARGEST_SCALE = 2.0**100


@dataclass(frozen=True)
class Axis:
    """One input's range, cut into equal cells.

    A position is (int32_t)((x - shift) * scale) - base, 0 to `top`.

    Attributes:
        low: lower end, float32.
        high: upper end, float32.
        cells: 1 or more.
        scale: positions per unit of the input, float32.
        shift: 0, or `low` where the range lies so far from 0 that a product with `scale` would leave 30 bits.
    """

    low: float
    high: float
    cells: int
    scale: float
    shift: float = 0.0

    @classmethod
    def of(cls, port: InputPort, cells: int) -> Axis:
        """Cut an input's box.

        Raises:
            ValueError: the box is so narrow or so wide that float32 has no scale for it.
        """
        low, high = np.float32(port.minimum), np.float32(port.maximum)
        with np.errstate(over="ignore", divide="ignore"):
            width = np.float32(high - low)
            scale = np.float32(cells << FRACTION_BITS) / width
        if not (np.isfinite(width) and np.finfo(np.float32).tiny <= scale < _LARGEST_SCALE):
            raise ValueError(f"{port.name} runs from {low:g} to {high:g}: too narrow or too wide to be cut.")
        is_far = max(abs(float(low)), abs(float(high))) * float(scale) >= _PRODUCT_LIMIT
        return cls(float(low), float(high), cells, float(scale), float(low) if is_far else 0.0)

    @property
    def top(self) -> int:
        """The position of the upper end."""
        return self.cells << FRACTION_BITS

    @property
    def ends(self) -> tuple[np.float32, np.float32]:
        """The ends of the range, shifted."""
        shift = np.float32(self.shift)
        return np.float32(self.low) - shift, np.float32(self.high) - shift

    @property
    def bits(self) -> tuple[int, int]:
        """The bits of `ends`, ordered as the floats are."""
        low, high = self.ends
        return ordered_bits(float(low), False), ordered_bits(float(high), False)

    @property
    def base(self) -> int:
        """What the lower end's product is."""
        return int(self.ends[0] * np.float32(self.scale))

    def positions(self, x: NDArray[np.float32]) -> NDArray[np.int32]:
        """Return the positions of inputs [N], 0 to `top`; outside the range, and for NaN, an end's."""
        near = np.asarray(x, np.float32) - np.float32(self.shift)
        bits = near.view(np.int32)
        bits = np.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
        first, last = self.bits
        found = np.where(bits >= last, self.top, 0).astype(np.int32)
        inside = (bits > first) & (bits < last)
        products = (near[inside] * np.float32(self.scale)).astype(np.int32)
        found[inside] = np.minimum(products - self.base, self.top)
        return found
