"""From the kernel's C to figures measured on a board, as a user walks it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.end_to_end.conftest import AXEDGE, HASTY, SAMPLES, axedge

pytestmark = [pytest.mark.qemu, pytest.mark.train, pytest.mark.xdist_group("road")]

# What bench.json promises to hold, to machines that read it.
FIELDS = {
    "": "kernel board engine activations model_hash build_id seed samples paths guarantee vectors invocation precision "
    "violation_rate useful_invocation true_invocation error ticks speedup break_even_invocation desktop_interpreter "
    "footprint link verdict schema",
    "paths": "approximated unsafe out_of_domain",
    "vectors": "count mismatches",
    "error": "median p95 p99 max",
    "ticks": "unit source hz icount_shift timer_overhead approximate exact gated",
    "speedup": "value of bound",
    "desktop_interpreter": "name version outputs differing max_steps",
    "footprint": "flash_bytes ram_bytes stack_bytes engine_flash_bytes engine_ram_bytes",
    "link": "samples_per_s payload_bytes retries crc_errors",
}


def bench_json(road: Path, board: str) -> dict[str, Any]:
    return json.loads((road / "out" / "inversek2j" / board / "aot-i8" / "bench.json").read_text())


def held_build_id(road: Path, board: str) -> str:
    return json.loads((road / "out" / ".boards" / board / "state.json").read_text())["build_id"]


def no_emulator_runs(road: Path) -> bool:
    """Whether no process runs an image of this folder's emulated boards."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(road).encode() in process.read_bytes() and b"firmware.elf" in process.read_bytes():
                return False
        except OSError:
            continue
    return True


def test_the_default_recipe_is_worth_having(road: Path) -> None:
    record = json.loads((road / "out" / "inversek2j" / "train" / "train.json").read_text())
    assert record["metrics"]["true_invocation"] >= 0.80
    assert record["metrics"]["inv95"] >= 0.75
    assert record["parameters"] == 60


@pytest.mark.parametrize(
    ("board", "unit", "source"),
    [("microbit", "instructions", "timer"), ("mps2-an386", "instructions", "timer"), ("native", "nanoseconds", "host")],
)
def test_a_board_is_benched_and_says_all_it_promises(road: Path, board: str, unit: str, source: str) -> None:
    axedge("run", "inversek2j", "--board", board, "--samples", SAMPLES, cwd=road)
    body = bench_json(road, board)
    for part, names in FIELDS.items():
        assert set(names.split()) <= set(body[part] if part else body), part
    assert body["schema"] == 1
    assert body["board"] == board
    assert body["samples"] == sum(body["paths"].values()) == SAMPLES
    assert body["vectors"]["count"] >= 1000
    assert body["vectors"]["mismatches"] == 0
    assert body["ticks"]["unit"] == unit
    assert source in body["ticks"]["source"].lower()
    gated = body["ticks"]["gated"]
    # A computer's clock may see no time pass in its quickest call; what is counted is never nothing.
    assert gated["min"] > 0 or unit == "nanoseconds"
    assert gated["mean"] > 0 and gated["min"] <= gated["mean"] <= gated["max"]
    assert body["footprint"]["engine_ram_bytes"] == 0
    assert board in body["verdict"]
    # The emulated board still holds the network, not the table or polynomial that was set beside it.
    assert held_build_id(road, board) == body["build_id"]
    assert no_emulator_runs(road)


def test_the_figures_do_not_depend_on_the_board(road: Path) -> None:
    for board in ("microbit", "mps2-an386", "native"):
        axedge("run", "inversek2j", "--board", board, "--samples", SAMPLES, cwd=road)
    microbit, an386, native = (bench_json(road, board) for board in ("microbit", "mps2-an386", "native"))
    assert microbit["paths"] == an386["paths"] == native["paths"]
    assert microbit["desktop_interpreter"] == an386["desktop_interpreter"] == native["desktop_interpreter"]
    # libm differs, so an exact result may differ in its last digit, and with it a sample at the very bound
    for other in (an386, native):
        assert abs(microbit["true_invocation"] - other["true_invocation"]) < 0.002


