"""The engine tflm with the library that the user names in TFLM: on both cores, with every library built for them."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from axedge.artifacts.errors import UsageError
from axedge.firmware.boards import load_board
from axedge.firmware.tflm import fitting_tflm
from axedge.firmware.toolchain import find_toolchain
from axedge.kernels.kernel import load_kernel
from tests.end_to_end import conftest

pytestmark = [pytest.mark.qemu, pytest.mark.train, pytest.mark.xdist_group("tflm"), pytest.mark.timeout(3600)]
axedge = functools.partial(conftest.axedge, within_s=1800)  # TFLM is a lot to compile on a busy computer

TFLM = os.environ.get("TFLM", "")
needs_tflm = pytest.mark.skipif(not TFLM, reason="no TensorFlow Lite Micro was named with TFLM=DIR")
BOARDS = ("microbit", "mps2-an386")
SAMPLES = 300


def libraries() -> list[Any]:
    """Return (board, folder of a library that fits it) for all that are built in the tree."""
    found = []
    for name in BOARDS if TFLM else ():
        board = load_board(name)
        with contextlib.suppress(UsageError):
            fitting = fitting_tflm(Path(TFLM), board, find_toolchain(board.toolchain))
            found += [pytest.param(name, one.folder, id=f"{name} {one.kernels}") for one in fitting]
    return found or [pytest.param("microbit", Path(), id="none")]


@pytest.fixture(scope="session")
def quick_road(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function from "int8" or "int16" to a folder with a small network of that width, trained for a moment.

    What it is worth does not matter here.
    """
    trained = tmp_path_factory.mktemp("trained")

    @functools.cache
    def converted(activations: str) -> Path:
        folder = tmp_path_factory.mktemp(activations)
        shutil.copytree(trained, folder, dirs_exist_ok=True)
        wishes = ("--activations", activations, "--no-guarantee", "--effort", "0.01")
        axedge("convert", "inversek2j", *wishes, cwd=folder)
        return folder

    axedge("train", "inversek2j", "--steps", "400", "--restarts", "2", cwd=trained)
    return converted


@needs_tflm
def test_both_cores_are_covered_with_built_tflm() -> None:
    assert {case.values[0] for case in libraries() if case.values[1] != Path()} == set(BOARDS)


@needs_tflm
@pytest.mark.parametrize(("board", "library"), libraries())
@pytest.mark.parametrize("activations", ["int8", "int16"])
def test_both_engines_agree_on_one_board_with_built_tflm(
    quick_road: Callable[[str], Path], board: str, library: Path, activations: str
) -> None:
    road = quick_road(activations)
    options = ("inversek2j", "--board", board)
    axedge("build", *options, cwd=road)
    tflm = ("--engine", "tflm", "--tflm", library, "--json")
    if activations == "int16" and "cmsis_nn" in library.name:
        said = axedge("build", *options, *tflm, cwd=road, expect=1).stderr
        assert "CMSIS-NN kernels take no 16-bit layer with a scale per channel" in " ".join(said.split())
        return
    built = axedge("build", *options, *tflm, cwd=road)
    arena = json.loads(built.stdout)["tflm"]
    assert arena["arena_is"] == "measured" and arena["arena_bytes"] == arena["arena_needed_bytes"] + 64
    assert 1000 < arena["arena_needed_bytes"] < 4000 and 300 < arena["stack_bytes"] < 1500
    answer = axedge("bench", *options, "--engine", "both", "--samples", SAMPLES, "--json", cwd=road)
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
    check_the_guard(road, options)
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
    quick_road: Callable[[str], Path], board: str, library: Path
) -> None:
    road = quick_road("int8")
    options = ("inversek2j", "--board", board, "--engine", "tflm")
    built = axedge("build", *options, "--tflm", library, "--json", cwd=road)
    needed = json.loads(built.stdout)["tflm"]["arena_needed_bytes"]
    for size, is_enough in ((needed - 16, False), (needed, True)):
        axedge("build", *options, "--tflm", library, "--arena", size, cwd=road)
        axedge("flash", *options, cwd=road)
        said = axedge("bench", *options, "--samples", 20, cwd=road, expect=0 if is_enough else 3).stderr
        assert is_enough or (f"ENGINE_INIT, detail {size}" in said and "Traceback" not in said)


@needs_tflm
def test_run_walks_the_whole_way_with_both_engines_with_built_tflm(quick_road: Callable[[str], Path]) -> None:
    road = quick_road("int8")
    board, library = libraries()[0].values
    arguments = ("inversek2j", "--board", board, "--engine", "both", "--tflm", library, "--samples", 50)
    for turn in range(2):
        walked = axedge("run", *arguments, cwd=road)
        assert turn == 0 or len(re.findall(r"build +up to date", walked.stderr)) == 2
        assert "The same bits: 1,024 stored vectors; paths and outputs of 50 samples." in walked.stdout
