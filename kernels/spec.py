"""What a kernel promises: its ports, its error metric and bound, its default network; checked when made."""

from __future__ import annotations

import math
from dataclasses import field
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.dataclasses import dataclass

from axedge.kernels.names import check_function_name, check_identifier, check_kernel_name

Metric = Literal["relative", "absolute", "rmse", "mismatch"]
HiddenActivation = Literal["relu", "tanh"]

MAX_PORTS = 255  # the wire counts them in one byte
MAX_HIDDEN = 512
MAX_LAYERS = 8


def check_float32(value: float) -> float:
    """Return `value` if it stays finite as a float32.

    Raises:
        ValueError: it is NaN, infinite, or too large.
    """
    if not math.isfinite(value) or abs(value) > float(np.finfo(np.float32).max):
        raise ValueError("must be finite as a 32-bit float")
    return value


Identifier = Annotated[str, AfterValidator(check_identifier)]
FunctionName = Annotated[str, AfterValidator(check_function_name)]
KernelName = Annotated[str, AfterValidator(check_kernel_name)]
Real = Annotated[float, Field(strict=True), AfterValidator(check_float32)]
HiddenSize = Annotated[int, Field(strict=True, ge=1, le=MAX_HIDDEN)]
HiddenSizes = Annotated[tuple[HiddenSize, ...], Field(min_length=1, max_length=MAX_LAYERS)]

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class Port:
    """One output of a kernel.

    Attributes:
        name: a C identifier, unique among the kernel's outputs (or inputs).
        unit: for people; may be empty.
    """

    name: Identifier
    unit: str = ""


@dataclass(frozen=True, config=_STRICT)
class InputPort(Port):
    """One input of a kernel.

    Attributes:
        minimum: smallest value of the trained domain, in `unit`.
        maximum: largest value of the trained domain, in `unit`.
    """

    minimum: Real = field(kw_only=True)
    maximum: Real = field(kw_only=True)


@dataclass(frozen=True, config=_STRICT)
class ErrorSpec:
    """When a sample is safe; `axedge.kernels.metrics` computes it.

    Attributes:
        metric: relative, absolute, rmse or mismatch.
        bound: largest error that is still safe; below 1 for mismatch.
        floor: relative only: |y| below it counts as this much.
    """

    metric: Metric
    bound: Annotated[Real, Field(gt=0)]
    floor: Annotated[Real, Field(ge=0)] = 0.0

    @field_validator("bound")
    @classmethod
    def _mismatch_is_one_or_none(cls, bound: float, info: ValidationInfo) -> float:
        if info.data.get("metric") == "mismatch" and bound >= 1:
            raise ValueError("must be below 1 for mismatch, whose error is 0 or 1 (0.5 is usual)")
        return bound

    @field_validator("floor")
    @classmethod
    def _only_relative_has_a_floor(cls, floor: float, info: ValidationInfo) -> float:
        if floor > 0 and info.data.get("metric") not in (None, "relative"):
            raise ValueError(f"has a meaning for metric relative only, not for {info.data['metric']}")
        return floor


@dataclass(frozen=True, config=_STRICT)
class NetworkSpec:
    """Topology of an AXNet.

    Attributes:
        approximator: hidden layer sizes of the head that answers.
        predictor: hidden layer sizes of the branch that gates it and says whether the answer is safe.
        predictor_activation: of the predictor's hidden layers.
        approximator_activation: of the approximator's hidden layers.
    """

    approximator: HiddenSizes
    predictor: HiddenSizes
    predictor_activation: HiddenActivation = "tanh"
    approximator_activation: HiddenActivation = "relu"

    def parameters(self, inputs: int, outputs: int) -> int:
        """Return the number of weights and biases: both branches, one gate a hidden unit, one safe logit."""
        gates = self.predictor[-1] + 1
        return (
            _dense_parameters(inputs, *self.approximator, outputs)
            + _dense_parameters(inputs, *self.predictor)
            + gates * sum(self.approximator)
            + gates
        )


def default_network(inputs: int, outputs: int) -> NetworkSpec:
    """Return the topology for data without a kernel.toml.

    One hidden layer of 4 + 2 max(inputs, outputs) units, at most 64, and half as many in the predictor: for two inputs
    and outputs 2-8-2 beside 2-4, which is known to lose little to twice its size.
    """
    hidden = min(64, 4 + 2 * max(inputs, outputs))
    return NetworkSpec(approximator=(hidden,), predictor=(hidden // 2,))


def _dense_parameters(*sizes: int) -> int:
    return sum((before + 1) * after for before, after in zip(sizes, sizes[1:], strict=False))
