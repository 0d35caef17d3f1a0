"""`axedge search`: many networks are trained for a moment, the best of them in full, and the best of those is taken."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from axedge.artifacts.errors import CheckFailed, UsageError
from axedge.artifacts.files import digest, digest_files
from axedge.artifacts.progress import Progress, silent
from axedge.artifacts.records.base import axedge_version
from axedge.artifacts.records.search import Objective, Outcome, Rung, SearchRecord, SearchTrial, Shape
from axedge.firmware.boards import Board
from axedge.kernels.kernel import Kernel
from axedge.searching import evaluate
from axedge.searching.crew import Crew
from axedge.searching.forecast import Forecast
from axedge.searching.ledger import Ledger, sole
from axedge.searching.space import WIDTHS, Space

TRIALS, FINALS = 24, 3
_FILLED = 0.85
"""Share of the flash that a network should take where flash is scarce."""


@dataclass(frozen=True)
class Wish:
    """What is looked for.

    Attributes:
        objective: the largest invocation under the guarantee, or the smallest mean cost of a gated call ("latency").
        guarantee: precision to promise.
        confidence: with which.
        flash_bytes: of the network, over the same firmware without one; None: what kernel.toml's own network takes.
        stack_bytes: of the network; None: any.
        trials: networks that are trained for a moment.
        finals: how many of them are then trained in full, beside kernel.toml's own.
        effort: factor on the steps of those; 1: as `axedge run` trains.
        seed: of samples, starting weights, and suggestions.
    """

    objective: Objective = "invocation"
    guarantee: float = 0.95
    confidence: float = 0.95
    flash_bytes: int | None = None
    stack_bytes: int | None = None
    trials: int = TRIALS
    finals: int = FINALS
    effort: float = 1.0
    seed: int = 0


def search(
    kernel: Kernel,
    board: Board,
    wish: Wish,
    folder: Path,
    crew: Callable[[], Crew],
    *,
    progress: Progress = silent,
    say: Callable[[str], None] = lambda line: None,
) -> SearchRecord:
    """Find the best topology within the budgets; write search.json and pareto.png into `folder`.

    Each finished trial is written down at once: called again, also after a crash, the search goes on.

    Args:
        kernel: with a kernel.toml.
        board: where flash, stack and cost are measured.
        wish: what is looked for.
        folder: where trials are kept.
        crew: makes the workers, if any work is left.
        progress: told finished trials, and the best so far.
        say: told once a trial has ended.

    Raises:
        UsageError: the board cannot measure what is wished for; or another search holds the folder.
        CheckFailed: a worker died.
        AxedgeError: as the stages raise.
    """
    _check(kernel, board, wish)
    with sole(folder):
        task = task_digest(kernel, board, wish)
        ledger = Ledger(folder, task, wish.objective, wish.seed, {"flash": wish.flash_bytes, "stack": wish.stack_bytes})
        work = _Search(kernel, board, wish, ledger, crew, progress, say)
        try:
            work.own()
            work.short()
            work.full()
        finally:
            work.close()
        record = work.record(task)
        from axedge.searching.plot import draw

        draw(record, folder)
        record.save(folder)
    return record


def task_digest(kernel: Kernel, board: Board, wish: Wish) -> str:
    """Return the hash of all that decides what a trial comes to: not kernel.toml's network, and not the budgets."""
    what = (kernel.name, kernel.inputs, kernel.outputs, kernel.error, kernel.sampler and kernel.sampler.function)
    how = (board.name, wish.guarantee, wish.confidence, wish.effort, wish.seed)
    recipe = (evaluate.SHORT_STEPS, evaluate.SHORT_RESTARTS)
    counted = (evaluate.SHORT_SAMPLES, evaluate.FULL_SAMPLES, evaluate.FRESH_SAMPLES)
    files = digest_files(path for path in kernel.files if path.name != "kernel.toml")
    return digest("search", axedge_version(), repr(what), repr(how), repr((recipe, counted)), files)


def best(found: Iterable[tuple[int, Outcome]], objective: Objective) -> list[int]:
    """Return the numbers of the outcomes, the best first; at the same worth, the one of less flash."""
    worth = {"invocation": lambda one: -(one.invocation or 0.0), "latency": lambda one: one.cost or float("inf")}
    return [number for number, _ in sorted(found, key=lambda pair: (worth[objective](pair[1]), pair[1].flash_bytes))]