def test_instructions_repeat(road: Path) -> None:
    found = []
    for _ in range(2):
        axedge("build", "inversek2j", "--board", "microbit", cwd=road)
        axedge("flash", "inversek2j", "--board", "microbit", cwd=road)
        answer = axedge("bench", "inversek2j", "--board", "microbit", "--samples", 200, "--json", cwd=road)
        found.append(json.loads(answer.stdout)["ticks"])
    for name in ("approximate", "exact", "gated"):
        first, second = found[0][name], found[1][name]
        assert first["mean"] == pytest.approx(second["mean"], abs=1.0), name


def test_a_table_and_a_polynomial_are_set_beside_the_network(road: Path) -> None:
    axedge("run", "inversek2j", "--board", "microbit", "--samples", SAMPLES, cwd=road)
    folder = road / "out" / "inversek2j" / "microbit" / "aot-i8"
    build = json.loads((folder / "build.json").read_text())
    body = json.loads(axedge("alternatives", "--board", "microbit", "--force", "--json", cwd=road).stdout)
    bench = bench_json(road, "microbit")
    assert [row["kind"] for row in body["rows"]] == ["table", "polynomial"]
    assert body["samples"] == bench["samples"]
    assert body["fallback_flash_bytes"] == build["footprint"]["fallback_flash_bytes"] > 0
    assert body["network_mean"] == bench["ticks"]["gated"]["mean"]
    for row in body["rows"]:
        assert 0 < row["flash_bytes"] <= body["flash_budget_bytes"] == bench["footprint"]["engine_flash_bytes"]
        assert 0.5 < row["safe_low"] < row["safe_share"] < row["safe_high"] < 0.95
        assert row["cost"]["mean"] > 100
        assert not row["wins"]
    assert "neither table nor polynomial" in body["verdict"]
    # The emulated board still holds the network.
    assert held_build_id(road, "microbit") == build["build_id"]
    assert build["build_id"] in axedge("flash", "--board", "microbit", cwd=road).stdout


def test_what_is_up_to_date_is_not_done_again(road: Path) -> None:
    axedge("run", "inversek2j", "--board", "native", "--samples", SAMPLES, cwd=road)
    before = {path: path.stat().st_mtime_ns for path in (road / "out" / "inversek2j").rglob("*") if path.is_file()}
    answer = axedge("run", "inversek2j", "--board", "native", "--samples", SAMPLES, cwd=road)
    assert answer.stderr.count("up to date") == 6
    assert before == {path: path.stat().st_mtime_ns for path in before}
    # The verdict itself hangs on this computer's clock.
    assert bench_json(road, "native")["verdict"] in " ".join(answer.stdout.split())


def test_inputs_that_no_network_may_answer_go_to_the_exact_function(road: Path, tmp_path: Path) -> None:
    axedge("run", "inversek2j", "--board", "native", "--samples", SAMPLES, cwd=road)
    stored = np.load(road / "out" / "inversek2j" / "convert" / "samples.npz")["x"][:20]
    lines = [f"{x:.9g} {y:.9g}" for x, y in stored] + ["nan 0.5", "inf 0.5", "0.5 -inf", "1e30 0.5", "0.5 -0.001"]
    (tmp_path / "mine.txt").write_text("\n".join(lines) + "\n")
    answer = axedge("bench", "inversek2j", "--board", "native", "--inputs", tmp_path / "mine.txt", "--json", cwd=road)
    body = json.loads(answer.stdout)
    assert body["samples"] == 25
    assert body["paths"]["out_of_domain"] == 5


