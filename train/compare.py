"""`axedge compare`: AXNet beside one-pass and iterative training, at one parameter budget, over seeds.

Two blocks, never mixed. "as published": each method with its own paper's recipe, and AXNet also with ours. "equal
effort": the same losses, restarts and rounds for all. A cell is one training; finished cells are kept, so that a
comparison that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from axedge.artifacts.files import atomic_write, digest
from axedge.artifacts.progress import Progress, silent
from axedge.artifacts.records.base import axedge_version
from axedge.artifacts.records.results import CompareCell, ResultRow, Results, Spread
from axedge.artifacts.records.train import TrainMetrics
from axedge.kernels.kernel import Kernel
from axedge.train.axnet import train_axnet
from axedge.train.baselines import BUDGET_SHARES, ITERATIONS, train_pairs
from axedge.train.judge import Judge
from axedge.train.recipes import DEFAULT, PAPER, PUBLISHED_BASELINE, Recipe
from axedge.train.split import draw_split
from axedge.train.stage import TEST_SAMPLES
from axedge.train.topology import Topology

GUARANTEES = ("guarantee95_float", "guarantee95_int8", "guarantee95_two_byte", "guarantee95_int16")
AS_PUBLISHED, EQUAL_EFFORT = "as published", "equal effort"

#: Trainings that a process of a comparison does, before a fresh one takes its place.
_CELLS_A_PROCESS = 10

# Block, method and recipe of every row. AXNet with our recipe stands in both blocks and is trained once.
PLAN: tuple[tuple[str, str, Recipe], ...] = (
    (AS_PUBLISHED, "axnet", DEFAULT),
    (AS_PUBLISHED, "axnet-paper", PAPER),
    (AS_PUBLISHED, "one-pass", PUBLISHED_BASELINE),
    (AS_PUBLISHED, "iterative", PUBLISHED_BASELINE),
    (EQUAL_EFFORT, "axnet", DEFAULT),
    (EQUAL_EFFORT, "one-pass", DEFAULT),
    (EQUAL_EFFORT, "iterative", DEFAULT),
)


@dataclass(frozen=True)
class Cell:
    """One training that a comparison needs."""

    kernel: Kernel
    method: str
    recipe: Recipe
    seed: int

    @property
    def topology(self) -> Topology:
        """The AXNet whose budget counts."""
        return Topology.of_kernel(self.kernel, self.recipe.predictor_activation)

    def plan(self) -> Recipe:
        """Return the recipe for a network of this size."""
        return self.recipe.for_size(self.topology.parameters)

    def digest(self) -> str:
        """Return the hash of all that decides the outcome."""
        numbers = json.dumps([asdict(self.plan()), BUDGET_SHARES, ITERATIONS], sort_keys=True)
        return digest("compare", axedge_version(), self.kernel.digest(), self.method, numbers, str(self.seed))

    def path(self, folder: Path) -> Path:
        """Return where its outcome is kept."""
        recipe = self.recipe.name.replace(" ", "-")
        return folder / self.kernel.name / f"{self.method}-{recipe}-{self.seed}.json"


def compare(
    kernels: Sequence[Kernel],
    root: Path,
    *,
    seeds: int = 5,
    methods: Iterable[str] | None = None,
    jobs: int = 1,
    progress: Progress = silent,
) -> list[ResultRow]:
    """Train what is missing and write results.json; rows of other kernels and methods stay in it.

    Args:
        kernels: on which to compare.
        root: usually out/; cells are kept in its folder .compare.
        seeds: trainings a row, with the seeds 0, 1, ...
        methods: some of those in PLAN; None for all.
        jobs: trainings at a time, each in a process of its own.
        progress: called after each training.

    Returns:
        The rows of these kernels and methods.
    """
    chosen = [entry for entry in PLAN if methods is None or entry[1] in set(methods)]
    folder = root / ".compare"
    wanted = {cell.path(folder): cell for cell in _cells(kernels, chosen, seeds)}
    missing = _trainings([cell for path, cell in wanted.items() if _load(path, cell) is None])
    for number, note in enumerate(_trained(missing, folder, jobs), start=1):
        progress(number, len(missing), note)
    rows = [_row(kernel, entry, seeds, folder) for kernel in kernels for entry in chosen]
    _merge(root, rows)
    return rows


def run_cell(cell: Cell, folder: Path) -> str:
    """Train one cell and keep its outcome; return a line about it.

    Iterative training begins with one-pass training, so that its cell leaves that of one-pass too.
    """
    started = time.process_time()
    plan, topology = cell.plan(), cell.topology
    split = draw_split(cell.kernel, plan.train_samples, plan.validation_samples, TEST_SAMPLES, cell.seed)
    if cell.method.startswith("axnet"):
        trained = train_axnet(cell.kernel, split, topology, plan, cell.seed)
        inputs = trained.inputs.apply(split.test.x)
        judge = Judge(topology, cell.kernel.error, inputs, split.test, trained.outputs)
        metrics = judge.report(trained.flat[0])
        _keep(cell, folder, metrics, topology.parameters, time.process_time() - started)
    else:
        drawing = time.process_time() - started
        iterations = ITERATIONS if cell.method == "iterative" else 0
        outcomes = train_pairs(cell.kernel, split, topology, plan, cell.seed, iterations)
        for method, outcome in outcomes.items():
            seconds = drawing + outcome.cpu_seconds
            parameters = outcome.pair.shapes.parameters
            _keep(replace(cell, method=method), folder, outcome.metrics, parameters, seconds)
        metrics = outcomes[cell.method].metrics
    return f"{cell.kernel.name}, {cell.method}, seed {cell.seed}: inv95 {metrics.inv95:.3f}"


def _keep(cell: Cell, folder: Path, metrics: TrainMetrics, parameters: int, seconds: float) -> None:
    outcome = CompareCell(
        axedge=axedge_version(),
        inputs_digest=cell.digest(),
        kernel=cell.kernel.name,
        method=cell.method,
        recipe=cell.recipe.name,
        seed=cell.seed,
        parameters=parameters,
        metrics=metrics,
        cpu_seconds=seconds,
    )
    atomic_write(cell.path(folder), outcome.model_dump_json(indent=2) + "\n")


def _trainings(missing: list[Cell]) -> list[Cell]:
    """Return the cells to train: a one-pass cell comes with the iterative one of the same recipe and seed."""
    iterative = {(cell.kernel.name, cell.recipe, cell.seed) for cell in missing if cell.method == "iterative"}
    return [
        cell
        for cell in missing
        if cell.method != "one-pass" or (cell.kernel.name, cell.recipe, cell.seed) not in iterative
    ]


def _cells(kernels: Sequence[Kernel], chosen: Sequence[tuple[str, str, Recipe]], seeds: int) -> Iterator[Cell]:
    for kernel in kernels:
        for seed in range(seeds):
            for _, method, recipe in chosen:
                yield Cell(kernel, method, recipe, seed)


def _trained(cells: list[Cell], folder: Path, jobs: int) -> Iterator[str]:
    if jobs == 1:
        yield from (run_cell(cell, folder) for cell in cells)
        return
    # A forked child of a process that has loaded TensorFlow hangs: start fresh ones. They are replaced now and then,
    # since one that has trained sixty cells holds 5 GB. (The executor's own max_tasks_per_child hangs: python/cpython
    # issue 115634.)
    for start in range(0, len(cells), batch := jobs * _CELLS_A_PROCESS):
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            for done in as_completed([pool.submit(run_cell, cell, folder) for cell in cells[start : start + batch]]):
                yield done.result()


def _load(path: Path, cell: Cell) -> CompareCell | None:
    """Return the cell's outcome, or None where it has to be trained (again)."""
    try:
        outcome = CompareCell.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return outcome if outcome.inputs_digest == cell.digest() else None