def widths_in_turn(ranked: Sequence[Shape]) -> list[Shape]:
    """Return the networks, the best first, of each width in turn.

    Short trials are converted without fine-tuning, by which 8 bits gain more than 16: they do not compare.
    """
    widths = dict.fromkeys(one.width for one in ranked)
    turns = itertools.zip_longest(*([one for one in ranked if one.width == width] for width in widths))
    return [one for one in itertools.chain.from_iterable(turns) if one is not None]


def pareto(outcomes: Iterable[tuple[int, Outcome]], objective: Objective) -> tuple[int, ...]:
    """Return the numbers of those that no other beats in both objective and flash, by flash."""
    front: list[int] = []
    least = float("inf")
    for number, outcome in sorted(outcomes, key=lambda pair: (pair[1].flash_bytes, _loss(pair[1], objective))):
        if _loss(outcome, objective) < least:
            least = _loss(outcome, objective)
            front.append(number)
    return tuple(front)


def _loss(outcome: Outcome, objective: Objective) -> float:
    if objective == "invocation":
        return -(outcome.invocation or 0.0)
    return float("inf") if outcome.cost is None else outcome.cost


def _check(kernel: Kernel, board: Board, wish: Wish) -> None:
    if wish.objective == "latency":
        if not kernel.has_exact:
            raise UsageError(f"kernel {kernel.name} has no C: without a fallback a gated call has no cost to compare.")
        if board.emulator is None or board.is_host:
            raise UsageError(
                f"latency cannot be searched for on {board.name}: no emulator counts there.", "See `axedge boards`."
            )
    if wish.stack_bytes is not None and board.is_host:
        raise UsageError(f"on {board.name} the stack is the host's, and is not counted.", "Leave out --stack.")


