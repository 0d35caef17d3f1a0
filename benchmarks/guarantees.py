"""What networks are worth as int8 on a device: invocation at a guarantee of 95 % with 95 % confidence, over seeds.

    python -m benchmarks.guarantees inversek2j blackscholes --seeds 5

trains, converts with int8 and with int16 activations (and, asked for with --activations two-byte, with int8 activations
and two-byte inputs), and measures each result on samples that nothing else has seen,
in whole numbers as TensorFlow Lite Micro executes them. A cell is one kernel, seed and width; finished cells are kept
in out/.guarantees, so that it can be interrupted, and made again once the code that decides them has changed. Rows of
the table that were not asked for stay as they were measured. The means stand in out/results.json, in the rows of our
AXNet, and with --write in benchmarks/results/guarantees.json, from which it writes the table of docs/guarantees.md.
"""

from __future__ import annotations

import ast
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import click
import numpy as np

from axedge.artifacts.errors import CheckFailed
from axedge.artifacts.files import atomic_write, digest
from axedge.artifacts.records.base import axedge_version
from axedge.artifacts.records.convert import ConvertRecord
from axedge.artifacts.records.results import GuaranteeCell, Results
from axedge.artifacts.records.train import TrainRecord
from axedge.artifacts.workspace import Workspace
from axedge.convert.deployment import answer, load_deployment
from axedge.convert.finetune import STRETCHES
from axedge.convert.stage import convert_kernel
from axedge.kernels.kernel import Kernel, kernel_names, load_kernel
from axedge.kernels.metrics import is_safe
from axedge.train.compare import spread
from axedge.train.stage import train_inputs_digest, train_kernel

WIDTHS = ("int8", "two-byte", "int16")
USUAL_WIDTHS = ("int8", "int16")
FRESH_COUNT = 200_000
GUARANTEE, CONFIDENCE = 0.95, 0.95
ROOT = Path(__file__).resolve().parent.parent
KEPT, PAGE = ROOT / "benchmarks" / "results" / "guarantees.json", ROOT / "docs" / "guarantees.md"
SCHEMA = 1


