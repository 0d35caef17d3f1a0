"""What flash a network will take, from those that were built: so that no time goes into networks that cannot fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.records.search import Outcome, Shape
from axedge.searching.space import Space

# Bytes: for any network, a parameter, a hidden layer, two-byte inputs, 16 bits, an 8-bit layer of tanh (a table of 256
# bytes), 16-bit tanh (one of a kilobyte for all layers). Measured on a Cortex-M0 with C that is made for speed, where a
# small layer is straight code; the trials correct them elsewhere.
_START = np.array([1_000.0, 15.0, 150.0, 250.0, 150.0, 250.0, 1_000.0])
_TRUST = 1 / np.array([1_000.0, 10.0, 150.0, 300.0, 300.0, 100.0, 300.0])
_NOISE_BYTES = 60.0
SLACK = 1.03
"""A network is tried if its forecast is within this much of the budget."""


@dataclass(frozen=True)
class Forecast:
    """A straight line through what is known, held to the start values where little is.

    Attributes:
        space: of the networks.
        weights: bytes for each feature.
        limit: bytes of flash; None: none.
        filled: share of the limit that a network should take at least.
    """

    space: Space
    weights: NDArray[np.float64]
    limit: int | None = None
    filled: float = 0.0

    @classmethod
    def of(
        cls, space: Space, known: Mapping[Shape, Outcome], limit: int | None = None, filled: float = 0.0
    ) -> Forecast:
        """Fit it: least squares over the relative errors, with a Gaussian prior."""
        built = [(shape, one.flash_bytes) for shape, one in known.items() if one.flash_bytes is not None]
        rows, wanted = [np.diag(_TRUST)], [_TRUST * _START]
        for shape, taken in built:
            scale = 1.0 / max(_NOISE_BYTES, 0.03 * taken)
            rows.append(_features(space, shape)[None] * scale)
            wanted.append(np.array([taken * scale]))
        return cls(space, np.linalg.lstsq(np.concatenate(rows), np.concatenate(wanted), rcond=None)[0], limit, filled)

    def flash_bytes(self, shape: Shape) -> float:
        """Return the forecast for a network."""
        return float(_features(self.space, shape) @ self.weights)

    def may_fit(self, shape: Shape) -> bool:
        """Return whether a network is worth a trial within the limit; without one, any is."""
        return self.limit is None or self.flash_bytes(shape) <= SLACK * self.limit

    def fills(self, shape: Shape) -> bool:
        """Return whether it may fit, and takes as much of the limit as it should."""
        return self.may_fit(shape) and self.flash_bytes(shape) >= self.filled * (self.limit or 0)


def _features(space: Space, shape: Shape) -> NDArray[np.float64]:
    tanh = len(shape.approximator) * (shape.approximator_activation == "tanh")
    tanh += len(shape.predictor) * (shape.predictor_activation == "tanh")
    layers, is_wide = len(shape.approximator) + len(shape.predictor), shape.width == "int16"
    tables = (0, tanh > 0) if is_wide else (tanh, False)
    return np.array([1, space.parameters(shape), layers, shape.width == "two-byte", is_wide, *tables], np.float64)
