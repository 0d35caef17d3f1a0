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
