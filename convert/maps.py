"""The map between the kernel's units and the network's, as train.json carries it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.records.train import Normalisation

Pairs = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Maps:
    """normalised = (raw - offset) / scale.

    Attributes:
        inputs: (offset, scale) of each input.
        outputs: (offset, scale) of each output.
    """

    inputs: Pairs
    outputs: Pairs

    @classmethod
    def of(cls, normalisation: Normalisation) -> Maps:
        """Return the maps of a train.json."""
        return cls(
            tuple((one.offset, one.scale) for one in normalisation.inputs),
            tuple((one.offset, one.scale) for one in normalisation.outputs),
        )

    def normalise(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return network inputs of kernel inputs x, shape (N, n)."""
        offset, scale = np.array(self.inputs, np.float64).T
        return ((x.astype(np.float64) - offset) / scale).astype(np.float32)

    def denormalise(self, v: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return kernel outputs of network outputs v, shape (N, m)."""
        offset, scale = np.array(self.outputs, np.float64).T
        return (v.astype(np.float64) * scale + offset).astype(np.float32)
