"""`axedge run` with TensorFlow Lite Micro: what is missing is said before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from axedge import cli

pytestmark = pytest.mark.qemu
cli._add_verbs()


@pytest.mark.parametrize("engine", ["tflm", "both"])
def test_without_tflm_the_road_ends_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], engine: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["run", "inversek2j", "--board", "microbit", "--engine", engine]) == 2
    said = capsys.readouterr().err
    assert "needs TensorFlow Lite Micro" in said and "--tflm DIR" in said and len(said.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