@dataclass
class _Search:
    """A search under way."""

    kernel: Kernel
    board: Board
    wish: Wish
    ledger: Ledger
    make_crew: Callable[[], Crew]
    progress: Progress
    say: Callable[[str], None]

    def __post_init__(self) -> None:
        self.space = Space.of(self.kernel)
        self._parcel = evaluate.Parcel.of(self.kernel)
        self._crew: Crew | None = None
        self._done = {rung: len(self.ledger.done(rung)) for rung in ("short", "full")}
        if kept := sum(self._done.values()):
            self.say(f"{kept} finished trials are kept from before.")

    @property
    def crew(self) -> Crew:
        """The workers, made when there is something to do."""
        if self._crew is None:
            self._crew = self.make_crew()
        return self._crew

    def close(self) -> None:
        """Send the workers home."""
        if self._crew is not None:
            self._crew.close()

    def own(self) -> None:
        """Train kernel.toml's own network in full: it is what is to be beaten, and its flash may be the budget."""
        self._run(self._begun((("full", self.space.own), ("short", self.space.own))))

    def short(self) -> None:
        """Train as many networks for a moment as were wished for, less those that were before."""

        def wanted() -> Iterator[tuple[Rung, Shape]]:
            while len(self.ledger.done("short")) + self._running < self.wish.trials:
                shape = self.ledger.suggest(self.space, self._forecast(), self._around())
                if shape is None:
                    self.say("no more networks fit: the search ends early.")
                    return
                yield "short", shape

        self._run(wanted())

    def full(self) -> None:
        """Train the best of the short trials in full."""
        others = [shape for shape in self._ranked() if shape != self.space.own]
        self._run(self._begun(("full", shape) for shape in widths_in_turn(others)[: self.wish.finals]))

    def _begun(self, trials: Iterable[tuple[Rung, Shape]]) -> Iterator[tuple[Rung, Shape]]:
        """Begin those trials that were not finished before."""
        for rung, shape in trials:
            if shape not in self.ledger.done(rung):
                self.ledger.begin(self.space, rung, shape)
                yield rung, shape

    def _forecast(self) -> Forecast:
        short, ranked = self.ledger.done("short"), self._ranked()
        # Flash that is left over could have made a network better, unless nothing can, or a cheaper one is looked for.
        is_scarce = self.wish.objective == "invocation" and not (ranked and short[ranked[0]].invocation == 1.0)
        return Forecast.of(self.space, short, self._flash_limit, _FILLED if is_scarce else 0.0)

    def _ranked(self) -> list[Shape]:
        """Return the networks of the short trials that keep the budgets, the best first."""
        short, limit = self.ledger.done("short"), self._flash_limit
        shapes = list(short)
        fitting = [(number, one) for number, one in enumerate(short.values()) if self._fits(one, limit)]
        return [shapes[number] for number in best(fitting, self.wish.objective)]

    def _around(self) -> Shape:
        """Return the network whose neighbour to try next: the best so far of the width that was tried less often."""
        tried = [shape.width for shape in self.ledger.begun("short")]
        width = min(WIDTHS, key=tried.count)
        return next((one for one in self._ranked() if one.width == width), self.space.own.of_width(width))

    def record(self, task: str) -> SearchRecord:
        """Return what was found."""
        limit, trials = self._flash_limit, []
        for rung in ("short", "full"):
            for shape, outcome in self.ledger.done(rung).items():
                trials.append(SearchTrial(rung=rung, shape=shape, outcome=outcome, fits=self._fits(outcome, limit)))
        numbered = list(enumerate(trials))
        full = [(n, one.outcome) for n, one in numbered if one.rung == "full" and not one.outcome.refused]
        ranked = best([(n, one) for n, one in full if trials[n].fits], self.wish.objective)
        short = [(n, one.outcome) for n, one in numbered if one.rung == "short" and not one.outcome.refused]
        return SearchRecord(
            axedge=axedge_version(),
            inputs_digest=task,
            kernel=self.kernel.name,
            board=self.board.name,
            objective=self.wish.objective,
            guarantee=self.wish.guarantee,
            confidence=self.wish.confidence,
            effort=self.wish.effort,
            flash_budget_bytes=limit or 0,
            budget_is="own" if self.wish.flash_bytes is None else "given",
            stack_budget_bytes=self.wish.stack_bytes,
            trials=tuple(trials),
            own=next((n for n, _ in full if trials[n].shape == self.space.own), None),
            chosen=ranked[0] if ranked else None,
            front=pareto(short, self.wish.objective),
            cpu_seconds=sum(one.outcome.cpu_seconds for one in trials),
        )

    def _run(self, wanted: Iterator[tuple[Rung, Shape]]) -> None:
        """Keep the workers busy with what is wanted, until all of it has ended."""
        self._running = 0
        while True:
            while self._running < (self._crew.size if self._crew else 1):
                trial = next(wanted, None)
                if trial is None:
                    break
                self.crew.submit(self._job(*trial))
                self._running += 1
            if not self._running:
                return
            job, answer = self.crew.next()
            self._running -= 1
            self.ledger.finish(job.rung, job.shape, answer.outcome)
            self._done[job.rung] += 1
            self._report(job.rung, job.shape, answer.outcome)

    def _job(self, rung: Rung, shape: Shape) -> evaluate.Job:
        wish = self.wish
        return evaluate.Job(
            rung=rung,
            shape=shape,
            kernel=self._parcel,
            board=self.board.name,
            guarantee=wish.guarantee,
            confidence=wish.confidence,
            effort=wish.effort,
            seed=wish.seed,
        )

    def _report(self, rung: Rung, shape: Shape, outcome: Outcome) -> None:
        total = self.wish.trials + self.wish.finals + 1
        done = sum(self._done.values())
        sizes = f"{sizes_of(shape)} {shape.width}"
        words = outcome.refused or f"{100 * (outcome.invocation or 0.0):.1f} % in {outcome.flash_bytes:,} B"
        self.progress(done, total, f"{sizes}: {words}")
        self.say(f"{rung:<5} {self._done[rung]:>3}  {sizes}: {words}")

    @property
    def _flash_limit(self) -> int | None:
        """The budget; None: none, because kernel.toml's own network promises nothing."""
        own = self.ledger.done("full").get(self.space.own)
        return self.wish.flash_bytes or (own.flash_bytes if own else None)

    def _fits(self, outcome: Outcome, flash_limit: int | None) -> bool:
        if outcome.refused or outcome.flash_bytes is None:
            return False
        stack, limit = outcome.stack_bytes, self.wish.stack_bytes
        return outcome.flash_bytes <= (flash_limit or 1 << 40) and (limit is None or (stack or 0) <= limit)


def sizes_of(shape: Shape) -> str:
    """Return a network's hidden layers for people: 8-4 | 4 is two in the approximator, one in the predictor."""
    return f"{'-'.join(map(str, shape.approximator))} | {'-'.join(map(str, shape.predictor))}"


def winner(record: SearchRecord) -> SearchTrial:
    """Return the network that was chosen.

    Raises:
        CheckFailed: none keeps the budgets and the guarantee.
    """
    if record.chosen is None:
        raise CheckFailed(
            f"no network that was trained in full promises {100 * record.guarantee:g} % within "
            f"{record.flash_budget_bytes:,} bytes of flash.",
            "Raise --flash or --stack, lower --guarantee, or try more --trials.",
        )
    return record.trials[record.chosen]
