"""`axedge alternatives`: a table and a polynomial, within the network's flash, on the same board and samples."""

from __future__ import annotations

import tempfile
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from math import ceil
from pathlib import Path

import numpy as np

from axedge.artifacts.errors import ArtifactError, CheckFailed
from axedge.artifacts.files import atomic_write, digest
from axedge.artifacts.progress import Progress, silent
from axedge.artifacts.records.alternatives import Alternative, AlternativesRecord
from axedge.artifacts.records.base import axedge_version
from axedge.artifacts.records.bench import BenchRecord
from axedge.artifacts.records.build import BuildRecord
from axedge.artifacts.workspace import Workspace
from axedge.convert.alternatives.candidates import Candidate, Data, Polynomials, tables, why_no_table
from axedge.convert.alternatives.emit import emit_nothing
from axedge.firmware.boards import Board
from axedge.firmware.build import build_firmware
from axedge.host import figures
from axedge.host.connection import Connection
from axedge.host.exact_run import ExactRun, run_exact
from axedge.host.flash import flash
from axedge.host.samples import load_samples
from axedge.kernels.kernel import Kernel
from axedge.kernels.metrics import clopper_pearson, clopper_pearson_lower, is_safe, sample_error

FLASH_TRIES = 8
"""Candidates that are built until one fits."""


@dataclass(frozen=True)
class _StandIn:
    """C in the place of the kernel's own, as the build wants it."""

    name: str
    path: Path
    text: str
    has_exact: bool = True

    def sources(self) -> list[Path]:
        return [self.path]

    def include_dirs(self) -> list[Path]:
        return []

    def digest(self) -> str:
        return digest(self.name, self.text)


def alternatives_digest(kernel: Kernel, image_folder: Path) -> str:
    """Return the hash of all that `compare_alternatives` reads.

    Raises:
        ArtifactError: the network was not benched, or the bench is partial.
    """
    bench = BenchRecord.load(image_folder)
    if not bench.complete or bench.seed is None:
        what = "partial" if not bench.complete else "of inputs of your own"
        raise ArtifactError(f"the bench in {image_folder} is {what}.", "Run `axedge bench` again, to its end.")
    return digest("alternatives 2", axedge_version(), kernel.digest(), bench.inputs_digest)


def compare_alternatives(
    kernel: Kernel,
    board: Board,
    convert_folder: Path,
    image_folder: Path,
    *,
    workspace: Workspace,
    port: str | None = None,
    progress: Progress = silent,
) -> AlternativesRecord:
    """Build and run what an engineer would try first, and set it beside the network that was benched.

    Args:
        kernel: what is approximated.
        board: where the network was benched.
        convert_folder: holds the network and the samples.
        image_folder: holds build.json and bench.json; alternatives.json goes there.
        workspace: where a real board's port is remembered.
        port: None: the board's emulator. A real board gets the network's image back at the end.
        progress: told what is being done.

    Raises:
        ArtifactError: the network was not benched to the end on samples of the kernel.
        DeviceError: the board does not answer.
        BuildError: a compiler failed.
    """
    wanted = alternatives_digest(kernel, image_folder)
    bench, build = BenchRecord.load(image_folder), BuildRecord.load(image_folder)
    with tempfile.TemporaryDirectory(prefix="axedge-alternatives-") as scratch:
        work = _Work(kernel, board, convert_folder, build, bench, workspace, port, Path(scratch))
        try:
            rows = list(_rows(work, progress))
        finally:
            if port is not None:
                flash(image_folder, board, workspace=workspace, port=port)
    progress(2, 2, "done")
    record = AlternativesRecord(
        axedge=axedge_version(),
        inputs_digest=wanted,
        kernel=kernel.name,
        board=board.name,
        engine=bench.engine,
        activations=bench.activations,
        model_hash=bench.model_hash,
        bench_digest=bench.inputs_digest,
        samples=bench.samples,
        flash_budget_bytes=work.budget,
        fallback_flash_bytes=build.footprint.fallback_flash_bytes,
        precision_wanted=wanted_precision(bench),
        unit=bench.ticks.unit,
        network_mean=bench.ticks.gated.mean,
        exact_mean=bench.ticks.exact.mean if bench.ticks.exact else None,
        invocation=bench.invocation,
        rows=tuple(rows),
        verdict=verdict(rows, bench, build.footprint.fallback_flash_bytes),
    )
    record.save(image_folder)
    return record


