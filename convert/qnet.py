"""The quantised network as data: what is read from a .tflite, executed by the numpy reference and emitted as C.

Nothing here computes. Integer codes only; the real value of a code is `scale * (code - zero_point)`. The requantisation
constants are those that TensorFlow Lite Micro derives from the scales (a 31-bit multiplier and a power of two), because
its kernels are the truth that every execution must equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

#: Bits of an input in two-byte form that go into its fine code; its coarse code is the 8 bits above them.
FINE_BITS = 4


@dataclass(frozen=True)
class Activation:
    """A tensor that flows: one row of codes.

    Attributes:
        name: unique in the network, a C identifier.
        size: number of codes.
        bits: 8 or 16.
        scale: real value of one step.
        zero_point: code of real 0 (always 0 for 16 bits).
    """

    name: str
    size: int
    bits: int
    scale: float
    zero_point: int

    @property
    def code_min(self) -> int:
        """Smallest code."""
        return -(1 << (self.bits - 1))

    @property
    def code_max(self) -> int:
        """Largest code."""
        return (1 << (self.bits - 1)) - 1


@dataclass(frozen=True)
class Dense:
    """FULLY_CONNECTED: output = requantise(sum_j weights[i, j] * (input[j] - input.zero_point) + bias[i]), clamped.

    Attributes:
        source: name of the input activation.
        target: name of the output activation.
        weights: int8, shape (units, inputs); their zero point is 0.
        weight_scales: float32, shape (units,).
        bias: int32 for 8-bit activations, int64 for 16-bit ones, shape (units,); zeros where the layer has none.
        multiplier: int32, shape (units,), in [2^30, 2^31), or 0.
        shift: int32, shape (units,): the real factor is multiplier * 2^(shift - 31).
        low: smallest code let through (the zero point for a fused ReLU).
        high: largest code let through.
    """

    source: str
    target: str
    weights: NDArray[np.int8]
    weight_scales: NDArray[np.float32]
    bias: NDArray[np.int64]
    multiplier: NDArray[np.int32]
    shift: NDArray[np.int32]
    low: int
    high: int


@dataclass(frozen=True)
class Multiply:
    """MUL, element by element: target = requantise((left - zl) * (right - zr)), clamped to low..high."""

    left: str
    right: str
    target: str
    multiplier: int
    shift: int
    low: int
    high: int


@dataclass(frozen=True)
class Lookup:
    """A function of one code, tabulated: TANH, LOGISTIC or a stand-alone RELU on 8-bit activations.

    Attributes:
        kind: "tanh", "logistic" or "relu".
        table: 256 target codes for source codes -128..127.
    """

    kind: str
    source: str
    target: str
    table: NDArray[np.int8]


@dataclass(frozen=True)
class Tanh16:
    """TANH or LOGISTIC on 16-bit activations, by TFLM's interpolated table.

    Attributes:
        kind: "tanh" or "logistic".
        multiplier: input multiplier as TFLM derives it.
        shift: left shift as TFLM derives it.
    """

    kind: str
    source: str
    target: str
    multiplier: int
    shift: int


Operation = Dense | Multiply | Lookup | Tanh16


@dataclass(frozen=True)
class QNet:
    """A network of one input, an answer head, and (for AXNet) a safe logit.

    Attributes:
        activations: every activation by name.
        operations: in an order in which they can run.
        source: name of the input activation.
        answer: name of y'.
        logit: name of the safe logit (size 1), or None for a network without a predictor.
    """

    activations: dict[str, Activation]
    operations: tuple[Operation, ...]
    source: str
    answer: str
    logit: str | None

    @property
    def bits(self) -> int:
        """Activation width: 8 or 16."""
        return self.activations[self.source].bits

    def needed_for(self, name: str) -> tuple[Operation, ...]:
        """Return the operations, in order, that the activation `name` depends on."""
        wanted, chosen = {name}, []
        for operation in reversed(self.operations):
            if operation.target in wanted:
                chosen.append(operation)
                wanted |= set(sources_of(operation))
        return tuple(reversed(chosen))


def sources_of(operation: Operation) -> tuple[str, ...]:
    """Return the names of the activations that an operation reads."""
    if isinstance(operation, Multiply):
        return (operation.left, operation.right)
    return (operation.source,)


@dataclass(frozen=True)
class InputCode:
    """Float to code for one input: `clamp((int32(trunc(float32(x * factor))) + bias) >> shift, code_min, code_max)`.

    In two-byte form (`fine_bits`) this code is that much wider than the network's, and split into two of them: the
    coarse one, `code >> fine_bits`, and the fine one, the bits below plus the input tensor's zero point. All coarse
    codes come first in the network's input, then all fine ones.

    Attributes:
        minimum: smallest x of the trained domain (float32).
        maximum: largest x of the trained domain (float32).
        factor: float32.
        bias: includes the zero point and one half for rounding, in units of 2^-shift codes.
        shift: 0 to 24, small enough that every x within the domain keeps |x * factor| + |bias| below 2^30.
        fine_bits: 0, or FINE_BITS in two-byte form.
    """

    minimum: float
    maximum: float
    factor: float
    bias: int
    shift: int
    fine_bits: int = 0


@dataclass(frozen=True)
class OutputCode:
    """Code to float for one output: `float32((code << shift) + bias) * factor`, the integer below 2^24 in magnitude."""

    factor: float
    bias: int
    shift: int


@dataclass(frozen=True)
class Band:
    """Part of the domain guard: for each row of codes of one input, which codes of another one the application has.

    Both inputs count by the upper 8 bits of their code, -128 to 127.

    Attributes:
        row: position of the input that chooses the row.
        column: position of the input that must lie within the row's codes.
        low: int8, shape (rows,), rows a power of two; row k holds codes -128 + k * 256 / rows onwards.
        high: int8, shape (rows,); below `low` where the application has nothing.
    """

    row: int
    column: int
    low: NDArray[np.int8]
    high: NDArray[np.int8]

    @property
    def row_shift(self) -> int:
        """Bits of an 8-bit code that do not matter to the row."""
        return 8 - (len(self.low).bit_length() - 1)


@dataclass(frozen=True)
class Envelope:
    """Part of the domain guard: how far projections of the codes may lie outside their intervals, all together.

    Inputs count by the upper 8 bits of their code, c. With z = weights @ c and, for each projection, the excess
    e = max(low - z, z - high, 0) >> shift, an input is within the envelope if the sum of e^2 is at most `limit`.

    Attributes:
        weights: int8, shape (projections, inputs), such that each z lies within 16 bits for all codes.
        low: int64, shape (projections,).
        high: int64, shape (projections,), each at least its low.
        shift: 0 to 30, such that the sum stays below 2^31 for all codes.
        limit: largest sum.
    """

    weights: NDArray[np.int8]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    shift: int
    limit: int


@dataclass(frozen=True)
class Deployment:
    """Everything that the generated C says: the network, its float rules, its gate and what is promised.

    Attributes:
        kernel: name of the kernel, a C identifier.
        has_exact: whether the kernel brings C for the fallback.
        model_hash: 16 hex digits.
        inputs: one rule an input.
        outputs: one rule an output.
        threshold: the network is used iff logit code >= threshold; for a network without a predictor, always.
        eps: promised violation rate, 0 without a guarantee.
        delta: 1 - confidence of the promise, 0 without a guarantee.
        calibration_count: samples that the promise was calibrated on, 0 without a guarantee.
        notes: lines for the header's comment: distribution, metric and bound, calibration count.
        guard: bands that codes must lie in, or the input is out of the domain.
        envelope: what they must lie within, too; None for nothing.
    """

    kernel: str
    has_exact: bool
    model_hash: str
    net: QNet
    inputs: tuple[InputCode, ...]
    outputs: tuple[OutputCode, ...]
    threshold: int
    eps: float = 0.0
    delta: float = 0.0
    calibration_count: int = 0
    notes: tuple[str, ...] = field(default=())
    guard: tuple[Band, ...] = field(default=())
    envelope: Envelope | None = None

    @property
    def fine_bits(self) -> int:
        """FINE_BITS where each input is two codes, else 0."""
        return self.inputs[0].fine_bits if self.inputs else 0
