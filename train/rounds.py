"""Training by a recipe: restarts side by side, the best by validation go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.progress import Progress, silent
from axedge.artifacts.records.train import HistoryPoint
from axedge.kernels.kernel import Kernel, Samples
from axedge.kernels.spec import ErrorSpec
from axedge.train import losses
from axedge.train.fit import CHUNK, Batches, Loop, LossFunction, State, warm_up_and_cosine
from axedge.train.judge import Judge, Judgement, ranking, threshold_at_precision
from axedge.train.network import fold_inputs, forward
from axedge.train.normalise import Affine, of_box, of_results, standardising
from axedge.train.recipes import Recipe, Round
from axedge.train.runtime import tensorflow
from axedge.train.split import Split
from axedge.train.topology import Topology

Array = NDArray[np.float32]

_LOOK_EVERY = 2_000  # steps between two looks at the validation samples


@dataclass(frozen=True)
class Trained:
    """Networks for inputs u in normalised units, best first.

    Attributes:
        flat: parameters [K, P].
        judgements: their validation figures.
        inputs: the map of the kernel's inputs to u.
        outputs: the map of the kernel's results to v.
        history: how the best one got better.
    """

    flat: Array
    judgements: list[Judgement]
    inputs: Affine
    outputs: Affine
    history: list[HistoryPoint]


def train_by_recipe(
    kernel: Kernel, split: Split, topology: Topology, recipe: Recipe, seed: int, progress: Progress = silent
) -> Trained:
    """Train, and return the best few networks, folded to normalised inputs.

    The result depends on the arguments only, on one machine and version set; the split's test samples are not read.
    """
    train, validation = split.train, split.validation
    inputs, outputs = of_box(kernel), of_results(train.y)
    u = inputs.apply(train.x)
    width = u.shape[1]
    standardise = standardising(u) if recipe.standardise else Affine(np.zeros(width), np.ones(width))
    judge = Judge(topology, kernel.error, standardise.apply(inputs.apply(validation.x)), validation, outputs)
    data = Samples(standardise.apply(u), train.y)
    field = _Field(kernel.error, topology, recipe, outputs, data, judge, seed, progress)
    flat, judgements = field.run()
    flat, judgements = flat[: recipe.keep], judgements[: recipe.keep]
    if recipe.bias_to_precision is not None and topology.gated:
        flat = _shift_logits(topology, flat, judge, recipe.bias_to_precision)
    return Trained(
        flat=fold_inputs(topology, flat, standardise),
        judgements=judgements,
        inputs=inputs,
        outputs=outputs,
        history=field.history,
    )


@dataclass
class _Field:
    """The networks of one training, from the first round to the last."""

    error: ErrorSpec
    topology: Topology
    recipe: Recipe
    outputs: Affine
    data: Samples
    judge: Judge
    seed: int
    progress: Progress

    def __post_init__(self) -> None:
        self.history: list[HistoryPoint] = []
        # Work is a network's step, not a step: the progress bar would crawl through the first round otherwise.
        self._work = sum(part.steps * part.restarts * part.batch for part in self.recipe.rounds)
        self._done, self._steps = 0, 0

    def run(self) -> tuple[Array, list[Judgement]]:
        """Return parameters [R, P] of the last round's networks and their judgements, best first."""
        first = self.recipe.rounds[0]
        flat = initial_weights(self.topology, self.recipe, first.restarts, self.seed)
        judgements: list[Judgement] = []
        for number, part in enumerate(self.recipe.rounds):
            flat = self._round(number, part, flat[: part.restarts])
            judgements = self.judge(flat)
            order = ranking(judgements)
            flat, judgements = flat[order], [judgements[index] for index in order]
        return flat, judgements

    def _round(self, number: int, part: Round, flat: Array) -> Array:
        batches = Batches(self.data.x, self.data.y, part.batch, self.seed + number)
        loop = Loop(self.loss(part), batches)
        schedule = schedule_of(part)
        state = State.start(flat)
        look = max(CHUNK, _LOOK_EVERY // CHUNK * CHUNK)
        for start in range(0, part.steps, look):
            state = loop.run(state, schedule[start : start + look], first_batch=start)
            self._look(part, state.flat, min(look, part.steps - start))
        return state.flat

    def loss(self, part: Round) -> LossFunction:
        """Return the round's loss."""
        if part.loss == "squared":
            return squared_loss(self.topology, self.error, self.outputs)
        return bound_loss(self.topology, self.error, self.outputs, part)

    def _look(self, part: Round, flat: Array, steps: int) -> None:
        judgements = self.judge(flat)
        best = judgements[ranking(judgements)[0]]
        self._steps += steps
        self._done += steps * part.restarts * part.batch
        self.history.append(
            HistoryPoint(step=self._steps, restarts=len(flat), true_invocation=best.true_invocation, inv95=best.inv95)
        )
        note = f"true invocation {best.true_invocation:.3f}, at 95 % precision {best.inv95:.3f}"
        self.progress(self._done, self._work, note)


def initial_weights(topology: Topology, recipe: Recipe, restarts: int, seed: int) -> Array:
    """Return starting weights [restarts, P] as the recipe has them."""
    if recipe.spread is not None:
        return topology.initial(restarts, seed, recipe.spread)
    draws = [
        np.random.default_rng([seed, restart]).normal(0.0, 0.1, topology.parameters) for restart in range(restarts)
    ]
    return np.stack(draws).astype(np.float32)


def schedule_of(part: Round) -> Array:
    """Return float32 [steps, 3]: learning rate, share of the sigmoid loss (0 or 1), tau."""
    steps = np.arange(part.steps)
    log_steps = round(part.log_share * part.steps)
    along = np.clip((steps - log_steps) / max(part.steps - 1 - log_steps, 1), 0.0, 1.0)
    tau = part.tau_start * (part.tau_end / part.tau_start) ** along
    rate = warm_up_and_cosine(part.steps, part.learning_rate, part.warm_up)
    if part.loss == "squared":
        rate = np.full(part.steps, part.learning_rate, np.float32)
    return np.stack([rate, (steps >= log_steps).astype(np.float32), tau], axis=1).astype(np.float32)


def bound_loss(topology: Topology, error: ErrorSpec, outputs: Affine, part: Round) -> LossFunction:
    """Return the joint loss matched to the kernel's bound; columns 1 and 2 of the schedule are mix and tau.

    The labels of the safe logit come from the answers of the same step. The selective part lets the gradient of the
    answers through too: what the predictor lets go, the approximator need not learn.
    """
    tf = tensorflow()
    denormalise = _denormalising(outputs)

    def loss(flat: Any, x: Any, y: Any, row: Any) -> Any:
        answer, logit = forward(topology, flat, x)
        ratio = losses.squared_ratio(error, y, denormalise(answer))
        soft = losses.sigmoid_loss(ratio, row[2])
        total = (1.0 - row[1]) * losses.log_loss(ratio) + row[1] * soft
        if logit is not None:
            total += part.cross_entropy * losses.cross_entropy(logit, losses.safe_labels(ratio))
            if part.selection:
                total += part.selection * losses.selective_loss(logit, soft, part.violation_price)
        return tf.reduce_mean(total, axis=1)

    return loss


def squared_loss(topology: Topology, error: ErrorSpec, outputs: Affine) -> LossFunction:
    """Return the paper's joint loss: mean squared error of the normalised outputs plus cross-entropy."""
    tf = tensorflow()
    denormalise = _denormalising(outputs)
    scale = tf.constant(outputs.scale[:, np.newaxis], tf.float32)

    def loss(flat: Any, x: Any, y: Any, row: Any) -> Any:
        answer, logit = forward(topology, flat, x)
        answer = denormalise(answer)
        total = losses.squared_error(y / scale, answer / scale)
        if logit is not None:
            labels = losses.safe_labels(losses.squared_ratio(error, y, answer))
            total += losses.cross_entropy(logit, labels)
        return tf.reduce_mean(total, axis=1)

    return loss


def _denormalising(outputs: Affine) -> Callable[[Any], Any]:
    tf = tensorflow()
    scale = tf.constant(outputs.scale[:, np.newaxis], tf.float32)
    offset = tf.constant(outputs.offset[:, np.newaxis], tf.float32)
    return lambda answer: answer * scale + offset


def _shift_logits(topology: Topology, flat: Array, judge: Judge, precision: float) -> Array:
    """Return the networks with the safe logit's bias moved so that 0 is the threshold of that validation precision."""
    flat = flat.copy()
    bias = topology.places["safe"][1]
    for index, (safe, logit) in enumerate(zip(*judge.safe_and_logit(flat), strict=True)):
        threshold = threshold_at_precision(safe, logit, precision)
        if threshold is not None:
            flat[index, bias] -= threshold
    return flat
