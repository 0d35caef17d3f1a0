"""An AXNet for a kernel by a recipe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import CheckFailed
from axedge.artifacts.progress import Progress, silent
from axedge.artifacts.records.train import HistoryPoint
from axedge.kernels.kernel import Kernel
from axedge.train.judge import Judge, Judgement, threshold_at_precision
from axedge.train.network import fold_inputs
from axedge.train.normalise import Affine, of_box, of_results, standardising
from axedge.train.objectives import answer_loss
from axedge.train.recipes import Recipe
from axedge.train.rounds import Field
from axedge.train.split import Split
from axedge.train.topology import Topology

Array = NDArray[np.float32]


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


@dataclass(frozen=True)
class Units:
    """The maps that the training samples call for.

    Attributes:
        inputs: the kernel's box to [-1, 1].
        outputs: the bulk of the results to [-1, 1].
        standardise: [-1, 1] to what the networks are trained on.
    """

    inputs: Affine
    outputs: Affine
    standardise: Affine

    @classmethod
    def of(cls, kernel: Kernel, split: Split, standardise: bool) -> Units:
        """Return the maps for a kernel's training samples."""
        inputs = of_box(kernel)
        width = len(kernel.inputs)
        identity = Affine(np.zeros(width), np.ones(width))
        inner = standardising(inputs.apply(split.train.x)) if standardise else identity
        return cls(inputs, of_results(split.train.y), inner)

    def network_inputs(self, x: Array) -> Array:
        """Return what the networks are trained on, for the kernel's inputs x [N, n]."""
        return self.standardise.apply(self.inputs.apply(x))


def train_axnet(
    kernel: Kernel, split: Split, topology: Topology, recipe: Recipe, seed: int, progress: Progress = silent
) -> Trained:
    """Train, and return the best few networks, folded to normalised inputs.

    The result depends on the arguments only, on one machine and version set; the split's test samples are not read.

    Raises:
        CheckFailed: every network diverged.
    """
    units = Units.of(kernel, split, recipe.standardise)
    validation = units.network_inputs(split.validation.x)
    judge = Judge(topology, kernel.error, validation, split.validation, units.outputs)
    field = Field(
        x=units.network_inputs(split.train.x),
        y=split.train.y,
        loss=lambda part: answer_loss(topology, kernel.error, units.outputs, part),
        judge=judge,
        seed=seed,
        progress=progress,
    )
    start = initial_weights(topology, recipe, recipe.rounds[0].restarts, seed)
    flat, judgements = _sound(*field.run(recipe.rounds, start, recipe.paces))
    flat, judgements = flat[: recipe.keep], judgements[: recipe.keep]
    if recipe.bias_to_precision is not None:
        flat = _shift_logits(topology, flat, judge, recipe.bias_to_precision)
    flat = fold_inputs(topology, flat, units.standardise)
    return Trained(flat, judgements, units.inputs, units.outputs, field.history)


def initial_weights(topology: Topology, recipe: Recipe, restarts: int, seed: int) -> Array:
    """Return starting weights [restarts, P] as the recipe has them."""
    if recipe.spread is not None:
        return topology.initial(restarts, seed, recipe.spread, recipe.gate_start)
    draws = [np.random.default_rng([seed, index]).normal(0.0, 0.1, topology.parameters) for index in range(restarts)]
    return np.stack(draws).astype(np.float32)


def _sound(flat: Array, judgements: list[Judgement]) -> tuple[Array, list[Judgement]]:
    """Return the networks whose parameters are finite.

    Raises:
        CheckFailed: none is.
    """
    finite = np.flatnonzero(np.isfinite(flat).all(axis=1))
    if len(finite) == 0:
        raise CheckFailed(
            "the training diverged: no network has finite weights.",
            "Look for results many times larger than the others, or try another --seed.",
        )
    return flat[finite], [judgements[index] for index in finite]


def _shift_logits(topology: Topology, flat: Array, judge: Judge, precision: float) -> Array:
    """Return the networks with the safe logit's bias moved so that 0 is the threshold of that validation precision."""
    flat = flat.copy()
    bias = topology.places["safe"][1]
    for index, (safe, logit) in enumerate(zip(*judge.safe_and_logit(flat), strict=True)):
        threshold = threshold_at_precision(safe, logit, precision)
        if threshold is not None:
            flat[index, bias] -= threshold
    return flat
