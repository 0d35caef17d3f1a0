"""docs/results.md: made from rows, and saying which are missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from axedge.artifacts.records.results import ResultRow, Results, Spread
from axedge.kernels.kernel import kernel_names
from axedge.kernels.metrics import invocation_at_precision
from axedge.train.compare import PLAN
from benchmarks import results_figures, results_page

pytestmark = pytest.mark.host
SHARES = ("true_invocation", "invocation", "useful_invocation", "precision", "inv95", "inv99")


def row(kernel: str, block: str, method: str, level: float, seeds: int = 5, **others: object) -> ResultRow:
    """A row whose shares are all `level`, and whose error and time are 1."""
    figures = dict.fromkeys(SHARES, Spread(mean=level, sd=0.01)) | {"median_error": Spread(mean=1.0, sd=0.0)}
    figures |= {"cpu_seconds": Spread(mean=1.0, sd=0.0)} | others
    return ResultRow(kernel=kernel, block=block, method=method, parameters=60, seeds=seeds, **figures)


@pytest.fixture
def rows() -> list[ResultRow]:
    """All of fft, AXNet ahead, and AXNet's rows alone of sobel."""
    levels = {"axnet": 0.9, "axnet-paper": 0.3, "one-pass": 0.5, "iterative": 0.6}
    fft = [row("fft", block, method, levels[method]) for block, method, _ in PLAN]
    return fft + [row("sobel", block, "axnet", 0.7, seeds=2) for block in ("as published", "equal effort")]


def test_missing_cells_are_named(rows: list[ResultRow]) -> None:
    said = results_page.missing(rows)
    assert len(said) == len(results_page.KERNELS) - 1
    assert not any("fft" in line for line in said)
    assert "- jpeg: not run." in said
    (sobel,) = (line for line in said if "sobel" in line)
    assert "axnet (as published) 3 of 5 seeds" in sobel and "iterative (equal effort) 5 of 5 seeds" in sobel
    few = [row("fft", block, method, 0.5, seeds=1) for block, method, _ in PLAN]
    assert "- fft: 4 of 5 seeds of every method." in results_page.missing(few)
    text = results_page.page(rows)
    assert all(line in text for line in said)
    assert results_page.missing([]) == [f"- {kernel}: not run." for kernel in results_page.KERNELS]


def test_every_kernel_is_expected() -> None:
    assert set(results_page.KERNELS) == set(kernel_names()) - {"inversek2j_double"}


def test_the_page_holds_the_rows_and_ratios_and_mixes_no_blocks(rows: list[ResultRow]) -> None:
    published, equal = results_page.page(rows).split("## Equal effort")
    assert "| fft | axnet-paper | 60 | 5 | 0.300 ± 0.010 |" in published and "axnet-paper |" not in equal
    for part in (published, equal):
        assert "| fft | iterative | 60 | 5 | 0.600 ± 0.010 |" in part
        assert "| fft | 1.80 | 1.50 | 1.00 |" in part
        assert "| sobel | axnet | 60 | 2 |" in part
    assert "In none of the rows above" in equal


def test_losses_are_said() -> None:
    def block(**others: object) -> list[ResultRow]:
        return [
            row("fft", "equal effort", "axnet", 0.8, **others),
            row("fft", "equal effort", "one-pass", 0.7),
            row("fft", "equal effort", "iterative", 0.75),
        ]

    assert results_page.losses(block()) == []
    assert results_page.losses(block(inv95=Spread(mean=0.74, sd=0.02))) == [
        "- fft, equal effort: invocation at 95 % precision 0.740 ± 0.020, iterative 0.750 ± 0.010."
    ]
    (slower,) = results_page.losses(block(cpu_seconds=Spread(mean=9.0, sd=0.5)))
    assert "CPU seconds 9 ±" in slower
    (silent,) = results_page.losses(block(precision=None))
    assert "precision none: never says safe, iterative 0.750" in silent


def test_a_saturated_kernel_counts_in_no_mean() -> None:
    def pair(kernel: str, ours: float, theirs: float) -> list[ResultRow]:
        return [row(kernel, "as published", "axnet", ours), row(kernel, "as published", "iterative", theirs)]

    text = results_page.page(pair("fft", 0.9, 0.3) + pair("sobel", 0.8, 0.5) + pair("kmeans", 1.0, 0.99))
    assert "| kmeans (saturated) | not run | 1.01 | 1.00 |" in text
    assert f"| all 2 that are not saturated, by their means | | {1.7 / 0.8:.2f} | 1.00 |" in text
    assert "theirs is 0.000" in results_page.page(pair("fft", 0.9, 0.0))
    assert "theirs is 0.001" in results_page.page(pair("fft", 0.9, 0.001))


def test_rows_are_kept_one_file_a_kernel(tmp_path: Path, rows: list[ResultRow]) -> None:
    results_page.keep_rows(Results(axedge="1", inputs_digest="", rows=rows), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"fft.json", "sobel.json"}
    newer = row("sobel", "equal effort", "axnet", 0.75)
    results_page.keep_rows(Results(axedge="1", inputs_digest="", rows=[newer]), tmp_path)
    read = results_page.read_rows(sorted(tmp_path.glob("*.json")))
    assert read == [*rows[:-1], newer]


def test_the_committed_page_is_made_of_the_committed_rows() -> None:
    rows = results_page.read_rows(results_page.kept_files())
    assert results_page.PAGE.read_text("utf-8") == results_page.page(rows, results_page.drawn_figures())


def test_the_curve_meets_invocation_at_precision() -> None:
    rng = np.random.default_rng(5)
    logit = np.round(rng.normal(size=2_000), 1).astype(np.float32)
    safe = rng.random(2_000) < 1.0 / (1.0 + np.exp(-3.0 * logit))
    judged = results_figures.Judged(np.zeros((2_000, 1), np.float32), np.zeros(2_000), safe, logit)
    invocation, precision = results_figures.precision_curve(judged)
    assert invocation[-1] == 1.0 and precision[-1] == pytest.approx(safe.mean())
    assert invocation[precision >= 0.95].max() == invocation_at_precision(safe, logit, 0.95)


def test_the_inputs_that_decide_are_found() -> None:
    x = np.random.default_rng(6).random((4_000, 5)).astype(np.float32)
    assert results_figures.deciding_inputs(x, (x[:, 1] > 0.4) & (x[:, 3] < 0.7)) == [1, 3]


@pytest.mark.parametrize("name", ["fft", "inversek2j", "wetbulb"])
def test_a_figure_is_drawn_for_any_number_of_inputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[ResultRow], name: str
) -> None:
    kernel = results_figures.load_kernel(name)
    assert "run `axedge train" in results_figures.draw_figure(name, tmp_path, rows, tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()

    class Record:
        parameters = 60
        kernel_digest = kernel.digest()

    rng = np.random.default_rng(1)
    x = rng.random((900, len(kernel.inputs))).astype(np.float32)
    judged = results_figures.Judged(x, rng.random(900), rng.random(900) < 0.8, rng.normal(size=900).astype(np.float32))
    monkeypatch.setattr(results_figures.TrainRecord, "load_if_present", lambda _: Record)
    monkeypatch.setattr(results_figures, "judge", lambda *_: judged)
    results_figures.draw_figure(name, tmp_path, rows, tmp_path / "a.png")
    results_figures.draw_figure(name, tmp_path, rows, tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
