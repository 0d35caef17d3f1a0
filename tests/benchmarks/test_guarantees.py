"""The table of guarantees: means over cells, and columns of results.json that a comparison keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from axedge.artifacts.records.results import GuaranteeCell, ResultRow, Results, Spread
from axedge.train.compare import _merge
from benchmarks.guarantees import fill_in, meaning, page

pytestmark = pytest.mark.host


def cell(seed: int, activations: str, invocation: float, rate: float = 0.049) -> GuaranteeCell:
    return GuaranteeCell(
        axedge="1",
        inputs_digest="d",
        kernel="inversek2j",
        seed=seed,
        activations=activations,
        candidate="axnet.keras",
        how="fine-tuned",
        model_hash="0" * 16,
        fresh=200_000,
        invocation=invocation,
        violations=1,
        violation_rate=rate,
        float_invocation=0.85,
        without_limit=invocation + 0.01,
        foreign_count=20_000,
        foreign_invoked=100,
        foreign_bound=0.007,
        cpu_seconds=1.0,
    )


def row(method: str) -> ResultRow:
    one = Spread(mean=0.5, sd=0.1)
    shares = dict.fromkeys(("true_invocation", "invocation", "useful_invocation", "inv95", "inv99"), one)
    return ResultRow(
        kernel="inversek2j",
        method=method,
        block="equal effort",
        parameters=60,
        seeds=2,
        precision=one,
        median_error=one,
        cpu_seconds=one,
        **shares,
    )


CELLS = [cell(0, "int8", 0.80), cell(1, "int8", 0.82, rate=0.051), cell(0, "int16", 0.86), cell(0, "two-byte", 0.84)]


def test_the_page_has_means_and_counts_broken_promises():
    (line,) = [line for line in page(CELLS).splitlines() if line.startswith("| inversek2j")]
    widths = "81.0 ± 1.4 | 82.0 ± 1.4 | 84.0 | 85.0 | 86.0 | 87.0"
    assert line == f"| inversek2j | 2/1/1 | 85.0 ± 0.0 | {widths} | 0.50 % | 1 of 4 |"


def test_a_width_that_can_promise_nothing_counts_as_0_and_does_not_hide_the_float_figure():
    nothing = cell(0, "int8", 0.0).model_copy(
        update={"model_hash": "", "float_invocation": 0.0, "violation_rate": None, "without_limit": None}
    )
    (line,) = [line for line in page([nothing, cell(0, "int16", 0.86)]).splitlines() if line.startswith("| inversek2j")]
    assert line.startswith("| inversek2j | 1/1 | 85.0 | 0.0 | - |")
    unlimited = nothing.model_copy(update={"foreign_count": 0, "foreign_invoked": 0, "foreign_bound": None})
    (line,) = [one for one in page([unlimited, cell(0, "int16", 0.86)]).splitlines() if one.startswith("| inversek2j")]
    assert "| 0.50 % (int16) |" in line, "it has foreign points, though int8 promises nothing of them"
    assert "| none there |" in page([unlimited])


def test_the_columns_stand_in_our_rows_only_and_a_comparison_keeps_them(tmp_path):
    Results(axedge="1", inputs_digest="d", rows=[row("axnet"), row("one-pass")]).save(tmp_path)
    fill_in(tmp_path, CELLS)
    _merge(tmp_path, [row("axnet")])
    ours, other = Results.load(tmp_path).rows
    assert ours.guarantee95_int8.mean == pytest.approx(0.81) and ours.guarantee95_int16 == Spread(mean=0.86, sd=0.0)
    assert ours.guarantee95_two_byte.mean == 0.84
    assert ours.guarantee95_float.mean == 0.85 and other.guarantee95_int8 is None


def test_the_page_of_conversion_quotes_the_page_of_guarantees() -> None:
    docs = Path(__file__).parents[2] / "docs"
    written = [line.split(" | ") for line in (docs / "guarantees.md").read_text(encoding="utf-8").splitlines()]
    whole = {cells[0].removeprefix("| "): cells for cells in written if len(cells) > 9}
    quoted = (docs / "convert.md").read_text(encoding="utf-8").split("\n## What it reaches")[1].split("\n\n")[1]
    rows = [line.split(" | ") for line in quoted.splitlines()[2:]]
    assert len(rows) == 3
    for row in rows:
        page = whole[row[0].removeprefix("| ").split(",")[0]]
        assert [row[place].split(" %")[0] for place in (1, 3, 4)] == [page[place] for place in (3, 5, 7)]


def test_a_cell_is_made_again_once_code_means_something_else():
    code = 'def f(x):\n    """Words."""\n    return x  # why\n'
    assert meaning(code) == meaning('"""Page."""\n\n\ndef f(x):\n    return (x)\n')
    assert meaning(code) != meaning(code.replace("return x", "return -x"))
