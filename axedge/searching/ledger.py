"""What was tried, kept by Optuna in a file of SQLite: a search that is stopped, however, goes on where it was."""

from __future__ import annotations

import fcntl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from axedge.artifacts.errors import ArtifactError, ToolMissing, UsageError
from axedge.artifacts.files import check_writable
from axedge.artifacts.records.search import Objective, Outcome, Rung, Shape
from axedge.searching.forecast import Forecast
from axedge.searching.space import WIDTHS, Space

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import TrialState

FILE = "trials.db"
_SHAPE, _OUTCOME = "shape", "outcome"
_LEARNS_FROM = 8
"""Trials after which Optuna's suggestions are better than chance."""
_ASKED, _NEAR, _DRAWN = 4, 500, 5_000
"""How often Optuna is asked for a network that may fit, and how many neighbours and random ones are drawn."""


@contextmanager
def sole(folder: Path) -> Iterator[None]:
    """Hold the folder: two searches at a time would take each other's unfinished trials for leftovers.

    Raises:
        UsageError: another search holds it.
        ArtifactError: it cannot be written.
    """
    check_writable(folder)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(f"another search runs in {folder}.", "Wait for it, or choose another --out.") from None
        yield


class Ledger:
    """Trials of both rungs, of one kernel on one board under one guarantee.

    Args:
        folder: where the file is.
        digest: of all that decides what a trial comes to; trials of another digest stay in the file, unseen.
        objective: what is best.
        seed: of the suggestions.
        limits: budget of flash and stack by name, in bytes, for Optuna to learn what fits; None: none.

    Raises:
        ToolMissing: Optuna is not installed.
        ArtifactError: the file is damaged.
    """

    def __init__(
        self, folder: Path, digest: str, objective: Objective, seed: int, limits: dict[str, int | None]
    ) -> None:
        try:
            import optuna
        except ImportError:
            raise ToolMissing("Optuna is not installed.", "pip install 'axedge[search]'") from None
        self._optuna, self._objective, self._limits = optuna, objective, limits
        self._rng = np.random.default_rng(seed)
        self._open: dict[tuple[Rung, Shape], Trial] = {}
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._studies: dict[Rung, Study] = {}
        try:
            self._storage = optuna.storages.RDBStorage(f"sqlite:///{(folder / FILE).resolve()}")
            for rung in ("short", "full"):
                self._studies[rung] = self._study(f"{digest[:16]} {objective} {rung}", seed)
                other = "latency" if objective == "invocation" else "invocation"
                self._take_over(rung, f"{digest[:16]} {other} {rung}")
        except Exception as error:  # whatever SQLAlchemy makes of a damaged file
            raise ArtifactError(
                f"{folder / FILE} cannot be read: {error!s:.80}.", "Remove it to start anew."
            ) from error

    def done(self, rung: Rung) -> dict[Shape, Outcome]:
        """Return what the finished trials came to, in the order in which they were begun."""
        return {
            Shape.model_validate(trial.user_attrs[_SHAPE]): Outcome.model_validate(trial.user_attrs[_OUTCOME])
            for trial in self._studies[rung].get_trials(deepcopy=False)
            if _OUTCOME in trial.user_attrs and trial.state.is_finished()
        }

    def begun(self, rung: Rung) -> list[Shape]:
        """Return the networks whose trials have ended or run."""
        return [*self.done(rung), *(shape for of, shape in self._open if of == rung)]

    def suggest(self, space: Space, forecast: Forecast, around: Shape) -> Shape | None:
        """Begin a short trial of a network that was not tried yet; None where nothing new comes up.

        The first is kernel.toml's own, and then the same in the other widths, where they may fit: their flash can be
        far less. Of the others every second one is a neighbour of `around` that makes use of the flash; the rest are
        Optuna's, once it has seen enough to learn from, and until then neighbours too. Where nothing of that kind comes
        up, it is any network that may fit.
        """
        study, known = self._studies["short"], set(self.begun("short"))
        if space.own not in known:
            return self.begin(space, "short", space.own)
        for own in map(space.own.of_width, WIDTHS):
            if own not in known and forecast.may_fit(own):
                return self.begin(space, "short", own)
        is_guided = len(known) >= _LEARNS_FROM and len(known) % 2 == 0
        for _ in range(_ASKED if is_guided else 0):
            trial = study.ask()
            shape = space.suggest(trial)
            if shape not in known and forecast.may_fit(shape):
                self._note("short", shape, trial)
                return shape
            study.tell(trial, state=self._optuna.trial.TrialState.PRUNED)
        near = (space.near(around, self._rng) for _ in range(_NEAR))
        far, farther = ((space.draw(self._rng) for _ in range(_DRAWN)) for _ in range(2))
        for shapes, is_wanted in ((near, forecast.fills), (far, forecast.fills), (farther, forecast.may_fit)):
            found = next((shape for shape in shapes if shape not in known and is_wanted(shape)), None)
            if found is not None:
                return self.begin(space, "short", found)
        return None

    def begin(self, space: Space, rung: Rung, shape: Shape) -> Shape:
        """Begin a trial of a network."""
        study = self._studies[rung]
        study.enqueue_trial(space.parameters_of(shape))
        trial = study.ask()
        assert space.suggest(trial) == shape, "Optuna asks for what was put in its queue"
        self._note(rung, shape, trial)
        return shape

    def finish(self, rung: Rung, shape: Shape, outcome: Outcome) -> None:
        """Write down what a trial came to; from here on it is safe."""
        trial, study = self._open.pop((rung, shape)), self._studies[rung]
        for name, size in (("flash", outcome.flash_bytes), ("stack", outcome.stack_bytes)):
            if (limit := self._limits[name]) is not None and size is not None:
                trial.set_constraint(name, float(size - limit))
        trial.set_user_attr(_OUTCOME, outcome.model_dump(mode="json"))
        state, values = self._verdict(outcome)
        study.tell(trial, values, state)

    def _verdict(self, outcome: Outcome) -> tuple[TrialState, tuple[float, float] | None]:
        """Return what Optuna is told: the trial's state, and its objective and flash."""
        score = outcome.invocation if self._objective == "invocation" else outcome.cost
        if outcome.refused or score is None:
            return self._optuna.trial.TrialState.PRUNED, None
        return self._optuna.trial.TrialState.COMPLETE, (score, float(outcome.flash_bytes or 0))

    def _take_over(self, rung: Rung, name: str) -> None:
        """Take over the finished trials of a search for the other objective: what they came to is the same."""
        if name not in self._optuna.get_all_study_names(self._storage):
            return
        known = self.done(rung)
        for trial in self._optuna.load_study(study_name=name, storage=self._storage).get_trials(deepcopy=False):
            if _OUTCOME not in trial.user_attrs or Shape.model_validate(trial.user_attrs[_SHAPE]) in known:
                continue
            state, values = self._verdict(Outcome.model_validate(trial.user_attrs[_OUTCOME]))
            copy = self._optuna.trial.create_trial(
                state=state,
                values=values,
                params=trial.params,
                distributions=trial.distributions,
                user_attrs=trial.user_attrs,
                system_attrs=trial.system_attrs,
            )
            self._studies[rung].add_trial(copy)

    def _note(self, rung: Rung, shape: Shape, trial: Trial) -> None:
        trial.set_user_attr(_SHAPE, shape.model_dump(mode="json"))
        self._open[rung, shape] = trial

    def _study(self, name: str, seed: int) -> Study:
        optuna = self._optuna
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study = optuna.create_study(
                storage=self._storage,
                study_name=name,
                load_if_exists=True,
                directions=["maximize" if self._objective == "invocation" else "minimize", "minimize"],
            )
            begun = len(study.get_trials(deepcopy=False))  # another stream of suggestions each time
            self._rng = np.random.default_rng([seed, begun])
            study.sampler = optuna.samplers.TPESampler(
                multivariate=True, group=True, n_startup_trials=_LEARNS_FROM, seed=seed + begun
            )
        self._fail_leftovers(study)
        return study

    def _fail_leftovers(self, study: Study) -> None:
        """Mark as failed what a search that was stopped or killed left running, or in the queue of Optuna."""
        State = self._optuna.trial.TrialState
        for _ in study.get_trials(deepcopy=False, states=[State.WAITING]):
            study.ask()  # only a trial that runs can fail, and those in the queue come first
        for left in study.get_trials(deepcopy=False, states=[State.RUNNING]):
            study.tell(left.number, state=State.FAIL)
