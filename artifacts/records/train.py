"""train.json: what `axedge train` made, from what, and how good it is on samples nothing else has seen."""

from __future__ import annotations

from typing import ClassVar

from axedge.artifacts.records.base import Part, Record


class Scaling(Part):
    """normalised = (raw - offset) / scale for one input or output."""

    offset: float
    scale: float


class Normalisation(Part):
    """The map between the kernel's units and the network's, per input and output."""

    inputs: list[Scaling]
    outputs: list[Scaling]


class NetworkShape(Part):
    """Hidden layer sizes and activations of both branches."""

    inputs: int
    outputs: int
    approximator: list[int]
    predictor: list[int]
    approximator_activation: str
    predictor_activation: str


class TrainRound(Part):
    """One round of training: the networks that took part, and the numbers it was run with."""

    restarts: int
    steps: int
    batch: int
    learning_rate: float
    warm_up: int
    cosine: bool
    loss: str
    log_share: float
    tau_start: float
    tau_end: float
    cross_entropy: float
    selection: float
    violation_price: float


class TrainOptions(Part):
    """What the user asked for; None stands for the recipe's own number."""

    seed: int
    recipe: str
    steps: int | None = None
    restarts: int | None = None


class HistoryPoint(Part):
    """The best network so far, by invocation at 95 % precision on the validation samples."""

    step: int
    restarts: int
    true_invocation: float
    inv95: float


class TrainMetrics(Part):
    """Figures of the chosen network in float32, on the test samples.

    Attributes:
        samples: how many.
        true_invocation: share of safe answers.
        invocation: share with safe logit >= 0.
        precision: share of safe ones among those; None where there is none.
        useful_invocation: share both invoked and safe.
        inv95: largest invocation at which the precision is at least 95 %.
        inv99: the same for 99 %.
        median_error: of all answers, by the kernel's metric.
    """

    samples: int
    true_invocation: float
    invocation: float
    precision: float | None
    useful_invocation: float
    inv95: float
    inv99: float
    median_error: float


class Candidate(Part):
    """A network of the last round, and what chose it: validation figures."""

    file: str
    true_invocation: float
    inv95: float


class SplitSizes(Part):
    """Samples drawn for each purpose."""

    train: int
    validation: int
    test: int


class TrainRecord(Record):
    """What `axedge train` writes.

    Attributes:
        kernel: name of the kernel.
        kernel_digest: hash of kernel.toml, the C and the data.
        options: what the user asked for.
        rounds: what that came to.
        paces: factors on the learning rate, dealt out to the networks of the first round in turn.
        topology: the network's shape.
        parameters: weights and biases.
        normalisation: the map between kernel units and network units.
        split: sample counts.
        history: how the best network got better.
        metrics: the chosen network on the test samples.
        candidates: best first; the first one is axnet.keras.
        versions: of Python, TensorFlow, numpy, by name.
        cpu_seconds: processor time of this process and its threads.
        elapsed_s: time on the wall.
    """

    VERB: ClassVar[str] = "train"
    FILE: ClassVar[str] = "train.json"

    kernel: str
    kernel_digest: str
    options: TrainOptions
    rounds: list[TrainRound]
    paces: list[float]
    topology: NetworkShape
    parameters: int
    normalisation: Normalisation
    split: SplitSizes
    history: list[HistoryPoint]
    metrics: TrainMetrics
    candidates: list[Candidate]
    versions: dict[str, str]
    cpu_seconds: float
    elapsed_s: float

    @property
    def produced(self) -> tuple[str, ...]:
        """The networks."""
        return tuple(candidate.file for candidate in self.candidates)