def _rows(work: _Work, progress: Progress) -> Iterator[Alternative]:
    """Yield a table, the best polynomial, and, where that is another one, the smallest that keeps the promise."""
    data, kernel = Data.of(work.kernel, seed=0), work.kernel
    progress(0, 2, "fitting, building and running a table")
    count = len(data.validation)
    try:
        table, why = work.row("table", tables(kernel, data, work.budget), count), why_no_table(kernel)
    except ValueError as too_narrow:
        table, why = None, str(too_narrow)
    yield table or Alternative(kind="table", description=why)
    progress(1, 2, "fitting, building and running a polynomial")
    try:
        found = Polynomials(kernel, data, work.budget)
    except ValueError as too_narrow:
        yield Alternative(kind="polynomial", description=str(too_narrow))
        return
    best = work.row("polynomial", found.best(), count)
    yield best or Alternative(kind="polynomial", description="no polynomial fits")
    fewest = work.row("polynomial", found.fewest(enough_safe(work.bench, count)), count, but_not=best)
    if fewest is not None:
        yield fewest


@dataclass(frozen=True)
class _Work:
    """One network, benched on one board, and the way to build and run something else there."""

    kernel: Kernel
    board: Board
    convert_folder: Path
    build: BuildRecord
    bench: BenchRecord
    workspace: Workspace
    port: str | None
    scratch: Path

    @property
    def budget(self) -> int:
        """Flash that an alternative may take."""
        return self.build.footprint.engine_flash_bytes

    def row(
        self, kind: str, candidates: Iterator[Candidate], validated: int, but_not: Alternative | None = None
    ) -> Alternative | None:
        """Build the first candidate that fits, and run it; None where none fits, or it is `but_not`."""
        found = self._built(kind, candidates)
        if found is None or (but_not is not None and found[0].description == but_not.description):
            return None
        candidate, folder, flash_bytes = found
        run, y = self._run(folder, BuildRecord.load(folder).build_id)
        safe = is_safe(self.kernel.error, y, run.y)
        low, high = clopper_pearson(int(safe.sum()), len(safe), 0.95)
        would_do = keeps_promise(self.bench, candidate.safe, validated, float(safe.mean()), high)
        cost = figures.spread(run.cost)
        return Alternative(
            kind=kind,
            description=candidate.description,
            flash_bytes=flash_bytes,
            safe_share=float(safe.mean()),
            safe_low=low,
            safe_high=high,
            error=figures.error_figures(sample_error(self.kernel.error, y, run.y)),
            cost=cost,
            would_do=would_do,
            wins=would_do and cost.mean < self.bench.ticks.gated.mean,
        )

    def _built(self, kind: str, candidates: Iterator[Candidate]) -> tuple[Candidate, Path, int] | None:
        """Return the first that fits, where its image is, and what it takes; None where none fits."""
        for number, candidate in enumerate(islice(candidates, FLASH_TRIES)):
            folder = self.scratch / f"{kind}-{number}"
            try:
                taken = self._build(candidate.source, folder) - self._empty
            except CheckFailed:  # it does not fit the board at all
                continue
            if taken <= self.budget:
                return candidate, folder, taken
        return None

    @cached_property
    def _empty(self) -> int:
        """Flash of the firmware with a function that does nothing."""
        inputs, outputs = len(self.kernel.inputs), len(self.kernel.outputs)
        return self._build(emit_nothing(self.kernel.name, inputs, outputs), self.scratch / "nothing")

    def _build(self, text: str, folder: Path) -> int:
        """Build C in the kernel's place; return the image's flash."""
        source = folder / f"{self.kernel.name}_alternative.c"
        atomic_write(source, text)
        record = build_firmware(
            self.convert_folder,
            _StandIn(self.kernel.name, source, text),
            self.board,
            folder,
            optimize=self.build.optimize,
            network=False,
        )
        return record.footprint.flash_bytes

    def _run(self, folder: Path, build_id: str) -> tuple[ExactRun, np.ndarray]:
        """Run an image on the bench's samples; return that and the exact outputs."""
        stored = load_samples(self.convert_folder, 0)
        samples = stored.take(min(self.bench.samples, len(stored.x)))
        # An emulated board is another one each time: the user's keeps what was flashed into it.
        workspace = self.workspace if self.port is not None else Workspace(folder)
        flash(folder, self.board, workspace=workspace, port=self.port)
        return run_exact(Connection(self.board, workspace, self.port), build_id, samples.x), samples.y


