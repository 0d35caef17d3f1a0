"""The engine tflm with the library that the user names in TFLM: on both cores, with every library built for them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from axedge.artifacts.errors import UsageError
from axedge.firmware.boards import load_board
from axedge.firmware.tflm import ARCHIVE, find_tflm
from axedge.firmware.toolchain import find_toolchain
from axedge.kernels.kernel import load_kernel
from tests.end_to_end.conftest import axedge

pytestmark = [pytest.mark.qemu, pytest.mark.train, pytest.mark.xdist_group("tflm")]

TFLM = os.environ.get("TFLM", "")
needs_tflm = pytest.mark.skipif(not TFLM, reason="no TensorFlow Lite Micro was named with TFLM=DIR")
BOARDS = ("microbit", "mps2-an386")
SAMPLES = 300


def libraries() -> list[Any]:
    """Return (board, folder of a library that fits it) for all that are built in the tree."""
    found = []
    for name in BOARDS if TFLM else ():
        board = load_board(name)
        for archive in sorted(Path(TFLM).rglob(ARCHIVE)):
            try:
                fit = find_tflm(archive.parent.parent, board, find_toolchain(board.toolchain))
            except UsageError:
                continue
            found.append(pytest.param(name, archive.parent.parent, id=f"{name} {fit.kernels}"))
    return found or [pytest.param("microbit", Path(), id="none")]


@pytest.fixture(scope="session")
def quick_road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a small network was trained for a moment; what it is worth does not matter here."""
    folder = tmp_path_factory.mktemp("tflm")
    axedge("train", "inversek2j", "--steps", "400", "--restarts", "2", cwd=folder)
    return folder


def convert(road: Path, activations: str) -> None:
    wishes = ("--activations", activations, "--no-guarantee", "--effort", "0.01")
    axedge("convert", "inversek2j", *wishes, cwd=road)


@needs_tflm
def test_both_cores_are_covered_with_built_tflm() -> None:
    assert {case.values[0] for case in libraries() if case.values[1] != Path()} == set(BOARDS)


@needs_tflm
@pytest.mark.parametrize(("board", "library"), libraries())
@pytest.mark.parametrize("activations", ["int8", "int16"])
def test_both_engines_agree_on_one_board_with_built_tflm(
    quick_road: Path, board: str, library: Path, activations: str
) -> None:
    convert(quick_road, activations)
    options = ("inversek2j", "--board", board)
    if not (quick_road / "out" / "inversek2j" / board / f"aot-{'i8' if activations == 'int8' else 'i16'}").is_dir():
        axedge("build", *options, cwd=quick_road)
    tflm = ("--engine", "tflm", "--tflm", library, "--json")
    if activations == "int16" and "cmsis_nn" in library.name:
        said = axedge("build", *options, *tflm, cwd=quick_road, expect=1).stderr
        assert "CMSIS-NN kernels take no 16-bit layer with a scale per channel" in " ".join(said.split())
        return
    built = axedge("build", *options, *tflm, cwd=quick_road)
    arena = json.loads(built.stdout)["tflm"]
    assert arena["arena_is"] == "measured" and arena["arena_bytes"] == arena["arena_needed_bytes"] + 64
    assert 1000 < arena["arena_needed_bytes"] < 4000 and 300 < arena["stack_bytes"] < 1500
    answer = axedge("bench", *options, "--engine", "both", "--samples", SAMPLES, "--json", cwd=quick_road)
    record = json.loads(answer.stdout)
    assert record["activations"] == activations
    assert record["agreement"] == {"vectors": 1024, "samples": SAMPLES, "differing": 0}
    paths = record["aot_bench"]["paths"]
    assert paths == record["tflm_bench"]["paths"] and paths["approximated"] > 0
    assert record["tflm_bench"]["error"] == record["aot_bench"]["error"]
    assert record["ratio"]["approximate"] > 3 and record["ratio"]["flash"] > 3
    assert record["tflm_bench"]["ticks"]["exact"]["mean"] == pytest.approx(
        record["aot_bench"]["ticks"]["exact"]["mean"], rel=0.01
    )
    check_the_guard(quick_road, options)
    print(f"\n{board}, {arena['kernels']}, {activations}: arena needed {arena['arena_needed_bytes']} B")


def check_the_guard(road: Path, options: tuple[object, ...]) -> None:
    """Most points of inversek2j's box are out of reach of the arm: the guard turns them away before either network."""
    guard = json.loads((road / "out" / "inversek2j" / "convert" / "convert.json").read_text())["guard"]
    assert guard, "this kernel has no guard but the box"
    box = load_kernel("inversek2j").draw_box("test", SAMPLES, 0)
    box[:2] = [[np.nan, 0.5], [0.5, np.inf]]
    np.savez(road / "box.npz", x=box)
    answer = axedge("bench", *options, "--engine", "both", "--inputs", "box.npz", "--json", cwd=road)
    record = json.loads(answer.stdout)
    assert record["agreement"]["differing"] == 0 and record["agreement"]["samples"] == SAMPLES
    paths = record["aot_bench"]["paths"]
    assert paths == record["tflm_bench"]["paths"]
    assert paths["out_of_domain"] > SAMPLES / 2 and paths["approximated"] > 0


@needs_tflm
@pytest.mark.parametrize(("board", "library"), {case.values[0]: case for case in libraries()}.values())
def test_a_short_arena_is_an_error_reply_not_a_fault_with_built_tflm(
    quick_road: Path, board: str, library: Path
) -> None:
    convert(quick_road, "int8")
    options = ("inversek2j", "--board", board, "--engine", "tflm")
    built = axedge("build", *options, "--tflm", library, "--json", cwd=quick_road)
    needed = json.loads(built.stdout)["tflm"]["arena_needed_bytes"]
    for size, is_enough in ((needed - 16, False), (needed, True)):
        axedge("build", *options, "--tflm", library, "--arena", size, cwd=quick_road)
        axedge("flash", *options, cwd=quick_road)
        said = axedge("bench", *options, "--samples", 20, cwd=quick_road, expect=0 if is_enough else 3).stderr
        assert is_enough or (f"ENGINE_INIT, detail {size}" in said and "Traceback" not in said)


@needs_tflm
def test_run_walks_the_whole_way_with_built_tflm(quick_road: Path) -> None:
    convert(quick_road, "int8")
    board, library = libraries()[0].values
    arguments = ("inversek2j", "--board", board, "--engine", "tflm", "--tflm", library, "--samples", 50)
    first = axedge("run", *arguments, cwd=quick_road, within_s=1800)  # the alternatives are built and benched as well
    assert f"inversek2j on {board}" in first.stdout
    again = axedge("run", *arguments, cwd=quick_road)
    assert "build    up to date" in again.stderr and "bench    up to date" in again.stderr
    both = axedge("run", *arguments[:3], "--engine", "both", *arguments[5:], cwd=quick_road)
    assert both.stderr.count("build    up to date") == 1 and "The same bits: 1,024 stored vectors" in both.stdout
