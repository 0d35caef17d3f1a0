"""Two-byte inputs: each input enters an int8 network as two columns, so that 12 of its bits count instead of 8.

The coarse column is the input rounded down to the tensor's 8-bit grid; the fine one is 16 times what that leaves, on
the same grid. The layers that read them have the weights [W, W / 16], so that their sums are those of the finer input:
any int8 engine executes it as a network with twice as many inputs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from axedge.convert.qnet import FINE_BITS
from axedge.train.topology import Topology

Array = NDArray[np.float32]
Floats = TypeVar("Floats", NDArray[np.float32], NDArray[np.float64])

_STEPS = 1 << FINE_BITS
#: Width of a code of normalised inputs, before a network has its own.
_NOMINAL = 2.0 / 255.0


def doubled(kernel: Floats) -> Floats:
    """Return weights [R, 2 n, o] for coarse and fine columns, of weights [R, n, o] for the inputs."""
    return np.concatenate([kernel, kernel / _STEPS], axis=1)


def widened(topology: Topology, flat: Array) -> tuple[Topology, Array]:
    """Return shape and parameters [P'] of the network on coarse and fine columns, of one with parameters [P]."""
    layers = topology.split(flat[np.newaxis])
    for name in topology.first_layers:
        kernel, bias = layers[name]
        layers[name] = (doubled(kernel), bias)
    wide = replace(topology, inputs=2 * topology.inputs)
    return wide, wide.join(layers)[0]


def columns(u: Array) -> Array:
    """Return coarse and fine columns [N, 2 n] of normalised inputs [N, n], on a grid over [-1, 1]."""
    codes = np.floor(u.astype(np.float64) / _NOMINAL * _STEPS + 0.5)
    coarse = np.floor(codes / _STEPS)
    return (np.concatenate([coarse, codes - coarse * _STEPS], axis=1) * _NOMINAL).astype(np.float32)