def _row(kernel: Kernel, entry: tuple[str, str, Recipe], seeds: int, folder: Path) -> ResultRow:
    block, method, recipe = entry
    cells = [Cell(kernel, method, recipe, seed) for seed in range(seeds)]
    outcomes = [outcome for cell in cells if (outcome := _load(cell.path(folder), cell)) is not None]
    of: Callable[[str], Spread] = lambda name: spread([getattr(outcome.metrics, name) for outcome in outcomes])  # noqa: E731
    precisions = [outcome.metrics.precision for outcome in outcomes if outcome.metrics.precision is not None]
    return ResultRow(
        kernel=kernel.name,
        method=method,
        block=block,
        parameters=float(np.mean([outcome.parameters for outcome in outcomes])),
        seeds=len(outcomes),
        true_invocation=of("true_invocation"),
        invocation=of("invocation"),
        useful_invocation=of("useful_invocation"),
        precision=spread(precisions) if precisions else None,
        inv95=of("inv95"),
        inv99=of("inv99"),
        median_error=of("median_error"),
        cpu_seconds=spread([outcome.cpu_seconds for outcome in outcomes]),
    )


def spread(values: Sequence[float]) -> Spread:
    """Return mean and standard deviation of at least one value."""
    return Spread(mean=float(np.mean(values)), sd=float(np.std(values, ddof=1)) if len(values) > 1 else 0.0)


def _merge(root: Path, rows: list[ResultRow]) -> None:
    """Put the rows in place of those of the same kernel, method and block, and sort all."""
    before = Results.load_if_present(root)
    table = {(row.kernel, row.block, row.method): row for row in (before.rows if before else [])}
    for row in rows:
        key = (row.kernel, row.block, row.method)
        # What a conversion is worth is measured by another command, which fills its columns in.
        kept = {name: getattr(table[key], name) for name in GUARANTEES} if key in table else {}
        table[key] = row.model_copy(update=kept)
    ordered = [table[key] for key in sorted(table)]
    content = digest("results", *(row.model_dump_json() for row in ordered))
    Results(axedge=axedge_version(), inputs_digest=content, rows=ordered).save(root)
