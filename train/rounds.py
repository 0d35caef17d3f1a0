"""Rounds of training: restarts side by side, and the best of them by validation go on to the next round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

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
        judgements: list[Judgement] = []
        pace = np.resize(np.array(paces, np.float32), len(flat))
        for number, part in enumerate(rounds):
            flat, judgements = self._round(number, part, State.start(flat[: part.restarts], pace[: part.restarts]))
            order = ranking(judgements)
            flat, pace, judgements = flat[order], pace[order], [judgements[index] for index in order]
        return flat, judgements

    def _round(self, number: int, part: Round, state: State) -> tuple[Array, list[Judgement]]:
        loop = Loop(self.loss(part), Batches(self.x, self.y, part.batch, self.seed + number))
        schedule = schedule_of(part)
        judgements: list[Judgement] = []
        for start in range(0, part.steps, LOOK_EVERY):
            rows = schedule[start : start + LOOK_EVERY]
            state = loop.run(state, rows, first_batch=start)
            judgements = self.judge(state.flat)
            self._tell(judgements, len(rows), part)
        return state.flat, judgements

    def _tell(self, judgements: list[Judgement], steps: int, part: Round) -> None:
        best = judgements[ranking(judgements)[0]]
        self._steps += steps
        self._done += steps * part.restarts * part.batch
        self.history.append(
            HistoryPoint(
                step=self._steps,
                restarts=len(judgements),
                true_invocation=best.true_invocation,
                inv95=best.inv95,
            )
        )
        note = f"true invocation {best.true_invocation:.3f}, at 95 % precision {best.inv95:.3f}"
        self.progress(self._done, self._work, note)


def schedule_of(part: Round) -> Array:
    """Return float32 [steps, 3]: learning rate, share of the sigmoid loss (0 or 1), tau."""
    steps = np.arange(part.steps)
    log_steps = round(part.log_share * part.steps)
    along = np.clip((steps - log_steps) / max(part.steps - 1 - log_steps, 1), 0.0, 1.0)
    tau = part.tau_start * (part.tau_end / part.tau_start) ** along
    rate = warm_up_and_cosine(part.steps, part.learning_rate, part.warm_up)
    if not part.cosine:
        rate = np.full(part.steps, part.learning_rate, np.float32)
    return np.stack([rate, steps >= log_steps, tau], axis=1).astype(np.float32)
