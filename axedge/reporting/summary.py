"""The report as one page of Markdown, for a pull request."""

from __future__ import annotations

from axedge.host.words import number, percent
from axedge.reporting.material import Material
from axedge.reporting.page import board_rows, four_numbers, provenance

_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]<>#|"})


def render_summary(material: Material, command: str) -> str:
    """Return the page.

    Args:
        material: what it is about.
        command: that made it.
    """
    bench, error = material.bench, material.bench.error
    lines = [f"# {_plain(bench.kernel)} on {_plain(bench.board)}", "", f"**{_plain(bench.verdict)}**", ""]
    lines += ["| | | |", "|---|---:|---|"]
    lines += [f"| {one.name} | **{one.value}** | {_plain(one.note)} |" for one in four_numbers(material)]
    rate, promised = bench.violation_rate, None if bench.guarantee is None else 1 - bench.guarantee.eps
    lines += [
        f"| Precision | {percent(bench.precision, promised)} | of the answers used are within the bound |",
        f"| Violation rate | {percent(rate.value)} | 95 % interval {percent(rate.low)} to {percent(rate.high)} |",
        f"| Error | {number(error.median)} | median of the used; p95 {number(error.p95)}, p99 {number(error.p99)} |",
        "",
        "## Boards and engines",
        "",
    ]
    head, *rows = board_rows(material)
    lines += [_row(head), _row(["---"] * len(head)), *map(_row, rows), ""]
    if material.alternatives is not None:
        lines += ["## What else would do", "", _plain(material.alternatives.verdict), ""]
    lines += ["## Where the figures are from", "", "| | |", "|---|---|"]
    lines += [_row(pair) for pair in provenance(material, command)]
    return "\n".join(lines) + "\n"


def _row(cells: tuple[str, ...] | list[str]) -> str:
    return f"| {' | '.join(cell if set(cell) == {'-'} else _plain(cell) for cell in cells)} |"


def _plain(text: str) -> str:
    """Return text in which Markdown and HTML find nothing of theirs."""
    return " ".join(text.split()).translate(_SPECIAL)