def test_a_board_with_another_image_is_refused(road: Path) -> None:
    axedge("run", "inversek2j", "--board", "native", "--samples", SAMPLES, cwd=road)
    state = road / "out" / ".boards" / "native" / "state.json"
    kept = state.read_text()
    try:
        state.write_text(kept.replace(json.loads(kept)["build_id"], "0123456789abcdef"))
        answer = axedge("bench", "inversek2j", "--board", "native", cwd=road, expect=3)
    finally:
        state.write_text(kept)
    assert "another image" in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("path", "verb", "again"),
    [
        ("train/train.json", "convert", "train"),
        ("train/axnet.keras", "convert", "train"),
        ("convert/convert.json", "build", "convert"),
        ("convert/axnet.tflite", "build", "convert"),
        ("convert/axnet_inversek2j.c", "build", "convert"),
        ("convert/convert.json", "bench", "convert"),
        ("convert/axnet.tflite", "bench", "convert"),
        ("convert/vectors.npz", "bench", "convert"),
        ("convert/samples.npz", "bench", "convert"),
        ("native/aot-i8/build.json", "flash", "build"),
        ("native/aot-i8/firmware.elf", "flash", "build"),
        ("native/aot-i8/build.json", "bench", "build"),
    ],
)
def test_a_damaged_file_is_one_clear_line(road: Path, tmp_path: Path, path: str, verb: str, again: str) -> None:
    axedge("run", "inversek2j", "--board", "native", "--samples", SAMPLES, cwd=road)
    shutil.copytree(road / "out", tmp_path / "out")
    file = tmp_path / "out" / "inversek2j" / path
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    board = [] if verb == "convert" else ["--board", "native"]
    answer = axedge(verb, "inversek2j", *board, cwd=tmp_path, expect=2)
    assert f"{Path(path).name} is damaged" in answer.stderr
    assert f"Run `axedge {again}` again." in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("path", "fate"),
    [
        ("convert/samples.npz", "damaged"),
        ("convert/axnet_inversek2j.c", "gone"),
        ("native/aot-i8/firmware.elf", "damaged"),
    ],
)
def test_a_stage_whose_output_is_not_whole_is_done_again(hasty_road: Path, path: str, fate: str) -> None:
    run = ("run", "inversek2j", "--board", "native", "--samples", 500)
    axedge(*run, cwd=hasty_road, program=HASTY)
    gone = hasty_road / "out" / "inversek2j" / path
    kept = gone.read_bytes()
    if fate == "gone":
        gone.unlink()
    else:
        gone.write_bytes(kept[:100])
    axedge(*run, cwd=hasty_road, program=HASTY)
    assert gone.suffix == ".npz" or gone.read_bytes() == kept


@pytest.mark.parametrize("stage", [None, "train", "convert", "flash"])
def test_an_interrupted_run_leaves_nothing_half_written(hasty_road: Path, tmp_path: Path, stage: str | None) -> None:
    """Interrupted while TensorFlow is loaded, or after the first word about a stage."""
    for before in {"convert": ["train"], "flash": ["train", "convert"]}.get(stage, []):
        shutil.copytree(hasty_road / "out/inversek2j" / before, tmp_path / "out/inversek2j" / before)
    process = subprocess.Popen(
        [*AXEDGE, "run", "inversek2j", "--board", "microbit"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    if stage is None:
        time.sleep(1.0)
    else:
        assert any(line.startswith(stage) for line in process.stderr)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "interrupted" in said
    assert "Traceback" not in said
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in left if path.name.startswith(".")], left
    assert no_emulator_runs(tmp_path)


def test_training_and_bench_in_one_process(road: Path, tmp_path: Path) -> None:
    """TensorFlow and the desktop interpreter cannot share a process; axedge must see to it."""
    script = """
from pathlib import Path
from axedge.artifacts.workspace import Workspace
from axedge.firmware.boards import load_board
from axedge.kernels.kernel import load_kernel
from axedge.pipeline import BenchChoice, Choice, Pipeline
from axedge.terminal import Terminal

board = load_board("native")
choice = Choice(train={"steps": 200, "restarts": 2}, convert={"guarantee": None, "effort": 0.01})
pipeline = Pipeline(load_kernel("inversek2j"), Workspace(Path("out")), Terminal(quiet=True), choice)
pipeline.train(); pipeline.convert(); pipeline.build(board); pipeline.flash(board, None)
record = pipeline.bench(board, BenchChoice(samples=300))
print(record.desktop_interpreter.outputs, record.vectors.mismatches)
"""
    answer = subprocess.run(
        [AXEDGE[0], "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert answer.returncode == 0, answer.stderr
    outputs, mismatches = answer.stdout.split()
    assert int(outputs) >= 3000
    assert mismatches == "0"
