"""Rounds of training: restarts side by side, and the best of them by validation go on to the next round."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.progress import Progress, silent
from axedge.artifacts.records.train import HistoryPoint
from axedge.train.fit import CHUNK, Batches, Loop, LossFunction, State, warm_up_and_cosine
from axedge.train.judge import Judgement, ranking
from axedge.train.recipes import Round

Array = NDArray[np.float32]

LOOK_EVERY = 4 * CHUNK  # steps between two looks at the validation samples


@dataclass
class Field:
    """The networks that compete in one training.

    Attributes:
        x: training inputs as the networks take them, float32 [N, n].
        y: what they learn, float32 [N, m].
        loss: the loss of a round.
        judge: validation figures of parameters [R, P].
        seed: of the order of the samples.
        progress: told the work done and the best network's figures.
        history: how the best network got better.
    """

    x: Array
    y: Array
    loss: Callable[[Round], LossFunction]
    judge: Callable[[Array], list[Judgement]]
    seed: int
    progress: Progress = silent
    history: list[HistoryPoint] = field(default_factory=list)

    def run(
        self, rounds: Sequence[Round], flat: Array, paces: Sequence[float] = (1.0,)
    ) -> tuple[Array, list[Judgement]]:
        """Train networks through the rounds.

        Args:
            rounds: one after the other.
            flat: where the networks start, [R, P].
            paces: factors on the learning rate, dealt out to the networks in turn, which keep them.

        Returns:
            The last round's networks and their judgements, best first.
        """
        # Work is a network's sample, not a step: the progress would crawl through the first round otherwise.
        self._work = float(sum(part.steps * part.restarts * part.batch for part in rounds))
        self._done, self._steps = 0.0, 0
        self._abreast = min(part.restarts for part in rounds)
        self._loops: dict[Any, Loop] = {}
        judgements: list[Judgement] = []
        pace = np.resize(np.array(paces, np.float32), len(flat))
        for part in rounds:
            before, known = flat[: part.restarts], judgements[: part.restarts]
            flat, judgements = self._round(part, before, pace[: part.restarts])
            flat, judgements = _the_better(before, known, flat, judgements)
            order = ranking(judgements)
            flat, pace, judgements = flat[order], pace[order], [judgements[index] for index in order]
        return flat, judgements

    def _round(self, part: Round, flat: Array, pace: Array) -> tuple[Array, list[Judgement]]:
        """Train in groups of equal size, which share one compiled loop; between two looks at the validation samples."""
        loop, schedule = self._loop(part), schedule_of(part)
        groups = [State.start(*group) for group in self._groups(flat, pace)]
        judgements: list[Judgement] = []
        for start in range(0, part.steps, LOOK_EVERY):
            rows = schedule[start : start + LOOK_EVERY]
            groups = [loop.run(group, rows, first_batch=self._steps + start) for group in groups]
            looked_at = groups if start + len(rows) == part.steps else groups[:1]
            judgements = [judgement for group in looked_at for judgement in self.judge(group.flat)][: len(flat)]
            self._tell(judgements, start + len(rows), len(rows), part)
        self._steps += part.steps
        return np.concatenate([group.flat for group in groups])[: len(flat)], judgements

    def _loop(self, part: Round) -> Loop:
        """Return the round's loop, compiled before where an earlier round differs in its schedule only."""
        key = (part.loss, part.cross_entropy, part.batch)
        if key not in self._loops:
            self._loops[key] = Loop(self.loss(part), Batches(self.x, self.y, part.batch, self.seed))
        return self._loops[key]

    def _groups(self, flat: Array, pace: Array) -> Iterator[tuple[Array, Array]]:
        """Cut the networks into groups; the last one is filled up with copies."""
        count = -(-len(flat) // self._abreast) * self._abreast
        places = np.minimum(np.arange(count), len(flat) - 1)
        for start in range(0, count, self._abreast):
            chosen = places[start : start + self._abreast]
            yield flat[chosen], pace[chosen]

    def _tell(self, judgements: list[Judgement], step: int, steps: int, part: Round) -> None:
        best = judgements[ranking(judgements)[0]]
        self._done += steps * part.restarts * part.batch
        self.history.append(
            HistoryPoint(
                step=self._steps + step,
                restarts=part.restarts,
                true_invocation=best.true_invocation,
                inv95=best.inv95,
            )
        )
        note = f"true invocation {best.true_invocation:.3f}, at 95 % precision {best.inv95:.3f}"
        self.progress(self._done, self._work, note)


def _the_better(
    before: Array, known: Sequence[Judgement], after: Array, judgements: Sequence[Judgement]
) -> tuple[Array, list[Judgement]]:
    """Return each network as the round left it, or as it was where the round made it worse and that is known."""
    flat, kept = after.copy(), list(judgements)
    for index, old in enumerate(known):
        if not old.rank <= kept[index].rank:
            flat[index], kept[index] = before[index], old
    return flat, kept


def schedule_of(part: Round) -> Array:
    """Return float32 [steps, 5]: learning rate, share of the sigmoid loss (0 or 1), tau, selection, violation price."""
    steps = np.arange(part.steps)
    log_steps = round(part.log_share * part.steps)
    along = np.clip((steps - log_steps) / max(part.steps - 1 - log_steps, 1), 0.0, 1.0)
    tau = part.tau_start * (part.tau_end / part.tau_start) ** along
    rate = warm_up_and_cosine(part.steps, part.learning_rate, part.warm_up)
    if not part.cosine:
        rate = np.full(part.steps, part.learning_rate, np.float32)
    selection, price = (np.full(part.steps, value) for value in (part.selection, part.violation_price))
    return np.stack([rate, steps >= log_steps, tau, selection, price], axis=1).astype(np.float32)
