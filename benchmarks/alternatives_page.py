"""docs/alternatives.md: what a table and a polynomial come to beside the network, for every kernel that was benched.

    python -m benchmarks.alternatives_page --board microbit

takes each kernel's alternatives.json from out/ into benchmarks/results/alternatives.json and writes the page from that
file. Kernels that are not there are named as missing.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from axedge.artifacts.files import atomic_write
from axedge.artifacts.records.alternatives import Alternative, AlternativesRecord
from axedge.artifacts.records.convert import ConvertRecord
from axedge.artifacts.workspace import Workspace
from axedge.firmware.boards import load_board
from axedge.pipeline import image_folder
from benchmarks.results_page import KERNELS, ROOT

ROWS, PAGE = ROOT / "benchmarks" / "results" / "alternatives.json", ROOT / "docs" / "alternatives.md"
SCHEMA = 1

_HEAD = """\
# What else would do

Written by `make alternatives`; not by hand. Before a network, an engineer would try a lookup table or a polynomial.
Both are fitted to the kernel's own samples, generated as C within the flash that the network takes, and run on the same
board on the same samples.

- **table**: 16-bit values on a regular grid, multilinear interpolation in whole numbers. The shape of the grid is
  searched; its values start at the exact function's and are then fitted so that as many samples as possible are within
  the kernel's bound. The largest that fits: a smaller one costs as much a call.
- **polynomial**: products of Chebyshev polynomials, evaluated in whole numbers, written out or, where that takes too
  much flash, *in loops*. Which terms is chosen on validation samples: sets of rising degree, then the best without the
  terms that matter least. The coefficients are fitted in the same way. Two are shown where they differ: the best that
  fits, and the one of fewest terms that keeps the promise.

All three turn floats into whole numbers and back by the same cheap rules. Neither table nor polynomial knows when it is
wrong: it answers every input, so its *safe* share is its precision. It *would do* where it keeps the promise that the
network is held to, by the network's own measure: with 95 % confidence on validation samples, and not refuted by those
of the bench. It *wins* if it costs less a call, too. The network's cost is that of a gated call, with its fallbacks to
the exact function. Flash is over the same firmware with a function that does nothing. The network also needs the exact
function, *plus* what stands behind its flash; table and polynomial stand in for it, and are not given its flash.

What they cannot do is say no. Where the promise is out of their reach within the flash, the network still answers the
inputs that it is sure of; and the more inputs a function has, the less a table can hold.
"""


def collect(board: str, out: Path) -> None:
    """Put the rows of `out` into the kept file; those of other kernels stay."""
    kept = {row.kernel: row for row in load()}
    workspace = Workspace(out)
    for kernel in KERNELS:
        if ConvertRecord.load_if_present(workspace.convert(kernel)) is None:
            continue
        found = AlternativesRecord.load_if_present(image_folder(workspace, kernel, load_board(board), "aot"))
        if found is not None:
            kept[kernel] = found
    body = {"schema": SCHEMA, "rows": [json.loads(kept[name].model_dump_json()) for name in sorted(kept)]}
    atomic_write(ROWS, json.dumps(body, indent=1) + "\n")


def load() -> list[AlternativesRecord]:
    """Return the kept rows."""
    if not ROWS.is_file():
        return []
    return [AlternativesRecord.model_validate(row) for row in json.loads(ROWS.read_text(encoding="utf-8"))["rows"]]


def page(rows: list[AlternativesRecord]) -> str:
    """Return the page."""
    lines = [_HEAD]
    missing = [kernel for kernel in KERNELS if kernel not in {row.kernel for row in rows}]
    if missing:
        lines.append(
            f"Not here: {', '.join(missing)}. Either not run yet, or the network promises nothing, neither in 8 nor in "
            "16 bits, or does not fit the board; `make alternatives` says which.\n"
        )
    lines.append(_in_short(rows))
    lines += ["| kernel | board | | flash B | safe | calls cost | |", "|---|---|---|---:|---:|---:|---|"]
    for record in rows:
        lines += _lines(record)
    lines.append("\n## In words")
    lines += [f"- **{record.kernel}**: {_on_its_own(record.verdict)}" for record in rows]
    return "\n".join(lines) + "\n"


def _in_short(rows: list[AlternativesRecord]) -> str:
    """Return who comes first on which kernels."""
    better = [row.kernel for row in rows if any(one.would_do for one in row.rows)]
    exact = [
        row.kernel
        for row in rows
        if row.kernel not in better and row.exact_mean is not None and row.exact_mean <= row.network_mean
    ]
    network = [row.kernel for row in rows if row.kernel not in {*better, *exact}]
    parts = [
        f"{len(kernels)} ({', '.join(kernels)}) {what}"
        for kernels, what in (
            (better, "a table or a polynomial would do in the network's place"),
            (exact, "none of the three is worth it: the exact function alone costs least"),
            (
                network,
                "the network is what is left: cheaper than the exact function, and nothing else keeps the promise",
            ),
        )
        if kernels
    ]
    return f"In short: on {'; on '.join(parts)}.\n"


def _on_its_own(verdict: str) -> str:
    """Return a verdict that stands behind no other: not "But a table would do better"."""
    words = verdict.removeprefix("But ")
    return words[0].upper() + words[1:]


def _lines(record: AlternativesRecord) -> list[str]:
    exact = "" if record.exact_mean is None else f"; exact {record.exact_mean:,.0f}"
    used, promise = (
        f"used on {100 * record.invocation:.1f} %",
        f"{100 * record.precision_wanted:.0f} % promised of the used",
    )
    width = f" ({record.activations})" if record.activations != "int8" else ""
    flash = f"{record.flash_budget_bytes:,} plus {record.fallback_flash_bytes:,}"
    cost = f"{record.network_mean:,.0f} {record.unit}{exact}"
    network = f"| {record.kernel} | {record.board} | network{width}, {used} | {flash} | {promise} | {cost} | |"
    return [network, *[_line(row) for row in record.rows]]


def _line(row: Alternative) -> str:
    if row.safe_share is None or row.cost is None:
        return f"| | | no {row.kind} | | | | {row.description} |"
    name = f"**{row.kind}, {'wins' if row.wins else 'would do'}**" if row.would_do else row.kind
    cells = (name, f"{row.flash_bytes:,}", f"{100 * row.safe_share:.2f} %", f"{row.cost.mean:,.0f}", row.description)
    return f"| | | {' | '.join(cells)} |"


@click.command()
@click.option("--board", default="microbit", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "out")
def main(board: str, out: Path) -> None:
    """Collect the rows and write the page."""
    collect(board, out)
    atomic_write(PAGE, page(load()))
    click.echo(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