def wanted_precision(bench: BenchRecord) -> float:
    """Return the share of safe answers that is good enough: the promise, else the network's own precision."""
    if bench.guarantee is not None:
        return 1.0 - bench.guarantee.eps
    return bench.precision if bench.precision is not None else 1.0


def enough_safe(bench: BenchRecord, count: int) -> int:
    """Return how many of `count` validation samples must be safe, as it is asked of the network in conversion."""
    wanted = wanted_precision(bench)
    if bench.guarantee is None:
        return ceil(wanted * count)
    confidence = 1.0 - bench.guarantee.delta
    return bisect_left(range(count + 1), wanted, key=lambda safe: clopper_pearson_lower(safe, count, confidence))


def keeps_promise(bench: BenchRecord, safe: int, count: int, share: float, high: float) -> bool:
    """Whether an alternative would do: as of the network, promised on other samples, and not refuted by the bench's.

    Args:
        bench: of the network.
        safe: how many of the validation samples it answers within the bound.
        count: how many those are.
        share: of the bench's samples that it answers within the bound.
        high: upper end of the interval of that share.
    """
    seen = share if bench.guarantee is None else high
    return safe >= enough_safe(bench, count) and seen >= wanted_precision(bench)


def verdict(rows: list[Alternative], bench: BenchRecord, fallback_flash_bytes: int) -> str:
    """Return one plain sentence: whether one of them would do instead.

    Args:
        rows: the alternatives.
        bench: of the network.
        fallback_flash_bytes: what the exact function takes beside the network.
    """
    unit, wanted, network = bench.ticks.unit, 100 * wanted_precision(bench), bench.ticks.gated.mean
    fit = [row for row in rows if row.would_do]
    if winners := [row for row in fit if row.wins]:
        best = min(winners, key=lambda row: row.cost.mean)
        return (
            f"But a {best.kind} would do better: {_answers(best)}, at {best.cost.mean:,.0f} {unit} a call; "
            f"the gated network costs {network:,.0f}{_exact(bench, best.cost.mean)}."
        )
    if fit:
        best = min(fit, key=lambda row: row.flash_bytes)
        with_exact = f", the exact function beside it {fallback_flash_bytes:,}" if fallback_flash_bytes else ""
        return (
            f"But a {best.kind} would do with less flash, if more slowly: {_answers(best)}, at {best.cost.mean:,.0f} "
            f"{unit} a call; the gated network costs {network:,.0f} and takes "
            f"{bench.footprint.engine_flash_bytes:,} bytes{with_exact}{_exact(bench, network)}."
        )
    reasons = "; ".join(_reason(row) for row in rows) + _exact(bench, network)
    return f"Within the same flash neither table nor polynomial would do at {wanted:g} %: {reasons}."


def _reason(row: Alternative) -> str:
    """Return why an alternative would not do."""
    if row.safe_share is None:
        return f"no {row.kind} ({row.description})"
    share = f"{100 * row.safe_share:.2f} % of the inputs within the bound"
    return f"the {row.kind} answers only {share}, and does not know which"


def _exact(bench: BenchRecord, least: float) -> str:
    """Return that the exact function costs least, where it does."""
    exact = bench.ticks.exact
    if exact is None or exact.mean > least:
        return ""
    return f"; the exact function alone, {exact.mean:,.0f} {bench.ticks.unit}, costs least"


def _answers(row: Alternative) -> str:
    return (
        f"{row.description}, {row.flash_bytes:,} bytes, answers every input, "
        f"{100 * row.safe_share:.2f} % of them within the bound"
    )
