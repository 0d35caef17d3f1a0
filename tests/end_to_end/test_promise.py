"""Faults put into a converted network by hand: a promise that the device breaks, or another's, is told loudly."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from axedge.artifacts.files import digest_file
from tests.end_to_end.conftest import axedge

pytestmark = [pytest.mark.cc, pytest.mark.train, pytest.mark.xdist_group("road")]

BENCH = ("bench", "inversek2j", "--board", "native", "--samples", 5000)


def with_a_low_threshold(road: Path, folder: Path, *, also_said: bool) -> None:
    """Copy a converted network whose generated gate lets everything through; `also_said`: convert.json says so, too."""
    for stage in ("train", "convert"):
        shutil.copytree(road / "out" / "inversek2j" / stage, folder / "out" / "inversek2j" / stage)
    convert = folder / "out" / "inversek2j" / "convert"
    header, record = convert / "axnet_inversek2j.h", convert / "convert.json"
    text, count = re.subn(r"(_THRESHOLD) \S+", r"\1 -128", header.read_text())
    assert count == 1
    header.write_text(text)
    body = json.loads(record.read_text())
    body["files"][header.name] = digest_file(header)
    if also_said:
        body["threshold"] = -128
    record.write_text(json.dumps(body))


def flashed(folder: Path) -> None:
    axedge("build", "inversek2j", "--board", "native", cwd=folder)
    axedge("flash", "inversek2j", "--board", "native", cwd=folder)


def test_a_promise_that_the_device_breaks_fails_the_bench(road: Path, tmp_path: Path) -> None:
    with_a_low_threshold(road, tmp_path, also_said=True)
    flashed(tmp_path)
    answer = axedge(*BENCH, cwd=tmp_path, expect=1)
    assert "the guarantee is broken: at most 5 % violations were promised, and there are at least" in answer.stderr
    body = json.loads((tmp_path / "out" / "inversek2j" / "native" / "aot-i8" / "bench.json").read_text())
    assert body["guarantee"]["held"] is False and body["violation_rate"]["low"] > 0.05


def test_a_gate_that_is_not_the_one_promised_is_refused(road: Path, tmp_path: Path) -> None:
    with_a_low_threshold(road, tmp_path, also_said=False)
    flashed(tmp_path)
    answer = axedge(*BENCH, cwd=tmp_path, expect=3)
    assert "the board's gate is not the one of convert.json: threshold -128" in answer.stderr
    assert not (tmp_path / "out" / "inversek2j" / "native" / "aot-i8" / "bench.json").exists()
