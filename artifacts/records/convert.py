"""What `axedge convert` leaves behind: the quantised network, its float rules, its gate, and what quantisation cost."""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

from axedge.artifacts.pair import OPTIMIZE, generated_source
from axedge.artifacts.records.base import Part, Record


class ErrorRule(Part):
    """The kernel's error metric, so that a bench machine needs no kernel.

    Attributes:
        metric: relative, absolute, rmse or mismatch.
        bound: largest error that is safe.
        floor: relative only: |y| below it counts as this much.
    """

    metric: Literal["relative", "absolute", "rmse", "mismatch"]
    bound: float
    floor: float


class InputRule(Part):
    """One input: its domain, and float to code (docs/architecture.md).

    code = clamp((trunc(float32(x * factor)) + bias) >> shift). In two-byte form it is wider than the network's codes by
    `fine_bits`, and split into a coarse code, the bits above these, and a fine one.
    """

    name: str
    unit: str
    minimum: float
    maximum: float
    factor: float
    bias: int
    shift: int
    fine_bits: int = 0


class OutputRule(Part):
    """One output, code to float: y = float32((code << shift) + bias) * factor."""

    name: str
    unit: str
    factor: float
    bias: int
    shift: int


class Guarantee(Part):
    """The promise: a violation rate of at most eps, with confidence 1 - delta, by the exact binomial bound.

    Attributes:
        eps: largest violation rate promised.
        delta: probability that the promise does not hold.
        calibration_count: samples that it was calibrated on, which nothing else has seen.
        invoked: how many of them the gate lets through.
        violations: how many of those are not safe.
        thresholds: how many thresholds were tried (Bonferroni).
        distribution: for which inputs it holds, in words.
        recorded: name of the file of inputs that it was calibrated on; empty for the kernel's own distribution.
    """

    eps: float
    delta: float
    calibration_count: int
    invoked: int
    violations: int
    thresholds: int
    distribution: str
    recorded: str = ""


class Gate(NamedTuple):
    """When the network is used, and what is promised of that: the last three are 0 where nothing is.

    Attributes:
        threshold: smallest logit code that lets the network be used.
        eps: promised largest violation rate.
        delta: 1 - confidence of the promise.
        calibration_count: samples that it was calibrated on.
    """

    threshold: int
    eps: float = 0.0
    delta: float = 0.0
    calibration_count: int = 0


class Moved(Part):
    """How far a promise for recorded inputs is from the one that the kernel's own distribution would have allowed.

    Attributes:
        rows: distinct inputs in the file.
        split: how they were shared out between proposing thresholds, testing them and the bench, in words.
        design_effect: how many of the rows tested tell as much as one independent draw, by how stretches or groups
            differ; 1 where all are independent.
        out_of_domain: share of them that the domain guard turns away.
        threshold_before: threshold that the kernel's own distribution allows; None where it allows none.
        invocation_before: what it was to let through of the kernel's own distribution.
        invocation_there: what that threshold lets through of the recorded inputs.
        violation_rate_there: share of those that are not safe; None where it lets nothing through.
        invocation: what the new threshold lets through of the recorded inputs.
    """

    rows: int
    split: str = ""
    design_effect: float = 1.0
    out_of_domain: float
    threshold_before: int | None
    invocation_before: float
    invocation_there: float
    violation_rate_there: float | None
    invocation: float


class GuardBand(Part):
    """Part of the domain guard: for each row of codes of one input, which codes of another one the application has.

    Attributes:
        row: position of the input whose code chooses the row.
        column: position of the input whose code must lie within low..high of that row.
        low: one a row, of the code's upper 8 bits.
        high: one a row; below `low` where the application has nothing.
    """

    row: int
    column: int
    low: tuple[int, ...]
    high: tuple[int, ...]


