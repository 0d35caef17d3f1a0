"""What trained networks are worth on samples that they were not trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.records.train import TrainMetrics
from axedge.kernels import metrics
from axedge.kernels.kernel import Samples
from axedge.kernels.spec import ErrorSpec
from axedge.train.fit import Runner
from axedge.train.normalise import Affine
from axedge.train.topology import Topology

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Judgement:
    """One network's figures on the validation samples."""

    true_invocation: float
    inv95: float
    inv99: float

    @classmethod
    def of(cls, safe: NDArray[np.bool_], logit: Array) -> Judgement:
        """Judge by whether answers are safe [N] and by the safe logits [N]."""
        shares = (metrics.invocation_at_precision(safe, logit, precision) for precision in (0.95, 0.99))
        return cls(float(safe.mean()), *shares)

    @property
    def rank(self) -> float:
        """What networks are chosen by.

        Invocation at 95 % precision: by true invocation a predictor that always says safe would win. Invocation at
        99 % counts a quarter: networks that differ by a thousandth at 95 % differ by hundredths there. True invocation
        counts a little, to tell apart networks whose predictors have not learned anything yet.
        """
        return self.inv95 + 0.25 * self.inv99 + 0.1 * self.true_invocation


class Judge:
    """Judges networks on one set of samples.

    Args:
        topology: the networks' shape.
        error: the kernel's metric and bound.
        x: the inputs as the networks take them, float32 [N, n].
        samples: the same inputs and their results in the kernel's units.
        outputs: the map of the results to the networks' answers.
    """

    def __init__(self, topology: Topology, error: ErrorSpec, x: Array, samples: Samples, outputs: Affine) -> None:
        self.error, self.y, self.outputs = error, samples.y, outputs
        self._run = Runner(topology, x)

    def safe_and_logit(self, flat: Array) -> tuple[NDArray[np.bool_], Array]:
        """Return which answers are safe [R, N], and the logits [R, N], for parameters [R, P]."""
        answers, logits = self._run(flat)
        if logits is None:
            logits = np.zeros(answers.shape[:2], np.float32)
        return np.stack([metrics.is_safe(self.error, self.y, self.outputs.undo(rows)) for rows in answers]), logits

    def __call__(self, flat: Array) -> list[Judgement]:
        """Judge each network."""
        return [Judgement.of(*pair) for pair in zip(*self.safe_and_logit(flat), strict=True)]

    def report(self, flat: Array) -> TrainMetrics:
        """Return every figure of the one network flat [P]."""
        answers, logits = self._run(flat[np.newaxis])
        y_hat = self.outputs.undo(answers[0])
        return figures(self.error, self.y, y_hat, logits[0])


def figures(error: ErrorSpec, y: Array, y_hat: Array, logit: Array) -> TrainMetrics:
    """Return every figure of answers y_hat [N, m] with safe logits [N]."""
    safe = metrics.is_safe(error, y, y_hat)
    gate = metrics.gate_figures(safe, logit >= 0.0)
    return TrainMetrics(
        samples=len(y),
        true_invocation=gate.true_invocation,
        invocation=gate.invocation,
        precision=gate.precision,
        useful_invocation=gate.useful_invocation,
        inv95=metrics.invocation_at_precision(safe, logit, 0.95),
        inv99=metrics.invocation_at_precision(safe, logit, 0.99),
        median_error=float(np.median(metrics.sample_error(error, y, y_hat))),
    )


def ranking(judgements: list[Judgement]) -> list[int]:
    """Return the networks' places, best first."""
    return sorted(range(len(judgements)), key=lambda index: -judgements[index].rank)


def threshold_at_precision(safe: NDArray[np.bool_], logit: Array, precision: float) -> float | None:
    """Return the lowest threshold that lets through the largest share with at least `precision`; None if none does."""
    share = metrics.invocation_at_precision(safe, logit, precision)
    if share == 0.0:
        return None
    descending = np.sort(logit)[::-1]
    last = round(share * len(logit)) - 1
    following = descending[min(last + 1, len(logit) - 1)]
    return float((float(descending[last]) + float(following)) / 2.0)
