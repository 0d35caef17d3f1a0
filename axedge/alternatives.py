"""`axedge alternatives`: a table and a polynomial, within the network's flash, on the same board and samples."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
from axedge.convert.alternatives.candidates import Candidate, Data, polynomials, tables, why_no_table
from axedge.convert.alternatives.emit import emit_nothing
from axedge.firmware.boards import Board
from axedge.firmware.build import build_firmware
from axedge.host import figures
from axedge.host.connection import Connection
from axedge.host.exact_run import ExactRun, run_exact
from axedge.host.flash import flash
from axedge.host.samples import load_samples
from axedge.kernels.kernel import Kernel
from axedge.kernels.metrics import clopper_pearson, is_safe, sample_error

FLASH_TRIES = 6
"""Sizes that are built until one fits."""

_Candidates = Callable[[Kernel, Data, int], Iterator[Candidate]]


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
    return digest("alternatives", axedge_version(), kernel.digest(), bench.inputs_digest)


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
    work = _Work(kernel, board, convert_folder, build, bench, workspace, port)
    rows = []
    with tempfile.TemporaryDirectory(prefix="axedge-alternatives-") as scratch:
        try:
            data = Data.of(kernel, seed=0)
            for number, (kind, make) in enumerate((("table", tables), ("polynomial", polynomials))):
                progress(number, 2, f"fitting, building and running a {kind}")
                rows.append(work.row(kind, make, data, Path(scratch)))
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
        precision_wanted=work.precision,
        unit=bench.ticks.unit,
        network_mean=bench.ticks.gated.mean,
        exact_mean=bench.ticks.exact.mean if bench.ticks.exact else None,
        invocation=bench.invocation,
        rows=tuple(rows),
        verdict=verdict(rows, bench, build.footprint.fallback_flash_bytes),
    )
    record.save(image_folder)
    return record


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

    @property
    def budget(self) -> int:
        """Flash that an alternative may take."""
        return self.build.footprint.engine_flash_bytes

    @property
    def precision(self) -> float:
        """Share of safe answers that is good enough."""
        return wanted_precision(self.bench)

    def row(self, kind: str, make: _Candidates, data: Data, scratch: Path) -> Alternative:
        """Build the best alternative of one kind that fits, and run it."""
        found = self._built(kind, make, data, scratch)
        if found is None:
            reason = why_no_table(self.kernel) if kind == "table" else "no polynomial fits"
            return Alternative(kind=kind, description=reason)
        candidate, folder, flash_bytes = found
        run, y = self._run(folder, BuildRecord.load(folder).build_id)
        safe = is_safe(self.kernel.error, y, run.y)
        low, high = clopper_pearson(int(safe.sum()), len(safe), 0.95)
        cost, would_do = figures.spread(run.cost), bool(safe.mean() >= self.precision)
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

    def _built(self, kind: str, make: _Candidates, data: Data, scratch: Path) -> tuple[Candidate, Path, int] | None:
        """Return the largest that fits, where its image is, and what it takes; None where none fits."""
        inputs, outputs = len(self.kernel.inputs), len(self.kernel.outputs)
        empty = self._build(emit_nothing(self.kernel.name, inputs, outputs), scratch / "nothing")
        for number, candidate in enumerate(make(self.kernel, data, self.budget)):
            if number == FLASH_TRIES:
                break
            folder = scratch / f"{kind}-{number}"
            try:
                taken = self._build(candidate.source, folder) - empty
            except CheckFailed:  # it does not fit the board at all
                continue
            if taken <= self.budget:
                return candidate, folder, taken
        return None

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


def verdict(rows: list[Alternative], bench: BenchRecord, fallback_flash_bytes: int) -> str:
    """Return one plain sentence: whether one of them would do instead.

    Args:
        rows: the alternatives.
        bench: of the network.
        fallback_flash_bytes: what the exact function takes beside the network.
    """
    unit, wanted = bench.ticks.unit, 100 * wanted_precision(bench)
    fit = [row for row in rows if row.would_do]
    if winners := [row for row in fit if row.wins]:
        best, exact = min(winners, key=lambda row: row.cost.mean), bench.ticks.exact
        said = (
            f"But a {best.kind} would do better: {_answers(best)}, at {best.cost.mean:,.0f} {unit} a call; "
            f"the gated network costs {bench.ticks.gated.mean:,.0f}"
        )
        if exact is not None and exact.mean <= best.cost.mean:
            said += f", and the exact function, {exact.mean:,.0f}, less than either"
        return f"{said}."
    if fit:
        best = min(fit, key=lambda row: row.flash_bytes)
        with_exact = f", the exact function beside it {fallback_flash_bytes:,}" if fallback_flash_bytes else ""
        return (
            f"But a {best.kind} would do with less flash, if more slowly: {_answers(best)}, at {best.cost.mean:,.0f} "
            f"{unit} a call; the gated network costs {bench.ticks.gated.mean:,.0f} and takes "
            f"{bench.footprint.engine_flash_bytes:,} bytes{with_exact}."
        )
    reasons = []
    for row in rows:
        if row.safe_share is None:
            reasons.append(f"no {row.kind} ({row.description})")
        else:
            reasons.append(
                f"the {row.kind} answers only {100 * row.safe_share:.2f} % of the inputs within the bound, "
                f"and does not know which"
            )
    return f"Within the same flash neither table nor polynomial would do at {wanted:g} %: {'; '.join(reasons)}."


def _answers(row: Alternative) -> str:
    return (
        f"{row.description}, {row.flash_bytes:,} bytes, answers every input, "
        f"{100 * row.safe_share:.2f} % of them within the bound"
    )
