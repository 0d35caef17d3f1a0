"""What `axedge convert` leaves behind: the quantised network, its float rules, its gate, and what quantisation cost."""

from __future__ import annotations

from typing import ClassVar, Literal

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

    code = clamp((trunc(float32(x * factor)) + bias) >> shift).
    """

    name: str
    unit: str
    minimum: float
    maximum: float
    factor: float
    bias: int
    shift: int


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
    """

    eps: float
    delta: float
    calibration_count: int
    invoked: int
    violations: int
    thresholds: int
    distribution: str


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


class ConvertRecord(Record):
    """convert.json.

    Attributes:
        kernel: name of the kernel.
        kernel_digest: hash of the kernel's files.
        has_exact: whether the kernel brings C for the fallback.
        train_digest: `inputs_digest` of the train.json that the network came from.
        candidate: file of the train folder that was converted.
        seed: of all samples drawn.
        model_hash: first 16 hex digits of the SHA-256 of axnet.tflite.
        activations: "int8" or "int16".
        error: the kernel's metric and bound.
        inputs: one rule an input.
        outputs: one rule an output.
        threshold: the network is used iff logit code >= threshold.
        guarantee: what the threshold promises; None: nothing.
        notes: what the generated header says about distribution, metric and promise.
        test_count: samples behind the figures.
        float_figures: of the Keras network, gate at logit >= 0.
        figures: of the quantised network in the numpy reference, gate at the threshold.
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
    seed: int
    model_hash: str
    activations: Literal["int8", "int16"]
    error: ErrorRule
    inputs: tuple[InputRule, ...]
    outputs: tuple[OutputRule, ...]
    threshold: int
    guarantee: Guarantee | None
    notes: tuple[str, ...]
    test_count: int
    float_figures: Figures
    figures: Figures
    parameters: int
    tflite_bytes: int
    arena_bytes: int | None
    operators: tuple[str, ...]
    vectors: int
    samples: int
    tflm: TflmCheck
    desktop: Desktop | None
    versions: dict[str, str]