@dataclass(frozen=True)
class Cell:
    """One conversion.

    Attributes:
        kernel: what is approximated.
        seed: of training and conversion.
        activations: int8, int16, or two-byte: int8 with two-byte inputs.
        root: where cells are kept.
    """

    kernel: Kernel
    seed: int
    activations: str
    root: Path

    @property
    def folder(self) -> Path:
        """Where its training and conversions are."""
        return self.root / self.kernel.name / str(self.seed)

    @property
    def path(self) -> Path:
        """Its outcome."""
        return self.folder / f"{self.activations}.json"

    def options(self) -> dict[str, object]:
        """Return the keyword arguments of the conversion."""
        width = {"activations": self.activations}
        if self.activations == "two-byte":
            width = {"activations": "int8", "inputs": "two-byte"}
        return {"seed": self.seed, **width, "guarantee": GUARANTEE, "confidence": CONFIDENCE}

    def outcome(self) -> GuaranteeCell | None:
        """Return what is kept, if it is of this version, kernel, recipe and code."""
        try:
            found = GuaranteeCell.model_validate_json(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if found.inputs_digest == self.digest() else None

    def digest(self) -> str:
        """Return the hash of all that decides the outcome."""
        trained = train_inputs_digest(self.kernel, seed=self.seed)
        numbers = json.dumps([self.options(), [asdict(stretch) for stretch in STRETCHES], FRESH_COUNT])
        return digest("guarantees", axedge_version(), trained, numbers, code_digest())


@cache
def code_digest() -> str:
    """Return a hash of the code that decides an outcome: of training, conversion and kernels, not of generated C."""
    files = sorted(path for name in ("train", "convert", "kernels") for path in (ROOT / name).glob("*.py"))
    return digest(*(meaning(path.read_text(encoding="utf-8")) for path in files))


def meaning(source: str) -> str:
    """Return Python code without what changes nothing: comments, docstrings, layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [one for one in body if not _is_text(one)]
    return ast.dump(tree)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def run_cell(cell: Cell) -> GuaranteeCell:
    """Train (unless the other width has), convert, measure, keep."""
    train_folder, folder = cell.folder / "train", cell.folder / cell.activations
    present = TrainRecord.load_if_present(train_folder)
    if present is None or present.inputs_digest != train_inputs_digest(cell.kernel, seed=cell.seed):
        train_kernel(cell.kernel, train_folder, seed=cell.seed)
    started = time.process_time()
    try:
        record = convert_kernel(cell.kernel, train_folder, folder, **cell.options())
        outcome = _measured(cell, record, folder, time.process_time() - started)
    except CheckFailed as nothing:
        click.echo(f"  {nothing}", err=True)
        outcome = _nothing(cell, time.process_time() - started)
    atomic_write(cell.path, outcome.model_dump_json(indent=2) + "\n")
    return outcome


def _measured(cell: Cell, record: ConvertRecord, folder: Path, seconds: float) -> GuaranteeCell:
    deployment = load_deployment(folder)
    fresh = cell.kernel.draw("fresh", FRESH_COUNT, cell.seed)
    y, logits = answer(deployment, fresh.x)
    used = logits >= deployment.threshold
    violations = int((used & ~is_safe(cell.kernel.error, fresh.y, y)).sum())
    foreign = record.foreign
    return GuaranteeCell(
        axedge=axedge_version(),
        inputs_digest=cell.digest(),
        kernel=cell.kernel.name,
        seed=cell.seed,
        activations=cell.activations,
        candidate=record.candidate,
        how=record.how,
        model_hash=record.model_hash,
        fresh=len(fresh),
        invocation=float(used.mean()),
        violations=violations,
        violation_rate=violations / int(used.sum()) if used.any() else None,
        float_invocation=record.at_guarantee.float_invocation if record.at_guarantee else 0.0,
        without_limit=foreign.invocation_without if foreign else None,
        foreign_count=foreign.count if foreign else 0,
        foreign_invoked=foreign.invoked if foreign else 0,
        foreign_bound=foreign.bound if foreign else None,
        cpu_seconds=seconds,
    )


def _nothing(cell: Cell, seconds: float) -> GuaranteeCell:
    """Return the outcome where nothing can be promised."""
    return GuaranteeCell(
        axedge=axedge_version(),
        inputs_digest=cell.digest(),
        kernel=cell.kernel.name,
        seed=cell.seed,
        activations=cell.activations,
        candidate="",
        how="nothing can be promised",
        model_hash="",
        fresh=0,
        invocation=0.0,
        violations=0,
        violation_rate=None,
        float_invocation=0.0,
        without_limit=None,
        foreign_count=0,
        foreign_invoked=0,
        foreign_bound=None,
        cpu_seconds=seconds,
    )


def fill_in(out: Path, cells: Sequence[GuaranteeCell]) -> None:
    """Write the means into results.json's rows of our AXNet; rows that were not run yet are not made up."""
    results = Results.load_if_present(out)
    if results is None:
        return
    rows = []
    for row in results.rows:
        mine = [cell for cell in cells if cell.kernel == row.kernel] if row.method == "axnet" else []
        found = {_column(width): [c.invocation for c in mine if c.activations == width] for width in WIDTHS}
        found["guarantee95_float"] = _float_invocations(mine)
        rows.append(row.model_copy(update={name: spread(values) for name, values in found.items() if values}))
    content = digest("results", *(row.model_dump_json() for row in rows))
    results.model_copy(update={"rows": rows, "inputs_digest": content}).save(out)


def _float_invocations(cells: Sequence[GuaranteeCell]) -> list[float]:
    """Return a seed's float figure beside its int8 conversion, or another one's where int8 can promise nothing."""
    converted = [cell for cell in sorted(cells, key=lambda cell: WIDTHS.index(cell.activations)) if cell.model_hash]
    first = {cell.seed: cell.float_invocation for cell in reversed(converted)}
    return [first[seed] for seed in sorted(first)]


def _column(width: str) -> str:
    """Return the name of a width's column in results.json."""
    return f"guarantee95_{width.replace('-', '_')}"


_HEAD = """\
# Invocation at a guarantee

Written by `make guarantees`; not by hand. Percent of fresh inputs on which the network is used, where at most 5 % of
the answers used may be wrong, with 95 % confidence, and, likewise, at most 1 % of the foreign points of the box may be
answered. Mean and standard deviation over seeds, each a training and a conversion of its own; int8 and int16 are
activations, two-byte is int8 with two-byte inputs (convert.md), all executed in whole numbers as TensorFlow Lite Micro
does, on 200,000 fresh samples a seed. *Without* is what could be promised if foreign points did not matter; *broken*
counts the cells whose violation rate on the fresh samples is above 5 %. *Seeds* counts them for each width in turn; a
seed in which nothing can be promised counts as 0. What the limit costs kmeans, and at which size of network it does not
any longer, is in [convert.md](convert.md#where-the-limit-costs-and-what-a-larger-network-gains).

sunpos needs more than 8 bits: its azimuth spans 360 degrees, so that the codes of an int8 answer lie 1.4 degrees apart,
and its bound is 0.5. `axedge convert sunpos --activations int16` does it.

| kernel | seeds | float | int8 | without | two-byte | without | int16 | without | foreign used (int8) | broken |
|---|---|---|---|---|---|---|---|---|---|---|
"""


def page(cells: Sequence[GuaranteeCell]) -> str:
    """Return the page of all cells."""
    lines = [_line(name, [cell for cell in cells if cell.kernel == name]) for name in kernel_names()]
    return _HEAD + "\n".join(line for line in lines if line) + "\n"


def _line(kernel: str, cells: Sequence[GuaranteeCell]) -> str:
    by = {width: [cell for cell in cells if cell.activations == width] for width in WIDTHS}
    if not by["int8"]:
        return ""
    parts = [kernel, "/".join(str(len(by[width])) for width in WIDTHS if by[width])]
    parts.append(_percent(_float_invocations(cells)))
    for width in WIDTHS:
        parts.append(_percent([cell.invocation for cell in by[width]]))
        parts.append(_percent([cell.without_limit for cell in by[width] if cell.without_limit is not None]))
    parts.append(_foreign_used(by))
    broken = [(cell.violation_rate or 0.0) > 1.0 - GUARANTEE for cell in cells]
    parts.append(f"{sum(broken)} of {len(broken)}")
    return f"| {' | '.join(parts)} |"


def _foreign_used(by: Mapping[str, Sequence[GuaranteeCell]]) -> str:
    """Return the share of foreign points used in int8, or in the first width that can promise anything."""
    for width in WIDTHS:
        shares = [cell.foreign_invoked / cell.foreign_count for cell in by[width] if cell.foreign_count]
        if shares:
            return f"{100 * np.mean(shares):.2f} %" + ("" if width == "int8" else f" ({width})")
    return "none there"


def _percent(values: Sequence[float]) -> str:
    if not values:
        return "-"
    found = spread(values)
    return f"{100 * found.mean:.1f} ± {100 * found.sd:.1f}" if len(values) > 1 else f"{100 * found.mean:.1f}"


def load_kept() -> list[GuaranteeCell]:
    """Return the cells of the last `--write`."""
    if not KEPT.is_file():
        return []
    return [GuaranteeCell.model_validate(row) for row in json.loads(KEPT.read_text(encoding="utf-8"))["cells"]]


@click.command()
@click.argument("kernels", nargs=-1)
@click.option("--seeds", type=click.IntRange(min=1), default=5, show_default=True, help="Seeds 0, 1, ...")
@click.option(
    "--activations", type=click.Choice(WIDTHS), multiple=True, help="Only this width.  [default: int8, int16]"
)
@click.option("-o", "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("out"), show_default=True)
@click.option("--write", is_flag=True, help="Write the page of all cells so far.")
def main(kernels: tuple[str, ...], seeds: int, activations: tuple[str, ...], out: Path, write: bool) -> None:
    """Measure what is missing, for some or all kernels."""
    found = [load_kernel(name) for name in kernels or kernel_names()]
    root = Workspace(out).root / ".guarantees"
    # Seed by seed, so that an interrupted run has something of every kernel.
    cells = [
        Cell(kernel, seed, width, root)
        for seed in range(seeds)
        for kernel in found
        for width in activations or USUAL_WIDTHS
    ]
    outcomes = []
    for cell in cells:
        outcome = cell.outcome() or run_cell(cell)
        outcomes.append(outcome)
        rate = "-" if outcome.violation_rate is None else f"{100 * outcome.violation_rate:.2f} %"
        used = f"invocation {100 * outcome.invocation:.1f} %, violations {rate}"
        foreign = f"foreign {outcome.foreign_invoked} of {outcome.foreign_count}"
        click.echo(f"{outcome.kernel}, seed {outcome.seed}, {outcome.activations}: {used}, {foreign}")
    fill_in(out, outcomes)
    if write:
        kept = {(cell.kernel, cell.seed, cell.activations): cell for cell in (*load_kept(), *outcomes)}
        rows = [json.loads(kept[key].model_dump_json()) for key in sorted(kept)]
        atomic_write(KEPT, json.dumps({"schema": SCHEMA, "cells": rows}, indent=1) + "\n")
        atomic_write(PAGE, page([kept[key] for key in sorted(kept)]))


if __name__ == "__main__":
    main()
