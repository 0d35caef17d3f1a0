"""results.json: how methods compare, one row a kernel, method and block, over seeds; and the cells it is made of."""

from __future__ import annotations

from typing import ClassVar

from axedge.artifacts.records.base import Part, Record
from axedge.artifacts.records.train import TrainMetrics


class Spread(Part):
    """Mean and standard deviation (n - 1 in the divisor; 0 for one seed) over seeds."""

    mean: float
    sd: float


class ResultRow(Part):
    """One method on one kernel.

    Attributes:
        kernel: its name.
        method: axnet, axnet-paper, one-pass or iterative.
        block: "as published" (each with its own paper's recipe) or "equal effort" (ours for all).
        parameters: weights and biases spent, the mean over seeds (a baseline may choose another split of its budget).
        seeds: how many.
        precision: None where no seed's predictor ever said safe.
        cpu_seconds: processor time of one training.
        guarantee95_float: invocation at which 95 % precision can be promised with 95 % confidence, in float;
            None where it was not run, as below. AXNet only, with our recipe.
        guarantee95_int8: of the network in int8, on fresh samples, with its domain guard.
        guarantee95_two_byte: the same with two-byte inputs.
        guarantee95_int16: the same with int16 activations.
    """

    kernel: str
    method: str
    block: str
    parameters: float
    seeds: int
    true_invocation: Spread
    invocation: Spread
    useful_invocation: Spread
    precision: Spread | None
    inv95: Spread
    inv99: Spread
    median_error: Spread
    cpu_seconds: Spread
    guarantee95_float: Spread | None = None
    guarantee95_int8: Spread | None = None
    guarantee95_two_byte: Spread | None = None
    guarantee95_int16: Spread | None = None


class GuaranteeCell(Record):
    """One conversion at the guarantee, measured on samples that nothing else has seen: `make guarantees` keeps it.

    Attributes:
        kernel: its name.
        seed: of training and conversion.
        activations: int8, int16, or two-byte: int8 with two-byte inputs.
        candidate: network of the training that was chosen.
        how: what was done to it (see convert.json).
        model_hash: of the model; empty where nothing could be promised.
        fresh: samples measured on.
        invocation: share of them on which the network is used, 0 where nothing could be promised.
        violations: how many of the used answers are not safe.
        violation_rate: their share of the used; None where none is used.
        float_invocation: invocation at the guarantee of the float network, on the calibration samples.
        without_limit: invocation at the guarantee if foreign points did not matter, on the calibration samples.
        foreign_count: foreign points tested; 0 where there are none.
        foreign_invoked: how many of them the network is used on.
        foreign_bound: upper bound of their share.
        cpu_seconds: processor time of the conversion.
    """

    VERB: ClassVar[str] = "compare"

    kernel: str
    seed: int
    activations: str
    candidate: str
    how: str
    model_hash: str
    fresh: int
    invocation: float
    violations: int
    violation_rate: float | None
    float_invocation: float
    without_limit: float | None
    foreign_count: int
    foreign_invoked: int
    foreign_bound: float | None
    cpu_seconds: float


class CompareCell(Record):
    """One training of one method: what a comparison that was interrupted need not do again."""

    VERB: ClassVar[str] = "compare"

    kernel: str
    method: str
    recipe: str
    seed: int
    parameters: int
    metrics: TrainMetrics
    cpu_seconds: float


class Results(Record):
    """What `axedge compare` writes."""

    VERB: ClassVar[str] = "compare"
    FILE: ClassVar[str] = "results.json"

    rows: list[ResultRow]
