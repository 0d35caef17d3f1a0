"""An AXNet that computes as its quantised form will, differentiably: for training on the quantised errors.

Rounding passes gradients straight through; clipping stops them (Bengio et al., arXiv 1308.3432). Ranges are learned
with the weights: their gradient is that of the scale (Esser et al., Learned Step Size Quantization, ICLR 2020).
Parameters are one row a network: the weights as `train.topology` lays them out, then for each activation the logarithms
of -low and high.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axedge.train.runtime import tensorflow
from axedge.train.topology import Topology

Array = NDArray[np.float32]

#: Largest weight code; -128 stays unused, as the format asks.
WEIGHT_CODES = 127
#: Up to this many weights a layer is a fused multiply and sum, above it a matrix product: what is faster under XLA.
_FUSED_WEIGHTS = 128
#: How far below 0 the logit's range reaches, as a share of how far it reaches above.
_LOGIT_BELOW = 0.5
#: Share of the inputs that no gate will let through.
_WORST = 0.05
#: exp of a range's parameter must stay a usable float32 scale.
RANGE_LIMIT = 12.0


@dataclass(frozen=True)
class Plan:
    """Which activations a quantised AXNet has, by the names that `reader` gives them.

    Attributes:
        topology: the network's shape.
        bits: width of activations, 8 or 16.
        fine_bits: 0, or with 8 bits how many further bits of the inputs are quantised apart (see `two_byte`).
    """

    topology: Topology
    bits: int = 8
    fine_bits: int = 0

    @cached_property
    def ranged(self) -> tuple[str, ...]:
        """Activations whose range is learned, in the order of their parameters; TANH's output has a fixed one."""
        shape = self.topology
        names = ["u"]
        names += [self.sum_name("predictor", index) for index in range(len(shape.predictor))]
        for index in range(len(shape.approximator)):
            names += [f"gates_{index}", self.sum_name("approximator", index), f"gated_{index}"]
        return (*names, "y", "safe")

    def activation_of(self, branch: str) -> str:
        """Return "relu" or "tanh" for "predictor" or "approximator"."""
        shape = self.topology
        return shape.predictor_activation if branch == "predictor" else shape.approximator_activation

    def sum_name(self, branch: str, index: int) -> str:
        """Return the activation that a hidden Dense writes: the layer's result, or the sum that a TANH reads."""
        return f"{branch}_{index}" + ("_sum" if self.activation_of(branch) == "tanh" else "")

    def one_sided(self, name: str) -> bool:
        """Return whether the activation is a ReLU's result: its low end is 0."""
        branch = name.rsplit("_", 1)[0]
        return branch in ("predictor", "approximator") and self.activation_of(branch) == "relu"

    @property
    def parameters(self) -> int:
        """Weights, biases and range parameters."""
        return self.topology.parameters + 2 * len(self.ranged)

    def split(self, flat: Any) -> tuple[Any, dict[str, tuple[Any, Any]]]:
        """Return weights [R, P] and, by activation, the range parameters (low [R], high [R]) of flat."""
        weights, rest = flat[:, : self.topology.parameters], flat[:, self.topology.parameters :]
        return weights, {name: (rest[:, 2 * i], rest[:, 2 * i + 1]) for i, name in enumerate(self.ranged)}

    def join(self, weights: Array, ranges: Mapping[str, tuple[Array, Array]]) -> Array:
        """Return flat [R, parameters] of weights [R, P] and ranges (low [R] <= 0, high [R] > 0) by activation."""
        columns = []
        for name in self.ranged:
            low, high = ranges[name]
            tiny = 1e-5 * np.maximum(high - low, 1e-5)
            columns += [np.log(np.maximum(-low, tiny)), np.log(np.maximum(high, tiny))]
        return np.concatenate([weights, np.stack(columns, axis=1)], axis=1).astype(np.float32)


def forward(plan: Plan, flat: Any, x: Any, seen: dict[str, Any] | None = None) -> tuple[Any, Any]:
    """Run all networks on all inputs as their quantised forms would.

    Args:
        plan: what is quantised.
        flat: parameters, tensor [R, plan.parameters].
        x: normalised inputs, tensor [n, B].
        seen: None; else nothing is quantised, and this is filled with each ranged activation, [R, size, B].

    Returns:
        Answers [R, m, B], normalised, and safe logits [R, B]. The logits are not quantised: `fit_logit` gives them a
        range afterwards, which a learned one would narrow until the best answers could not be told apart any more.
    """
    tf = tensorflow()
    weights, ranges = plan.split(flat)
    layers = plan.topology.split(weights, tf.reshape)

    def settle(name: str, value: Any) -> Any:
        if seen is not None:
            seen[name] = value
            return value
        return _quantised(plan, name, value, ranges[name])

    def dense(name: str, value: Any) -> Any:
        kernel, bias = layers[name]
        if plan.fine_bits and name in plan.topology.first_layers and seen is None:
            kernel = tf.concat([kernel, kernel / 2.0**plan.fine_bits], axis=1)
        rounded = _rounded_weights(kernel) if seen is None else kernel
        if kernel.shape[1] * kernel.shape[2] <= _FUSED_WEIGHTS:
            product = tf.reduce_sum(rounded[:, :, :, tf.newaxis] * value[:, :, tf.newaxis, :], axis=1)
        else:
            product = tf.matmul(rounded, value, transpose_a=True)
        return product + bias[:, :, tf.newaxis]

    def hidden_layer(branch: str, index: int, value: Any) -> Any:
        total = dense(f"{branch}_{index}", value)
        if plan.activation_of(branch) == "relu":
            return settle(plan.sum_name(branch, index), tf.nn.relu(total))
        value = tf.tanh(settle(plan.sum_name(branch, index), total))
        return _tanh_output(plan, value) if seen is None else value

    shape = plan.topology
    entry = tf.broadcast_to(x[tf.newaxis], tf.concat([[tf.shape(flat)[0]], tf.shape(x)], 0))
    entry = _two_columns(plan, entry, ranges["u"]) if plan.fine_bits and seen is None else settle("u", entry)
    trunk = entry
    for index in range(len(shape.predictor)):
        trunk = hidden_layer("predictor", index, trunk)
    value = entry
    for index in range(len(shape.approximator)):
        gate = settle(f"gates_{index}", dense(f"gates_{index}", trunk))
        value = settle(f"gated_{index}", hidden_layer("approximator", index, value) * gate)
    logit = dense("safe", trunk)
    if seen is not None:
        seen["safe"] = logit
    return settle("y", dense("y", value)), logit[:, 0]


