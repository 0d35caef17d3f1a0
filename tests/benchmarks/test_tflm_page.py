"""The table of docs/tflm.md: what the page has is what its rows would be written as."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.engine.measure import Row
from benchmarks.tflm.page import BEGIN, END, table, with_table

PAGE = Path(__file__).parents[2] / "docs" / "tflm.md"


def lines_of_page() -> list[str]:
    between = PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    return [line for line in between.splitlines() if line.startswith("|")]


def rows_of_page() -> list[Row]:
    """Return the rows that stand in the page."""
    rows, above = [], ["", "", ""]
    for line in lines_of_page()[2:]:
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        above = [cell or old for cell, old in zip(cells[:3], above, strict=True)]
        network, core, engine = above
        sizes = [int(cell.replace(",", "")) for cell in cells[4:8]]
        core = core.lower().replace("m4f", "m4")
        measure = cells[3].replace("call, ", "call_")
        rows.append(Row(engine.replace(",", ""), core, network, "speed", measure, *sizes))
    return rows


def test_the_page_is_as_its_rows_are_written() -> None:
    rows = rows_of_page()
    assert len(rows) == 2 * 3 * 3 + 2 * 3 * 2
    assert table(rows) == lines_of_page()
    written = with_table(f"before\n{BEGIN}\nan old run's\n{END}\nafter\n", rows)
    assert written == "\n".join(["before", BEGIN, *table(rows), END, "after", ""])


def test_what_tflm_takes_is_set_over_the_same_measure_of_aot() -> None:
    one = Row("aot", "cortex-m0", "small", "speed", "core", 400.4, 1000, 0, 60)
    other = Row("tflm reference", "cortex-m0", "small", "speed", "core", 8008.0, 37000, 2000, 500)
    arm = Row("tflm cmsis-nn", "cortex-m0", "small", "speed", "core", 4004.0, 39000, 2000, 600)
    assert table([other, one, arm])[2:] == [
        "| small | Cortex-M0 | aot | core | 400 | 1,000 | 0 | 60 | |",
        "| | | tflm, CMSIS-NN | core | 4,004 | 39,000 | 2,000 | 600 | 10.0 |",
        "| | | tflm, reference | core | 8,008 | 37,000 | 2,000 | 500 | 20.0 |",
    ]
    with pytest.raises(ValueError, match="the page lacks"):
        with_table("a page without marks", [one])
