"""docs/alternatives.md: made from records, winners marked, and saying which kernels are missing."""

from __future__ import annotations

import pytest

from axedge.artifacts.records.alternatives import Alternative, AlternativesRecord
from axedge.artifacts.records.bench import ErrorFigures, Spread
from benchmarks.alternatives_page import PAGE, load, page
from benchmarks.results_page import KERNELS, ROOT

pytestmark = pytest.mark.host


def test_winners_are_marked_and_missing_kernels_named() -> None:
    cost = Spread(min=1.0, median=2.0, mean=1234.4, p95=3.0, max=4.0)
    error = ErrorFigures(median=0.1, p95=0.2, p99=0.3, max=0.4)
    table = Alternative(
        kind="table",
        description="9 x 9 nodes",
        flash_bytes=800,
        safe_share=0.98764,
        safe_low=0.98,
        safe_high=0.99,
        error=error,
        cost=cost,
        would_do=True,
        wins=True,
    )
    record = AlternativesRecord(
        axedge="1",
        inputs_digest="d",
        kernel="fft",
        board="microbit",
        engine="aot",
        activations="int8",
        model_hash="0" * 16,
        bench_digest="b",
        samples=5000,
        flash_budget_bytes=900,
        fallback_flash_bytes=10_200,
        precision_wanted=0.95,
        unit="instructions",
        network_mean=2000.0,
        exact_mean=None,
        invocation=0.9,
        rows=(table, Alternative(kind="polynomial", description="no polynomial fits")),
        verdict="A table would do instead.",
    )
    text = page([record])
    assert "| fft | microbit | network, used on 90.0 % | 900 plus 10,200 |" in text
    assert "| | | **table, wins** | 800 | 98.76 % | 1,234 | 9 x 9 nodes |" in text
    wide = record.model_copy(update={"activations": "int16"})
    assert "| network (int16), used on 90.0 % |" in page([wide])
    slower = record.model_copy(update={"rows": (table.model_copy(update={"wins": False}),)})
    assert "| | | **table, would do** | 800 |" in page([slower])
    assert "| | | no polynomial | | | | no polynomial fits |" in text
    assert "In short: on 1 (fft) a table or a polynomial would do in the network's place." in text
    neither = record.model_copy(update={"rows": (table.model_copy(update={"would_do": False, "wins": False}),)})
    assert "on 1 (fft) the network is what is left" in page([neither])
    cheap = neither.model_copy(update={"exact_mean": 1999.0, "kernel": "jpeg"})
    assert "on 1 (jpeg) none of the three is worth it" in page([cheap])
    told = page([record.model_copy(update={"verdict": "But a polynomial of Chebyshev terms would do better."})])
    assert "- **fft**: A polynomial of Chebyshev terms would do better." in told
    assert "Not here: inversek2j" in text
    assert "fft, " not in text.split("Not here")[1].split("\n")[0]


def test_the_page_and_the_readme_are_those_of_the_kept_rows_of_all_kernels() -> None:
    rows = {row.kernel: row for row in load()}
    assert set(rows) == set(KERNELS)
    assert PAGE.read_text(encoding="utf-8") == page(load())
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for row in rows["inversek2j"].rows:
        name = "lookup table" if row.kind == "table" else row.kind
        figures = f"{row.cost.mean:,.0f} | {100 * row.safe_share:.1f} % | no | {row.flash_bytes:,} | 0 |"
        assert f"| {name}, {row.description.removesuffix(', in loops')} | {figures}" in readme
    winning = [kernel for kernel, row in rows.items() if any(one.wins for one in row.rows)]
    assert len(winning) == 6 and "on six of the ten kernels" in readme
