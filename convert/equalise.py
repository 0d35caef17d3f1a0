"""Cross-layer equalisation: give every unit that shares an int8 scale the same range, without changing the function.

A ReLU unit may be scaled by any a > 0 and its gate by any b > 0 if the layer behind divides by a * b (Nagel et al.,
ICCV 2019, for plain layers). Units of unequal size would leave the smaller ones few of the 256 codes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from axedge.train.topology import Topology

Array = NDArray[np.float32]

#: A unit that hardly ever answers is left alone below this share of the largest.
_SMALLEST = 1e-3


def equalise(topology: Topology, flat: Array, seen: Mapping[str, Array]) -> Array:
    """Return parameters of the same functions, with units of equal range.

    Args:
        topology: the networks' shape.
        flat: parameters [R, P].
        seen: largest magnitude of each unit on the training samples, [R, units], by name of the activation, of
            "approximator_i" and "predictor_i" (after ReLU), and "gated_i" (the product).
    """
    layers = {name: (kernel.copy(), bias.copy()) for name, (kernel, bias) in topology.split(flat).items()}
    if topology.predictor_activation == "relu":
        for index in range(len(topology.predictor)):
            factor = _factors(seen[f"predictor_{index}"])
            _scale_units(layers, f"predictor_{index}", factor)
            for reader in _predictor_readers(topology, index):
                _scale_inputs(layers, reader, 1.0 / factor)
    for index in range(len(topology.approximator)):
        of_unit = np.ones_like(seen[f"gated_{index}"])
        if topology.approximator_activation == "relu":
            of_unit = _factors(seen[f"approximator_{index}"])
            _scale_units(layers, f"approximator_{index}", of_unit)
        of_product = _factors(seen[f"gated_{index}"])
        _scale_units(layers, f"gates_{index}", of_product / of_unit)
        last = index + 1 == len(topology.approximator)
        _scale_inputs(layers, "y" if last else f"approximator_{index + 1}", 1.0 / of_product)
    return topology.join(layers)


def _factors(largest: Array) -> Array:
    """Return what brings each unit's largest magnitude to 1."""
    floor = _SMALLEST * np.maximum(largest.max(axis=1, keepdims=True), 1e-12)
    return 1.0 / np.maximum(largest, floor)


def _predictor_readers(topology: Topology, index: int) -> list[str]:
    if index + 1 < len(topology.predictor):
        return [f"predictor_{index + 1}"]
    return [*(f"gates_{gate}" for gate in range(len(topology.approximator))), "safe"]


def _scale_units(layers: dict[str, tuple[Array, Array]], name: str, factor: Array) -> None:
    kernel, bias = layers[name]
    layers[name] = (kernel * factor[:, np.newaxis, :], bias * factor)


def _scale_inputs(layers: dict[str, tuple[Array, Array]], name: str, factor: Array) -> None:
    kernel, bias = layers[name]
    layers[name] = (kernel * factor[:, :, np.newaxis], bias)
