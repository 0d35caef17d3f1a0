"""What a table and a polynomial in place of the network came to on one board."""

from __future__ import annotations

from typing import ClassVar, Literal

from axedge.artifacts.records.base import Part, Record
from axedge.artifacts.records.bench import ErrorFigures, Spread, Unit


class Alternative(Part):
    """One thing that an engineer would try first.

    Attributes:
        kind: "table" (multilinear interpolation) or "polynomial" (products of Chebyshev polynomials).
        description: its size, or why there is none.
        flash_bytes: over the same firmware with a function that does nothing; null where nothing was built.
        safe_share: of the samples, answered within the bound; it answers every input, so this is its precision too.
        safe_low: lower end of the 95 % interval (Clopper-Pearson).
        safe_high: upper end.
        error: over all samples.
        cost: of a call.
        would_do: whether it keeps the promise that the network is held to, by the same measure: with its confidence on
            validation samples, and not refuted by those of the bench. Without a promise: whether its safe share reaches
            the network's precision. From no more flash, and without the exact function.
        wins: whether it would do at a lower mean cost a call, too.
    """

    kind: Literal["table", "polynomial"]
    description: str
    flash_bytes: int | None = None
    safe_share: float | None = None
    safe_low: float | None = None
    safe_high: float | None = None
    error: ErrorFigures | None = None
    cost: Spread | None = None
    would_do: bool = False
    wins: bool = False


class AlternativesRecord(Record):
    """alternatives.json.

    Attributes:
        bench_digest: `inputs_digest` of the bench that they are set beside.
        samples: on which each was run: the bench's.
        flash_budget_bytes: what the network takes; no alternative takes more.
        fallback_flash_bytes: what the exact function takes, which the network needs beside it, and they do not.
        precision_wanted: what counts as good enough: the promise, else the network's own precision.
        unit: of every cost.
        network_mean: a gated call of the network, fallbacks included.
        exact_mean: the exact function; null without one.
        verdict: one plain sentence.
    """

    VERB: ClassVar[str] = "alternatives"
    FILE: ClassVar[str] = "alternatives.json"

    kernel: str
    board: str
    engine: str
    activations: str
    model_hash: str
    bench_digest: str
    samples: int
    flash_budget_bytes: int
    fallback_flash_bytes: int = 0
    precision_wanted: float
    unit: Unit
    network_mean: float
    exact_mean: float | None
    invocation: float
    rows: tuple[Alternative, ...]
    verdict: str
