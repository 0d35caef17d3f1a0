"""Random deployments: sizes, zero points, factors and saturation as a converter might leave them, or worse."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from axedge.convert.envelope import excess
from axedge.convert.qnet import (
    Activation,
    Band,
    Dense,
    Deployment,
    Envelope,
    InputCode,
    Lookup,
    Multiply,
    OutputCode,
    QNet,
    Tanh16,
)


def factor(real: float) -> tuple[int, int]:
    """Return TFLM's multiplier and shift of a real factor."""
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * 2**31 + 0.5)
    return (multiplier // 2, shift + 1) if multiplier == 2**31 else (multiplier, shift)


class Maker:
    """Makes layers whose sums, for random codes, fill (or overfill) the range of their outputs."""

    def __init__(self, seed: int, bits: int = 8) -> None:
        self.random = np.random.default_rng(seed)
        self.bits = bits
        self.activations: dict[str, Activation] = {}
        self.operations: list = []

    def pick(self, *choices):
        return choices[int(self.random.integers(len(choices)))]

    def activation(self, name: str, size: int, zero: int | None = None) -> str:
        low, high = -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1
        if zero is None:
            zero = self.pick(low, -3, 0, 7, high, int(self.random.integers(low, high + 1)))
        zero = 0 if self.bits == 16 else zero
        self.activations[name] = Activation(name, size, self.bits, 1 / 128, zero)
        return name

    def dense(self, source: str, name: str, units: int, relu: bool = False, sparse: bool = False) -> str:
        inputs = self.activations[source].size
        self.activation(name, units)
        target = self.activations[name]
        weights = self.random.integers(-127, 128, (units, inputs))
        if sparse:
            weights *= self.random.integers(0, 2, (units, inputs))
        spread = max(1.0, 60.0 * math.sqrt(inputs)) * (1 << (self.bits - 1)) * float(self.pick(0.05, 0.4, 1.0))
        reals = (1 << (self.bits - 1)) / spread * self.random.uniform(0.3, 1.5, units)
        if self.random.random() < 0.3:
            reals[:] = reals[0]
        pairs = [factor(float(real)) for real in reals]
        bias = self.random.integers(-int(spread), int(spread) + 1, units)
        if self.random.random() < 0.2:
            bias[:] = 0
        low, high = target.code_min, target.code_max
        if relu:
            low = target.zero_point
        elif self.random.random() < 0.2:
            low, high = sorted(int(code) for code in self.random.integers(low, high + 1, 2))
        self.operations.append(
            Dense(
                source,
                name,
                weights.astype(np.int8),
                np.full(units, 1 / 64, np.float32),
                bias.astype(np.int64),
                np.array([pair[0] for pair in pairs], np.int32),
                np.array([pair[1] for pair in pairs], np.int32),
                low,
                high,
            )
        )
        return name

    def multiply(self, left: str, right: str, name: str) -> str:
        self.activation(name, self.activations[left].size)
        target = self.activations[name]
        span = float(1 << (self.bits - 1))
        multiplier, shift = factor(float(self.random.uniform(0.2, 2.5)) / span)
        self.operations.append(Multiply(left, right, name, multiplier, shift, target.code_min, target.code_max))
        return name

    def curve(self, source: str, name: str) -> str:
        kind = self.pick("tanh", "logistic", "relu") if self.bits == 8 else self.pick("tanh", "logistic")
        self.activation(name, self.activations[source].size, {"tanh": 0, "logistic": -128}.get(kind))
        if self.bits == 8:
            codes = np.arange(-128, 128) * float(self.random.uniform(0.01, 0.2))
            reals = {
                "tanh": np.tanh(codes) * 127,
                "logistic": 255 / (1 + np.exp(-codes)) - 128,
                "relu": np.maximum(codes, 0),
            }
            table = np.clip(np.round(reals[kind]), -128, 127).astype(np.int8)
            self.operations.append(Lookup(kind, source, name, table))
        else:
            multiplier, shift = self.pick((0, 0), (24000, 13), (17000, 10), (30001, 15))
            self.operations.append(Tanh16(kind, source, name, multiplier, shift))
        return name


def axnet(
    seed: int,
    inputs: int = 2,
    hidden: tuple[int, ...] = (5,),
    predictor: int = 3,
    outputs: int = 2,
    bits: int = 8,
    curve: bool | None = None,
    sparse: bool = False,
) -> QNet:
    """Return a random AXNet as the converter lays it out: predictor, logit, then gated approximator."""
    maker = Maker(seed, bits)
    if curve is None:
        curve = bool(maker.random.random() < 0.5)
    source = maker.activation("x", inputs)
    believed = maker.dense(source, "p_hidden", predictor, relu=not curve, sparse=sparse)
    if curve:
        believed = maker.curve(believed, "p_curve")
    logit = maker.dense(believed, "logit", 1)
    value = source
    for level, units in enumerate(hidden):
        value = maker.dense(value, f"a_hidden{level}", units, relu=True, sparse=sparse)
        gate = maker.dense(believed, f"gate{level}", units)
        value = maker.multiply(*((value, gate) if maker.random.random() < 0.5 else (gate, value)), f"product{level}")
    answer = maker.dense(value, "answer", outputs)
    operations = list(maker.operations)
    return QNet(maker.activations, tuple(operations), source, answer, logit)


def plain(seed: int, inputs: int, outputs: int, bits: int = 8) -> QNet:
    """Return a network of one layer, without a predictor."""
    maker = Maker(seed, bits)
    source = maker.activation("x", inputs)
    answer = maker.dense(source, "y", outputs)
    return QNet(maker.activations, tuple(maker.operations), source, answer, None)


def deploy(
    net: QNet,
    kernel: str = "kernel",
    seed: int = 0,
    threshold: int | None = None,
    exact: bool = True,
    fine_bits: int = 0,
) -> Deployment:
    """Return a deployment with random, well-formed float rules; with fine bits, two codes an input."""
    random = np.random.default_rng(seed)
    source, answer = net.activations[net.source], net.activations[net.answer]
    if fine_bits:
        source = replace(source, zero_point=min(source.zero_point, source.code_max - (1 << fine_bits) + 1))
        net = replace(net, activations=net.activations | {net.source: source})
    bits = net.bits + fine_bits
    inputs = []
    for _ in range(source.size // (2 if fine_bits else 1)):
        low = float(np.float32(random.choice([-1.0, -0.5, 0.0, -3.25, 1.5, random.normal()])))
        high = float(np.float32(low + random.choice([1.0, 1.5, 0.01, 300.0, float(random.exponential()) + 0.1])))
        codes = 2.0**bits
        shift = int(
            min(
                24,
                max(0, math.floor(math.log2(2.0**28 * (high - low) / (codes * max(abs(low), abs(high), high - low))))),
            )
        )
        scale = codes * 2.0**shift / (high - low)
        slack = float(random.choice([1.0, 0.97, 1.02]))
        inputs.append(
            InputCode(
                low,
                high,
                float(np.float32(scale * slack)),
                round(-scale * slack * low - 2.0 ** (bits - 1 + shift)),
                shift,
                fine_bits,
            )
        )
    outputs = tuple(
        OutputCode(
            float(np.float32(random.exponential() * 1e-4 + 1e-7)),
            int(random.integers(-(2**21), 2**21)),
            int(random.integers(0, 6)),
        )
        for _ in range(answer.size)
    )
    if threshold is None:
        threshold = int(random.integers(-60, 60)) if net.bits == 8 else int(random.integers(-15000, 15000))
    return Deployment(
        kernel,
        exact,
        "0123456789abcdef",
        net,
        tuple(inputs),
        outputs,
        threshold,
        eps=0.05,
        delta=0.05,
        calibration_count=1000,
        notes=("relative error, bound 0.1",),
    )


def bands(seed: int, inputs: int, count: int) -> tuple[Band, ...]:
    """Return random parts of a domain guard, each with rows in which nothing lies."""
    random = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        row, column = random.choice(inputs, 2, replace=False)
        rows = 1 << int(random.integers(4, 8))
        ends = random.integers([-128, 0], [0, 128], (rows, 2)).astype(np.int8)
        ends[random.random(len(ends)) < 0.2] = (127, -128)
        made.append(Band(int(row), int(column), ends[:, 0].copy(), ends[:, 1].copy()))
    return tuple(made)


def envelope(seed: int, inputs: int, count: int) -> Envelope:
    """Return an envelope of about half of all codes, with intervals of every kind and a projection of all 16 bits."""
    rng = np.random.default_rng(seed)
    top = min(63, 255 // inputs)
    weights = rng.integers(-top, top + 1, (count, inputs)).astype(np.int8)
    weights[0, 0], weights[2] = 0, 0
    weights[2, :3] = (127, -127, 1)[:inputs]
    low = rng.integers(-9_000, 1, count)
    high = low + rng.integers(0, 9_000, count)
    low[0], low[1], high[1] = -500_000, 40, 40
    bare = Envelope(weights, low, high, 3 if count > 8 else 1, 0)
    codes = rng.integers(-128, 128, (500, inputs)).astype(np.int16)
    return replace(bare, limit=int(np.median(excess(bare, codes))))
