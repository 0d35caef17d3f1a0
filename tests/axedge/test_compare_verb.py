"""`axedge compare` through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from axedge import cli, verbs_compare
from axedge.artifacts.records.results import ResultRow, Results, Spread
from axedge.show import show_compare
from axedge.terminal import Terminal
from axedge.train import compare
from axedge.train.recipes import DEFAULT

cli._add_verbs()
TINY = DEFAULT.scaled(50, 2)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.run(["--quiet", "compare", *arguments])
    streams = capsys.readouterr()
    return code, streams.out, streams.err


@pytest.mark.host
def test_the_methods_are_those_of_the_plan() -> None:
    assert set(verbs_compare.METHODS) == {method for _, method, _ in compare.PLAN}


@pytest.mark.host
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Missing argument 'KERNEL...'"),
        (["inversek2j", "ftf"], "Did you mean fft"),
        (["fft", "--method", "iterativ"], "'iterativ' is not one of"),
        (["fft", "--seeds", "0"], "--seeds"),
    ],
)
def test_a_typing_error_is_one_line(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert says in err and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.train
@pytest.mark.cc
def test_a_comparison_is_run_once_and_shown(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        compare, "PLAN", (("as published", "axnet", TINY), ("equal effort", "axnet", TINY), ("equal effort", "x", TINY))
    )
    arguments = ("fft", "fft", "--method", "axnet", "--seeds", "1", "--out", str(tmp_path))
    code, out, err = run(capsys, *arguments, "--json")
    assert (code, err) == (0, "")
    body = json.loads(out)
    assert body["schema"] == 1
    assert [(row["kernel"], row["block"], row["method"], row["seeds"]) for row in body["rows"]] == [
        ("fft", "as published", "axnet", 1),
        ("fft", "equal effort", "axnet", 1),
    ]
    assert [row.model_dump() for row in Results.load(tmp_path).rows] == body["rows"]

    monkeypatch.setattr(compare, "run_cell", lambda *_: pytest.fail("trained again"))
    code, out, _ = run(capsys, *arguments)
    assert code == 0
    assert out.count("fft, as published, 1 seed\n") == out.count("fft, equal effort, 1 seed\n") == 1
    share = f"{100 * body['rows'][0]['true_invocation']['mean']:.1f}"
    lines = [line.split() for line in out.splitlines() if line.split()[:1] == ["axnet"]]
    assert [line[:2] for line in lines] == [["axnet", share]] * 2


@pytest.mark.host
def test_the_longest_row_fits_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    share, slow = Spread(mean=0.9876, sd=0.1234), Spread(mean=1234.0, sd=1.0)
    shares = ("true_invocation", "invocation", "useful_invocation", "precision", "inv95", "inv99", "median_error")
    row = ResultRow(
        kernel="blackscholes",
        method="axnet-paper",
        block="as published",
        parameters=1000,
        seeds=5,
        cpu_seconds=slow,
        **dict.fromkeys(shares, share),
    )
    show_compare(Terminal(), [row, row.model_copy(update={"precision": None})], as_json=False)
    out = capsys.readouterr().out
    assert "blackscholes" in out and "axnet-paper" in out and "98.8 ±12.3" in out and "1234" in out
    assert all(len(line) <= 80 for line in out.splitlines()[:-1])