def observe(plan: Plan, weights: Array, x: Array) -> dict[str, Array]:
    """Return each ranged activation [R, size, N] of networks [R, P] that are not quantised, on inputs x [N, n]."""
    tf = tensorflow()
    unused = np.zeros((len(weights), 2 * len(plan.ranged)), np.float32)
    seen: dict[str, Any] = {}
    forward(plan, tf.constant(np.concatenate([weights, unused], axis=1)), tf.constant(x.T), seen)
    return {name: value.numpy() for name, value in seen.items()}


def fit_logit(plan: Plan, flat: Array, x: Array, top: float = 1.0) -> Array:
    """Return parameters flat [R, parameters] with the range of the safe logit set by what it is on inputs x [N, n].

    Args:
        plan: what is quantised.
        flat: parameters.
        x: inputs of the application.
        top: 1: up to the largest logit, so that the best answers can be told apart. Less: up to this quantile, and not
            below that of the worst inputs, so that the codes are close together where the gate may be.
    """
    tf = tensorflow()
    logits = forward(plan, tf.constant(flat), tf.constant(x.T))[1].numpy()
    high = np.maximum(np.quantile(logits, top, axis=1), 1e-3)
    least = logits.min(axis=1) if top == 1.0 else np.quantile(logits, _WORST, axis=1)
    low = np.minimum(np.maximum(least, -_LOGIT_BELOW * high), 0.0)
    weights, logs = plan.split(flat)
    ranges = {name: (-_range_end(low_log), _range_end(high_log)) for name, (low_log, high_log) in logs.items()}
    return plan.join(weights, ranges | {"safe": (low, high)})


def _range_end(log: Array) -> Array:
    """Return the size of a range's end from its parameter."""
    return np.exp(np.clip(log, -RANGE_LIMIT, RANGE_LIMIT))


def _straight_round(value: Any) -> Any:
    """Return round(value), with the gradient of value."""
    tf = tensorflow()
    return value + tf.stop_gradient(tf.round(value) - value)


def _rounded_weights(kernel: Any) -> Any:
    """Return kernel [R, i, o] as 8-bit numbers with one scale a unit; the scale passes no gradient."""
    tf = tensorflow()
    largest = tf.reduce_max(tf.abs(kernel), axis=1, keepdims=True)
    scale = tf.stop_gradient(tf.maximum(largest, 1e-12) / WEIGHT_CODES)
    return _straight_round(kernel / scale) * scale


def _quantised(plan: Plan, name: str, value: Any, logs: tuple[Any, Any]) -> Any:
    """Return value [R, size, B] on the grid of its range, clipped to it."""
    tf = tensorflow()
    low, high = _range_ends(logs)
    if plan.bits == 16:
        largest = high if plan.one_sided(name) else tf.maximum(high, low)
        scale = largest / 32767.0
        return tf.clip_by_value(_straight_round(value / scale), -32768.0, 32767.0) * scale
    low = tf.zeros_like(high) if plan.one_sided(name) else -low
    scale, zero = _grid(low, high)
    codes = tf.clip_by_value(_straight_round(value / scale) + zero, -128.0, 127.0)
    return (codes - zero) * scale


def _two_columns(plan: Plan, value: Any, logs: tuple[Any, Any]) -> Any:
    """Return inputs [R, n, B] as coarse columns and 2^fine_bits times what these leave, [R, 2 n, B], on one grid."""
    tf = tensorflow()
    low, high = _range_ends(logs)
    scale, zero = _grid(-low, high)
    steps = 2.0**plan.fine_bits
    codes = _straight_round(value / scale * steps) + zero * steps
    codes = tf.clip_by_value(codes, -128.0 * steps, 128.0 * steps - 1.0)
    coarse = codes / steps
    coarse += tf.stop_gradient(tf.floor(coarse) - coarse)
    return tf.concat([coarse - zero, codes - coarse * steps], axis=1) * scale


def _range_ends(logs: tuple[Any, Any]) -> tuple[Any, Any]:
    """Return how far a range reaches below and above 0, [R, 1, 1], both positive."""
    tf = tensorflow()
    low, high = (tf.exp(tf.clip_by_value(log, -RANGE_LIMIT, RANGE_LIMIT)) for log in logs)
    return low[:, tf.newaxis, tf.newaxis], high[:, tf.newaxis, tf.newaxis]


def _grid(low: Any, high: Any) -> tuple[Any, Any]:
    """Return scale and zero point of 8-bit codes from low <= 0 to high."""
    scale = (high - low) / 255.0
    return scale, _straight_round(-128.0 - low / scale)


def _tanh_output(plan: Plan, value: Any) -> Any:
    tf = tensorflow()
    steps = 128.0 if plan.bits == 8 else 32768.0
    return tf.clip_by_value(_straight_round(value * steps), -steps, steps - 1.0) / steps
