"""The shape of a network, and its parameters as one flat vector.

The optimiser works on a single matrix [restarts, parameters], because then one fused operation updates everything; the
forward pass works on views of it by layer name. The names are those of the Keras layers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axedge.kernels.kernel import Kernel

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Topology:
    """A network of dense layers; with a predictor branch it is an AXNet, without one a plain multi-layer perceptron.

    Attributes:
        inputs: number of inputs.
        outputs: number of outputs.
        approximator: hidden layer sizes of the approximator.
        predictor: hidden layer sizes of the predictor branch; empty for a plain network.
        predictor_activation: "tanh" or "relu".
        approximator_activation: "tanh" or "relu".
    """

    inputs: int
    outputs: int
    approximator: tuple[int, ...]
    predictor: tuple[int, ...] = ()
    predictor_activation: str = "tanh"
    approximator_activation: str = "relu"

    @classmethod
    def of_kernel(cls, kernel: Kernel, predictor_activation: str | None = None) -> Topology:
        """Return the AXNet that kernel.toml asks for; its predictor may be given another activation."""
        network = kernel.network
        return cls(
            len(kernel.inputs),
            len(kernel.outputs),
            tuple(network.approximator),
            tuple(network.predictor),
            predictor_activation or network.predictor_activation,
            network.approximator_activation,
        )

    @property
    def gated(self) -> bool:
        """Whether it has a predictor branch: gates and a safe logit."""
        return bool(self.predictor)

    @cached_property
    def dense_layers(self) -> tuple[tuple[str, int, int], ...]:
        """Name, number of inputs and number of units of every dense layer."""
        layers, width = [], self.inputs
        for index, units in enumerate(self.predictor):
            layers.append((f"predictor_{index}", width, units))
            width = units
        if self.gated:
            layers += [(f"gates_{index}", width, units) for index, units in enumerate(self.approximator)]
            layers.append(("safe", width, 1))
        width = self.inputs
        for index, units in enumerate(self.approximator):
            layers.append((f"approximator_{index}", width, units))
            width = units
        return (*layers, ("y", width, self.outputs))

    @property
    def first_layers(self) -> tuple[str, ...]:
        """Names of the layers that read the input."""
        return tuple(name for name in ("predictor_0", "approximator_0") if name in self.places)

    @cached_property
    def places(self) -> dict[str, tuple[int, int, int]]:
        """By layer name: where its kernel and where its bias start in the flat vector, and where the bias ends.

        A layer of i inputs and o units takes i * o numbers for its kernel, row by row, and o for its bias.
        """
        places, start = {}, 0
        for name, width, units in self.dense_layers:
            places[name] = (start, start + width * units, start + width * units + units)
            start += width * units + units
        return places

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return sum((width + 1) * units for _, width, units in self.dense_layers)

    def split(self, flat: Any, reshape: Callable[..., Any] = np.reshape) -> dict[str, tuple[Any, Any]]:
        """Return kernel [R, i, o] and bias [R, o] of every layer, as views of flat [R, parameters].

        Args:
            flat: a numpy array or a tensor.
            reshape: np.reshape or tf.reshape.
        """
        views = {}
        for name, width, units in self.dense_layers:
            start, middle, end = self.places[name]
            shape = (flat.shape[0], width, units)
            views[name] = (reshape(flat[:, start:middle], shape), flat[:, middle:end])
        return views

    def join(self, layers: dict[str, tuple[Array, Array]]) -> Array:
        """Return the flat matrix [R, parameters] of kernels [R, i, o] and biases [R, o]: the inverse of `split`."""
        parts = []
        for name, _, _ in self.dense_layers:
            kernel, bias = layers[name]
            parts += [kernel.reshape(len(kernel), -1), bias]
        return np.concatenate(parts, axis=1).astype(np.float32)

    def initial(self, restarts: int, seed: int, spread: float = 1.0, gate_start: float = 0.0) -> Array:
        """Return starting weights: normal with variance 1 / inputs (2 / inputs before a ReLU), zero biases.

        Restart r's weights depend on seed and r only, not on how many restarts there are. Layers that read the input
        get biases too, so that the kinks of their units start spread over the inputs.

        Args:
            restarts: how many networks.
            seed: 0 or more.
            spread: factor on all of them.
            gate_start: bias of the gates.

        Returns:
            float32, shape [restarts, parameters].
        """
        flat = np.zeros((restarts, self.parameters), np.float32)
        for restart in range(restarts):
            rng = np.random.default_rng([seed, restart])
            for name, width, units in self.dense_layers:
                start, middle, end = self.places[name]
                kind = self.approximator_activation if name.startswith("approximator") else self.predictor_activation
                gain = 2.0 if kind == "relu" and name.startswith(("approximator", "predictor")) else 1.0
                flat[restart, start:middle] = rng.normal(0.0, spread * (gain / width) ** 0.5, middle - start)
                if name in self.first_layers:
                    flat[restart, middle:end] = rng.normal(0.0, 0.5 * spread, units)
                elif name.startswith("gates"):
                    flat[restart, middle:end] = gate_start
        return flat


def plain_parameters(*sizes: int) -> int:
    """Return the parameters of a plain network with these layer sizes, input and output included."""
    return sum(prod((before + 1, after)) for before, after in zip(sizes, sizes[1:], strict=False))
