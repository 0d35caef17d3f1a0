"""The two methods that AXNet is measured against: an approximator and a classifier as two separate networks.

one-pass: the approximator learns everything, then the classifier learns where it is safe (Mahajan et al., ISCA 2016).
iterative: the two are retrained in turns; the approximator next learns only the samples that are safe and that the
classifier lets through, and so specialises (Xu et al., DAC 2017).

Both get AXNet's parameter budget, loop, data and choice by validation. Each is trained at two splits of the budget, and
the better one by validation counts.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.progress import Progress, silent
from axedge.artifacts.records.train import TrainMetrics
from axedge.kernels import metrics
from axedge.kernels.kernel import Kernel
from axedge.train.axnet import Units, initial_weights
from axedge.train.fit import Runner
from axedge.train.judge import Judge, Judgement, figures, threshold_at_precision
from axedge.train.objectives import answer_loss, label_loss
from axedge.train.recipes import Recipe
from axedge.train.rounds import Field
from axedge.train.split import Split
from axedge.train.topology import Topology

Array = NDArray[np.float32]

# Shares of the budget that the approximator gets.
BUDGET_SHARES = (0.5, 0.75)
# Times that iterative training retrains the pair after the first pass.
ITERATIONS = 3
# An approximator needs at least this many samples to learn from; below, iterative training stops specialising.
_FEWEST_SAMPLES = 1024


@dataclass(frozen=True)
class Pair:
    """Shapes of the two networks.

    Attributes:
        approximator: n inputs, m outputs.
        classifier: n inputs, one logit.
    """

    approximator: Topology
    classifier: Topology

    @property
    def parameters(self) -> int:
        """Weights and biases of both."""
        return self.approximator.parameters + self.classifier.parameters


@dataclass(frozen=True)
class TrainedPair:
    """A pair on its way.

    Attributes:
        shapes: of the two.
        approximators: parameters [K, P], best first.
        classifiers: parameters [L, Q], best first, for the first approximator.
        inv95: on the validation samples.
        threshold: of the logit, where the network is used.
    """

    shapes: Pair
    approximators: Array
    classifiers: Array
    inv95: float
    threshold: float


@dataclass(frozen=True)
class PairOutcome:
    """What a method came to.

    Attributes:
        pair: the best pair.
        metrics: its figures on the test samples.
        cpu_seconds: processor time of everything that the method needs, at all splits of the budget.
    """

    pair: TrainedPair
    metrics: TrainMetrics
    cpu_seconds: float


def parameter_budget(axnet: Topology) -> int:
    """Return what the baselines may spend: AXNet's parameters in the paper's form, which has a second logit."""
    return axnet.parameters + axnet.predictor[-1] + 1


def pair_within(axnet: Topology, share: float) -> Pair:
    """Return the largest pair within the budget whose approximator gets about `share` of it.

    The hidden layers keep AXNet's number and proportions.
    """
    budget = parameter_budget(axnet)
    approximator = _largest(
        Topology(axnet.inputs, axnet.outputs, axnet.approximator, (), "tanh", axnet.approximator_activation),
        round(share * budget),
    )
    shape = Topology(axnet.inputs, 1, axnet.predictor, approximator_activation=axnet.predictor_activation)
    return Pair(approximator, _largest(shape, budget - approximator.parameters))


def train_pairs(
    kernel: Kernel,
    split: Split,
    axnet: Topology,
    recipe: Recipe,
    seed: int,
    iterations: int = ITERATIONS,
    progress: Progress = silent,
) -> dict[str, PairOutcome]:
    """Train both baselines at each split of the budget; the first pass of iterative training is one-pass training.

    Args:
        kernel: what to approximate.
        split: samples; its test samples are for the figures only.
        axnet: the network whose budget counts.
        recipe: how to train each of the two networks.
        seed: of starting weights and order.
        iterations: times that iterative training retrains the pair; 0 leaves iterative training out.
        progress: called after each pass.

    Returns:
        By method ("one-pass", "iterative"), the pair that is best by validation, of all splits and passes.
    """
    work = _Work(kernel, split, recipe, seed)
    found: dict[str, list[TrainedPair]] = {"one-pass": [], "iterative": []}
    seconds = {"one-pass": 0.0, "iterative": 0.0}
    for share in BUDGET_SHARES:
        pair: TrainedPair | None = None
        for number in range(iterations + 1):
            started = time.process_time()
            pair = work.one_pass(pair_within(axnet, share), pair)
            for method in ("one-pass", "iterative") if number == 0 else ("iterative",):
                found[method].append(pair)
                seconds[method] += time.process_time() - started
            note = f"{share:.0%} for the approximator, pass {number + 1}: inv95 {pair.inv95:.3f}"
            progress(len(found["iterative"]), len(BUDGET_SHARES) * (iterations + 1), note)
    methods = ("one-pass", "iterative") if iterations else ("one-pass",)
    outcomes = {}
    for method in methods:
        best = max(found[method], key=lambda pair: pair.inv95)
        outcomes[method] = PairOutcome(best, work.report(best), seconds[method])
    return outcomes


class _Work:
    """One kernel's samples, as both networks take them."""

    def __init__(self, kernel: Kernel, split: Split, recipe: Recipe, seed: int) -> None:
        self.kernel, self.split, self.recipe, self.seed = kernel, split, recipe, seed
        self.units = Units.of(kernel, split, recipe.standardise)
        self.x = self.units.network_inputs(split.train.x)
        self.x_validation = self.units.network_inputs(split.validation.x)

    def report(self, pair: TrainedPair) -> TrainMetrics:
        """Return the figures on the test samples."""
        x = self.units.network_inputs(self.split.test.x)
        answers, _ = Runner(pair.shapes.approximator, x)(pair.approximators[:1])
        logits, _ = Runner(pair.shapes.classifier, x)(pair.classifiers[:1])
        y_hat = self.units.outputs.undo(answers[0])
        return figures(self.kernel.error, self.split.test.y, y_hat, logits[0, :, 0] - pair.threshold)

    def one_pass(self, shapes: Pair, before: TrainedPair | None) -> TrainedPair:
        """Train the approximator and then the classifier; with `before`, go on from there with the last round."""
        approximators = self._approximators(shapes.approximator, before)
        safe = self._safe(shapes.approximator, approximators[0], self.x, self.split.train.y)
        safe_validation = self._safe(shapes.approximator, approximators[0], self.x_validation, self.split.validation.y)
        classifiers, threshold, inv95 = self._classifiers(shapes.classifier, safe, safe_validation, before)
        return TrainedPair(shapes, approximators, classifiers, inv95, threshold)

    def _approximators(self, topology: Topology, before: TrainedPair | None) -> Array:
        chosen = np.ones(len(self.x), bool)
        if before is not None:
            chosen = self._agreed(before)
        judge = Judge(topology, self.kernel.error, self.x_validation, self.split.validation, self.units.outputs)
        field = Field(
            x=self.x[chosen],
            y=self.split.train.y[chosen],
            loss=lambda part: answer_loss(topology, self.kernel.error, self.units.outputs, part),
            judge=lambda flat: [Judgement(*3 * (found.true_invocation,)) for found in judge(flat)],
            seed=self.seed,
        )
        start = None if before is None else before.approximators
        return self._run(field, topology, start)[0]

    def _classifiers(
        self,
        topology: Topology,
        safe: NDArray[np.bool_],
        safe_validation: NDArray[np.bool_],
        before: TrainedPair | None,
    ) -> tuple[Array, float, float]:
        """Return classifiers best first, the best one's threshold, and its validation inv95."""
        run = Runner(topology, self.x_validation)

        def judge(flat: Array) -> list[Judgement]:
            logits = run(flat)[0][:, :, 0]
            return [Judgement.of(safe_validation, logit) for logit in logits]

        field = Field(
            x=self.x,
            y=safe[:, np.newaxis].astype(np.float32),
            loss=lambda part: label_loss(topology),
            judge=judge,
            seed=self.seed,
        )
        flat, judgements = self._run(field, topology, None if before is None else before.classifiers)
        threshold = 0.0
        if self.recipe.bias_to_precision is not None:
            logit = run(flat[:1])[0][0, :, 0]
            found = threshold_at_precision(safe_validation, logit, self.recipe.bias_to_precision)
            threshold = 0.0 if found is None else found
        return flat, threshold, judgements[0].inv95

    def _run(self, field: Field, topology: Topology, start: Array | None) -> tuple[Array, list[Judgement]]:
        if start is None:
            rounds = self.recipe.rounds
            start = initial_weights(topology, self.recipe, rounds[0].restarts, self.seed)
        else:
            rounds = self.recipe.rounds[-1:]
        return field.run(rounds, start, self.recipe.paces)

    def _agreed(self, before: TrainedPair) -> NDArray[np.bool_]:
        """Return the training samples that are safe and let through; all of them where those are too few."""
        safe = self._safe(before.shapes.approximator, before.approximators[0], self.x, self.split.train.y)
        logits, _ = Runner(before.shapes.classifier, self.x)(before.classifiers[:1])
        agreed = safe & (logits[0, :, 0] >= 0.0)
        return agreed if agreed.sum() >= _FEWEST_SAMPLES else np.ones(len(self.x), bool)

    def _safe(self, topology: Topology, flat: Array, x: Array, y: Array) -> NDArray[np.bool_]:
        answers, _ = Runner(topology, x)(flat[np.newaxis])
        return metrics.is_safe(self.kernel.error, y, self.units.outputs.undo(answers[0]))


def _largest(shape: Topology, budget: int) -> Topology:
    """Return the network of this shape, its hidden layers widened or narrowed together, that just fits the budget."""
    best = replace(shape, approximator=tuple(1 for _ in shape.approximator))
    widest = max(shape.approximator)
    for width in range(1, budget + 1):
        hidden = tuple(max(1, round(units * width / widest)) for units in shape.approximator)
        candidate = replace(shape, approximator=hidden)
        if candidate.parameters > budget:
            break
        best = candidate
    return best
