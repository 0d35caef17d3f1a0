"""The table of docs/tflm.md, from the rows that were measured."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.engine.measure import Row

BEGIN, END = "<!-- written by `python -m benchmarks.tflm` -->", "<!-- up to here -->"
_CORES = {"cortex-m0": "Cortex-M0", "cortex-m4": "Cortex-M4F"}
_HEAD = (
    "| network | core | engine | measure | instructions | flash B | RAM B | stack B | over aot |",
    "|---|---|---|---|---:|---:|---:|---:|---:|",
)


def with_table(page: str, rows: Sequence[Row]) -> str:
    """Return the page with these rows between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"the page lacks {BEGIN} or {END}")
    return "\n".join([before + BEGIN, *table(rows), END]) + after


def table(rows: Sequence[Row]) -> list[str]:
    """Return the rows as lines; what stands above a cell is not said again."""
    aot = {(row.network, row.core, row.measure): row.instructions for row in rows if row.engine == "aot"}
    lines, above = list(_HEAD), ("", "", "")
    for row in sorted(rows, key=lambda row: (*_place(rows, row), row.engine)):
        here = (row.network, row.core, row.engine)
        said = [*(("", "") if here[:2] == above[:2] else (row.network, _CORES[row.core]))]
        said.append("" if here == above else row.engine.replace("tflm ", "tflm, ").replace("cmsis-nn", "CMSIS-NN"))
        above = here
        ratio = row.instructions / aot[row.network, row.core, row.measure]
        figures = [f"{value:,.0f}" for value in (row.instructions, row.flash_bytes, row.ram_bytes, row.stack_bytes)]
        over = "" if row.engine == "aot" else f"{ratio:.1f}"
        cells = [*said, row.measure.replace("call_", "call, "), *figures, over]
        lines.append("| " + " | ".join(cells) + " |")
    return [line.replace("|  |", "| |").replace("|  |", "| |") for line in lines]


def _place(rows: Sequence[Row], row: Row) -> tuple[int, int]:
    """Return where network and core came first among all rows."""
    networks, cores = (
        list(dict.fromkeys(each)) for each in zip(*((one.network, one.core) for one in rows), strict=True)
    )
    return networks.index(row.network), cores.index(row.core)
