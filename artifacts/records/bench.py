"""What `axedge bench` measured on one board: how often the network was used, how wrong it was, and what it cost."""

from __future__ import annotations

from typing import ClassVar, Literal

from axedge.artifacts.records.base import Part, Record

Inputs = Literal["stored", "fresh", "own"]
"""Whose samples were run: those of samples.npz, new ones drawn from the kernel, the user's own."""

Unit = Literal["instructions", "cycles", "nanoseconds"]
"""What a call costs. Instructions under QEMU's -icount, which has no clock worth the name; a hardware counter's or a
cycle-accurate simulator's cycles; nanoseconds of the host's clock for the native board, which measure this computer."""


class PathCounts(Part):
    """Samples by the way they took in a gated call."""

    approximated: int
    unsafe: int
    out_of_domain: int


class GuaranteeCheck(Part):
    """The promise in the image, and what became of it.

    Attributes:
        eps: promised largest violation rate.
        delta: 1 - confidence of the promise.
        threshold: smallest logit code that lets the network be used.
        calibration_count: samples that the promise was derived from.
        held: whether the violations seen are compatible with it: the lower end of their 95 % interval is not above eps.
            None where the samples were the user's own, for which nothing was promised, or none was approximated.
    """

    eps: float
    delta: float
    threshold: int
    calibration_count: int
    held: bool | None


class VectorCheck(Part):
    """Stored vectors run on the board before anything else, and how many came back with other bits."""

    count: int
    mismatches: int


class ViolationRate(Part):
    """Share of the invoked that were not safe, with its exact two-sided 95 % interval (Clopper-Pearson)."""

    value: float | None
    low: float
    high: float


class ErrorFigures(Part):
    """Error of the invoked by the kernel's metric; all None where nothing was invoked.

    A value is null in JSON also where it is infinite: an answer, or the exact output, was not finite.
    """

    median: float | None
    p95: float | None
    p99: float | None
    max: float | None


class Spread(Part):
    """What calls cost, in the unit of `Ticks`, the cost of reading the timer subtracted."""

    min: float
    median: float
    mean: float
    p95: float
    max: float


class Ticks(Part):
    """How calls were timed, and what they cost.

    Attributes:
        unit: what `approximate`, `exact`, `gated` and `timer_overhead` are in.
        source: what counted.
        hz: raw ticks a second.
        icount_shift: QEMU's, null where there was none.
        timer_overhead: what an empty call costs between the same two readings; already subtracted below.
        approximate: the network, whatever the gate says; over the samples in the domain.
        exact: the exact function; null where the image has none.
        gated: the call of an application: the network, and the exact function where it may not be trusted.
    """

    unit: Unit
    source: str
    hz: int
    icount_shift: int | None
    timer_overhead: float
    approximate: Spread | None
    exact: Spread | None
    gated: Spread


class Speedup(Part):
    """Mean exact over mean gated, and its 95 % interval.

    Attributes:
        value: null without an exact function on the board.
        of: what is counted.
        bound: what no predictor could exceed at this invocation, 1 / (1 - invocation); null where all were invoked.
        low: lower end of the interval: the chance of the draw, and the noise of the clock. Null of one sample.
        high: its upper end.
    """

    value: float | None
    of: Unit
    bound: float | None
    low: float | None = None
    high: float | None = None


class DesktopComparison(Part):
    """How far a desktop interpreter's answers on the stored vectors are from the board's.

    Attributes:
        name: of the interpreter.
        version: of the interpreter.
        outputs: codes compared.
        differing: codes that differ.
        max_steps: largest difference, in quantisation steps.
    """

    name: str
    version: str
    outputs: int
    differing: int
    max_steps: int


class FootprintFigures(Part):
    """Bytes of the whole firmware, and of the engine over the same firmware without a network."""

    flash_bytes: int
    ram_bytes: int
    stack_bytes: int
    engine_flash_bytes: int
    engine_ram_bytes: int


class LinkFigures(Part):
    """The line while samples ran.

    Attributes:
        samples_per_s: answered samples over the time that both runs took.
        payload_bytes: of used requests and replies.
        line_bytes: all bytes, both ways.
        retries: requests sent again.
        crc_errors: damaged frames received.
    """

    samples_per_s: float
    payload_bytes: int
    line_bytes: int
    retries: int
    crc_errors: int


class BenchRecord(Record):
    """bench.json: the bench of the stored samples. Of other inputs: bench.fresh.json, bench.own.json, beside it.

    Attributes:
        inputs: whose samples were run.
        seed: of the samples; null for the user's own.
        samples: samples that all figures are over.
        samples_wanted: samples asked for; more than `samples` in a partial result.
        complete: whether all of them were answered; a partial result is kept for `--resume`.
        exact_from: whose exact outputs the answers were judged by.
        foreign_invocation: share of the foreign points of the box (see convert.json) on which the network is used, as
            `axedge convert` counted it; null where there are none.
        break_even_invocation: share of inputs that must take the network for a gated call to cost what the exact
            function costs; null where it never pays, or without an exact function on the board.
        verdict: one plain sentence.
    """

    VERB: ClassVar[str] = "bench"
    FILE: ClassVar[str] = "bench.json"

    kernel: str
    board: str
    engine: str
    activations: str
    model_hash: str
    build_id: str
    inputs: Inputs = "stored"
    seed: int | None
    samples: int
    samples_wanted: int
    complete: bool
    exact_from: Literal["board", "samples.npz"]
    paths: PathCounts
    guarantee: GuaranteeCheck | None
    foreign_invocation: float | None = None
    vectors: VectorCheck
    invocation: float
    precision: float | None
    violation_rate: ViolationRate
    useful_invocation: float
    true_invocation: float
    error: ErrorFigures
    ticks: Ticks
    speedup: Speedup
    break_even_invocation: float | None
    desktop_interpreter: DesktopComparison | None
    footprint: FootprintFigures
    link: LinkFigures
    verdict: str

    @property
    def violations(self) -> int:
        """Answers used that were outside the bound."""
        return round((self.violation_rate.value or 0.0) * self.paths.approximated)

    @property
    def file(self) -> str:
        """Inputs of their own have a file of their own: they say nothing about the network in general."""
        return self.FILE if self.inputs == "stored" else f"bench.{self.inputs}.json"
