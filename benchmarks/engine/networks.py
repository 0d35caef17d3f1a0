"""The two reference networks: integer weights, none of them zero, kept beside this file.

They are drawn, not trained: what an engine costs does not depend on the weights' meaning. Ranges are calibrated as a
converter
would, but on the central 99 % of the values, so that every clamp acts. `python -m benchmarks.engine.networks` draws
them again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from axedge.convert.qnet import Activation, Dense, Deployment, InputCode, Multiply, OutputCode, QNet
from benchmarks.engine.stored import read_net, write_net

FOLDER = Path(__file__).parent
_WEIGHT_SCALE = 1 / 64
_SAMPLES = 4096


@dataclass(frozen=True)
class Shape:
    """Sizes of an AXNet: inputs, hidden layers of the approximator, hidden layer of the predictor, outputs."""

    inputs: int
    hidden: tuple[int, ...]
    predictor: int
    outputs: int
    seed: int


SHAPES = {
    "small": Shape(2, (5,), 3, 2, 20180807),
    "big": Shape(18, (32, 16), 16, 2, 20180801),
}


class _Draw:
    """A fixed linear congruential generator (Numerical Recipes), so that no library's stream matters."""

    def __init__(self, seed: int) -> None:
        self._state = seed

    def below(self, count: int) -> int:
        self._state = (self._state * 1664525 + 1013904223) % 2**32
        return (self._state >> 8) % count

    def weights(self, units: int, inputs: int) -> np.ndarray:
        drawn = [self.below(127) + 1 for _ in range(units * inputs)]
        signs = [1 - 2 * self.below(2) for _ in drawn]
        return (np.array(drawn) * np.array(signs)).reshape(units, inputs).astype(np.int8)


class _Builder:
    """Adds layers and keeps, beside them, what they give for a few thousand random inputs."""

    def __init__(self, shape: Shape) -> None:
        self.draw = _Draw(shape.seed)
        self.activations = {"x": Activation("x", shape.inputs, 8, 1 / 127.5, 0)}
        codes = [[self.draw.below(256) - 128 for _ in range(shape.inputs)] for _ in range(_SAMPLES)]
        self.real = {"x": np.array(codes) / 127.5}
        self.operations: list = []

    def activation(self, name: str, values: np.ndarray, relu: bool) -> Activation:
        low, high = (0.0, float(np.quantile(values, 0.99))) if relu else map(float, np.quantile(values, [0.005, 0.995]))
        low, high = min(low, 0.0), max(high, 0.0)
        scale = (high - low) / 255
        self.activations[name] = Activation(name, values.shape[1], 8, scale, round(-128 - low / scale))
        self.real[name] = np.clip(values, low, high)
        return self.activations[name]

    def dense(self, source: str, name: str, units: int, relu: bool = False) -> str:
        before = self.activations[source]
        weights = self.draw.weights(units, before.size)
        bias = np.array([self.draw.below(8001) - 4000 for _ in range(units)])
        step = before.scale * _WEIGHT_SCALE
        after = self.activation(name, self.real[source] @ (weights.T * _WEIGHT_SCALE) + bias * step, relu)
        multiplier, shift = _factor(step / after.scale)
        self.operations.append(
            Dense(
                source, name, weights, np.full(units, _WEIGHT_SCALE, np.float32), bias.astype(np.int64),
                np.full(units, multiplier, np.int32), np.full(units, shift, np.int32),
                after.zero_point if relu else -128, 127,
            )
        )  # fmt: skip
        return name

    def multiply(self, left: str, right: str, name: str) -> str:
        after = self.activation(name, self.real[left] * self.real[right], False)
        factor = self.activations[left].scale * self.activations[right].scale / after.scale
        self.operations.append(Multiply(left, right, name, *_factor(factor), -128, 127))
        return name


def draw_network(shape: Shape) -> QNet:
    """Return a network of the shape with random weights and calibrated ranges."""
    builder = _Builder(shape)
    believed = builder.dense("x", "p_hidden", shape.predictor, relu=True)
    logit = builder.dense(believed, "logit", 1)
    value = "x"
    for level, units in enumerate(shape.hidden):
        value = builder.dense(value, f"a_hidden{level}", units, relu=True)
        value = builder.multiply(value, builder.dense(believed, f"gate{level}", units), f"product{level}")
    answer = builder.dense(value, "answer", shape.outputs)
    return QNet(builder.activations, tuple(builder.operations), "x", answer, logit)


def reference(name: str, kernel: str = "bench", threshold: int = 0) -> Deployment:
    """Return the committed network `name` over the box [-0.5, 1] x [0, 1] x ..., with an exact function."""
    net = read_net(FOLDER / f"{name}.json")
    count, outputs = net.activations[net.source].size, net.activations[net.answer].size
    inputs = []
    for index in range(count):
        low = -0.5 if index % 2 == 0 else 0.0
        factor = np.float32(255 * 2**20 / (1.0 - low))
        inputs.append(InputCode(low, 1.0, float(factor), round(-float(factor) * low) - (128 << 20) + (1 << 19), 20))
    rules = tuple(
        OutputCode(float(np.float32(3.1e-7 * (1 + index))), 1234567 * (index + 1), 14) for index in range(outputs)
    )
    return Deployment(kernel, True, "00000000000000" + f"{len(name):02x}", net, tuple(inputs), rules, threshold)


def with_threshold(deployment: Deployment, threshold: int) -> Deployment:
    """Return the deployment with another gate."""
    return replace(deployment, threshold=threshold)


def _factor(real: float) -> tuple[int, int]:
    fraction, shift = math.frexp(real)
    return round(fraction * 2**31), shift


if __name__ == "__main__":
    for each, its_shape in SHAPES.items():
        write_net(FOLDER / f"{each}.json", draw_network(its_shape))
