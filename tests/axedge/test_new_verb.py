"""`axedge new`: a kernel that already works, all the way to a bench."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from axedge import cli
from axedge.kernels.kernel import load_kernel
from tests.end_to_end.conftest import axedge

cli._add_verbs()


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.cc
def test_a_new_kernel_computes_a_dew_point_under_its_own_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["new", "sensors/my_dew"]) == 0
    said = capsys.readouterr()
    assert said.out.split() == ["sensors/my_dew/kernel.toml", "sensors/my_dew/my_dew.c"]
    assert "axedge check ./sensors/my_dew --board microbit" in said.err
    assert "axedge run ./sensors/my_dew --board microbit" in said.err
    assert "NAME" not in Path("sensors/my_dew/kernel.toml").read_text() + Path("sensors/my_dew/my_dew.c").read_text()
    kernel = load_kernel("./sensors/my_dew")
    assert kernel.name == "my_dew"
    x = np.array([[20.0, 50.0], [0.0, 100.0], [30.0, 100.0]], np.float32)
    # 20 degC and 50 %: 9.3 degC in the psychrometric tables; saturated air is at its dew point
    np.testing.assert_allclose(kernel.exact(x)[:, 0], [9.26, 0.0, 30.0], atol=0.01)
    box = kernel.draw_box("test", 5000, 0)
    assert np.isfinite(kernel.exact(box)).all()


@pytest.mark.host
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("sin", "'sin' is a function of the C library"),
        ("arm_exact", "'arm_exact' must not end in _exact"),
        ("a-b", "'a-b' must be a C identifier"),
        ("inversek2j", "a kernel 'inversek2j' comes with axedge"),
        ("taken", "taken is there already"),
        ("file", "file is there already"),
    ],
)
def test_a_name_that_cannot_be_is_one_line(capsys: pytest.CaptureFixture[str], name: str, says: str) -> None:
    Path("taken").mkdir()
    Path("taken/mine.c").write_text("int mine;")
    Path("file").write_text("mine")
    before = sorted(Path().rglob("*"))
    assert cli.run(["new", name]) == 2
    said = capsys.readouterr().err.strip()
    assert says in said and len(said.splitlines()) == 1
    assert sorted(Path().rglob("*")) == before


@pytest.mark.cc
def test_a_trouble_is_told_once(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["new", "-q", "dewpoint"]) == 0
    toml = here / "dewpoint" / "kernel.toml"
    toml.write_text(toml.read_text().replace("bound  = 0.5", "bound  = 500.0"))
    capsys.readouterr()
    assert cli.run(["check", "-q", "./dewpoint"]) == 1
    said = capsys.readouterr()
    assert said.err == "axedge: dewpoint: trouble with bound, as said above.\n"
    assert said.out.count("tighten") == 1


@pytest.mark.host
def test_recorded_data_has_no_cost_to_compare_with(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = np.random.default_rng(0).random((3_000, 2))
    np.savetxt(here / "rig.csv", np.column_stack([x, x.prod(axis=1)]), delimiter=",")
    (here / "rig").mkdir()
    (here / "rig" / "kernel.toml").write_text(
        'name = "rig"\nsummary = "A rig"\n'
        'inputs = [{ name = "a", min = 0.0, max = 1.0 }, { name = "b", min = 0.0, max = 1.0 }]\n'
        'outputs = [{ name = "y" }]\n'
        '[error]\nmetric = "absolute"\nbound = 0.05\n[sample]\ndata = "../rig.csv"\n'
        "[network]\napproximator = [4]\npredictor = [3]\n"
    )
    assert cli.run(["check", "-q", "./rig", "--board", "microbit"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "recorded data without C" in said and "record more" in said


@pytest.mark.train
@pytest.mark.cc
def test_from_nothing_to_a_bench(here: Path) -> None:
    axedge("new", "dewpoint", cwd=here)
    axedge("train", "./dewpoint", "--steps", 300, "--restarts", 1, cwd=here)
    axedge("convert", "./dewpoint", "--no-guarantee", "--effort", 0, cwd=here)
    axedge("run", "./dewpoint", "--board", "native", "--samples", 300, cwd=here)
    body = json.loads((here / "out" / "dewpoint" / "native" / "aot-i8" / "bench.json").read_text())
    assert body["samples"] == 300 and body["vectors"]["mismatches"] == 0
    axedge("export", "./dewpoint", "--to", "c", cwd=here)
    assert (here / "out" / "dewpoint" / "export" / "c-aot" / "axnet_dewpoint" / "dewpoint.c").is_file()