class GuardEnvelope(Part):
    """Part of the domain guard: how far projections of the codes may lie outside their intervals, all together.

    Of the codes' upper 8 bits c: z = weights @ c, e = max(low - z, z - high, 0) >> shift for each projection, and the
    sum of e^2 must be at most `limit`.

    Attributes:
        weights: one row a projection, one number an input.
        low: one a projection.
        high: one a projection.
        shift: bits that are dropped before squaring.
        limit: largest sum.
        magnitude: bound of the sum over all codes, below 2^31.
    """

    weights: tuple[tuple[int, ...], ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    shift: int
    limit: int
    magnitude: int


class ForeignCheck(Part):
    """What happens to points of the box where the application never goes, or that have no exact result.

    Attributes:
        share_of_box: share of the box that is foreign.
        reach: distance from the application's inputs beyond which a point is foreign, in half box widths; None where
            they fill the box.
        count: foreign points tested, which nothing else has seen.
        past_guard: share of them that the domain guard lets through.
        invoked: how many of them the network is used on.
        bound: upper bound of their share, with the confidence of the promise.
        limit: largest share that is wanted.
        held: whether the bound is within the limit.
        invocation_without: invocation that could be promised if foreign points did not matter; None where nothing was
            asked for, or can be.
    """

    share_of_box: float
    reach: float | None
    count: int
    past_guard: float
    invoked: int
    bound: float
    limit: float
    held: bool
    invocation_without: float | None


class Figures(Part):
    """What one form of the network is worth on the test samples.

    Attributes:
        true_invocation: share of samples that are safe.
        invocation: share on which the network is used.
        precision: share of the used that are safe, None where it is never used.
        useful_invocation: share both used and safe.
        inv95: largest invocation that any threshold reaches with a precision of 0.95.
        inv99: the same with 0.99.
        median_error: median error over all samples, in the kernel's metric.
    """

    true_invocation: float
    invocation: float
    precision: float | None
    useful_invocation: float
    inv95: float
    inv99: float
    median_error: float


class TflmCheck(Part):
    """Comparison of the numpy reference with TensorFlow Lite Micro.

    Attributes:
        result: "passed", or "not done here" where tflite-micro has no package. A difference stops the conversion.
        count: inputs compared.
        version: of tflite-micro.
    """

    result: Literal["passed", "not done here"]
    count: int
    version: str | None


class Desktop(Part):
    """How far a desktop interpreter strays from TensorFlow Lite Micro's bits.

    Attributes:
        name: tflite-runtime or ai-edge-litert, without default delegates.
        version: of it.
        outputs: codes compared, of both heads.
        differing: how many differ.
        max_steps: by how many codes at most.
    """

    name: str
    version: str
    outputs: int
    differing: int
    max_steps: int


class AtGuarantee(Part):
    """Invocation that could be promised, calibrated on samples of its own; 0 where nothing can.

    Attributes:
        eps: largest violation rate promised.
        delta: probability that the promise does not hold.
        float_invocation: of the float network that was handed over.
        invocation: of the quantised one.
    """

    eps: float
    delta: float
    float_invocation: float
    invocation: float


class OutputCost(Part):
    """One output, in its unit: absolute error of the float and of the quantised network, and how far they differ."""

    name: str
    float_median_error: float
    median_error: float
    median_change: float
    p99_change: float
    max_change: float


class HeadCost(Part):
    """Both heads: shares of samples that quantisation moved.

    Attributes:
        no_longer_safe: safe in float, not any more.
        newly_safe: the other way round.
        gate_flipped: used in float (logit >= 0) and not in whole numbers (at the threshold), or the other way round.
    """

    no_longer_safe: float
    newly_safe: float
    gate_flipped: float


class TensorCost(Part):
    """One activation.

    Attributes:
        name: of the activation.
        scale: real value of one step.
        zero_point: code of real 0.
        clipped_low: share of codes at the low end; a ReLU's zeros do not count.
        clipped_high: share of codes at the high end.
        wasted_codes: share of the codes that lie outside what the samples ever use.
    """

    name: str
    scale: float
    zero_point: int
    clipped_low: float
    clipped_high: float
    wasted_codes: float


class WorstSample(Part):
    """A sample to whose error quantisation added most, float and quantised side by side."""

    x: tuple[float, ...]
    exact: tuple[float, ...]
    float_answer: tuple[float, ...]
    answer: tuple[float, ...]
    float_error: float
    error: float


class Cost(Part):
    """What quantisation cost, against the float network that it came from, on the test samples."""

    outputs: tuple[OutputCost, ...]
    gate: HeadCost
    tensors: tuple[TensorCost, ...]
    worst: tuple[WorstSample, ...]


class AccumulatorBound(Part):
    """Static proof for one layer: for no input codes does a sum or an intermediate leave these bounds.

    Attributes:
        layer: name of the activation that it writes.
        low: smallest sum or product before requantisation.
        high: largest.
        magnitude: bound of every partial sum and of what is shifted left before requantisation.
        limit: largest magnitude that the arithmetic can take.
    """

    layer: str
    low: int
    high: int
    magnitude: int
    limit: int


class ConvertOptions(Part):
    """What the user asked for; the keyword arguments of `convert_kernel`.

    Attributes:
        seed: of all samples drawn.
        activations: width of activations.
        inputs: "plain", one code an input, or "two-byte": two.
        guarantee: precision to be promised, None for none.
        confidence: of the promise.
        effort: of fine-tuning, 1 for the usual steps, 0 for none.
        calibrate: file of inputs recorded in the application, None for the kernel's own distribution.
        model: .keras file of the user's own, None for what `axedge train` made.
    """

    seed: int
    activations: Literal["int8", "int16"]
    guarantee: float | None
    confidence: float
    effort: float
    calibrate: str | None = None
    model: str | None = None
    inputs: Literal["plain", "two-byte"] = "plain"


class ConvertRecord(Record):
    """convert.json.

    Attributes:
        kernel: name of the kernel.
        kernel_digest: hash of the kernel's files.
        has_exact: whether the kernel brings C for the fallback.
        train_digest: `inputs_digest` of the train.json that the network came from, or a hash of the user's own model.
        candidate: file of the train folder that was chosen, after quantisation.
        how: what was done to it: "converted" (nothing), "equalised", "fine-tuned" (equalised first).
        options: what the user asked for; None where it is not known.
        seed: of all samples drawn.
        model_hash: first 16 hex digits of the SHA-256 of axnet.tflite.
        activations: "int8" or "int16".
        error: the kernel's metric and bound.
        inputs: one rule an input.
        outputs: one rule an output.
        threshold: the network is used iff logit code >= threshold.
        guarantee: what the threshold promises; None: nothing.
        moved: how far recorded inputs moved the promise; None where it is for the kernel's own distribution.
        guard: bands within which codes must lie, or the input is out of the domain.
        envelope: what they must lie within, too; None where bands do, or nothing pays.
        foreign: what happens to points of the box where the application never goes; None where there are none, or not
            computed.
        notes: what the generated header says about distribution, metric and promise.
        test_count: samples behind the figures.
        float_figures: of the Keras network that was chosen, gate at logit >= 0.
        figures: of the quantised network in the numpy reference, gate at the threshold.
        at_guarantee: invocation that could be promised at the guarantee asked for, or at 95 % with 95 % confidence;
            None: not computed.
        cost: what quantisation cost; None: not computed.
        proof: bounds of every layer's arithmetic.
        parameters: weights and biases of the network.
        tflite_bytes: size of axnet.tflite.
        arena_bytes: smallest tensor arena that works on a 64-bit host, an upper bound for a 32-bit board; None: not
            measured.
        operators: builtin operators of the .tflite.
        vectors: inputs in vectors.npz.
        samples: inputs in samples.npz.
        tflm: comparison with TensorFlow Lite Micro.
        desktop: comparison with a desktop interpreter, None where there is none.
        versions: of the packages that took part.
    """

    VERB: ClassVar[str] = "convert"
    FILE: ClassVar[str] = "convert.json"

    kernel: str
    kernel_digest: str
    has_exact: bool
    train_digest: str
    candidate: str
    how: Literal["converted", "equalised", "fine-tuned"] = "converted"
    options: ConvertOptions | None = None
    seed: int
    model_hash: str
    activations: Literal["int8", "int16"]
    error: ErrorRule
    inputs: tuple[InputRule, ...]
    outputs: tuple[OutputRule, ...]
    threshold: int
    guarantee: Guarantee | None
    moved: Moved | None = None
    guard: tuple[GuardBand, ...] = ()
    envelope: GuardEnvelope | None = None
    foreign: ForeignCheck | None = None
    notes: tuple[str, ...]
    test_count: int
    float_figures: Figures
    figures: Figures
    at_guarantee: AtGuarantee | None = None
    cost: Cost | None = None
    proof: tuple[AccumulatorBound, ...] = ()
    parameters: int
    tflite_bytes: int
    arena_bytes: int | None
    operators: tuple[str, ...]
    vectors: int
    samples: int
    tflm: TflmCheck
    desktop: Desktop | None
    versions: dict[str, str]

    @property
    def form(self) -> str:
        """The network's numbers in words: the width of activations, and the inputs where they are not plain."""
        return f"{self.activations}, two-byte inputs" if self.inputs[0].fine_bits else self.activations

    @property
    def gate(self) -> Gate:
        """The gate, as header, firmware and HELLO carry it."""
        promise = self.guarantee
        if promise is None:
            return Gate(self.threshold)
        return Gate(self.threshold, promise.eps, promise.delta, promise.calibration_count)

    @property
    def produced(self) -> tuple[str, ...]:
        """The network, its samples, and its C."""
        stem = f"axnet_{self.kernel}"
        sources = (generated_source(self.kernel, optimize) for optimize in OPTIMIZE)
        arrays = (f"{stem}_tflite.h", f"{stem}_tflite.cc")
        return ("axnet.tflite", "vectors.npz", "samples.npz", "judged.npz", f"{stem}.h", *sources, *arrays)
