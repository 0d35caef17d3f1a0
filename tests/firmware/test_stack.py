"""The worst-case stack: seen by the compiler's call graph, never less than what the painted stack shows."""

import json

import numpy as np
import pytest
from standin import StandIn, convert_record, write_pair

from axedge import cli
from axedge.artifacts.errors import CheckFailed
from axedge.firmware.boards import load_board
from axedge.firmware.build import build_firmware
from axedge.firmware.callgraph import Function
from axedge.firmware.stack import LIBRARY_MARGIN, library_bytes, stack_use
from axedge.host.paint import painted_peaks
from axedge.size import assemble, emulated_twin

pytestmark = [pytest.mark.qemu, pytest.mark.xdist_group("firmware images")]

DEEP_BYTES = 480
DEEP = """
#include <math.h>
void standin(const float in[2], float out[2]);
typedef float (*step)(float);
static volatile float sink;

__attribute__((noinline)) static float bottom(float x)
{
    volatile float here[120];
    here[(int)(x * 0.0f)] = x;
    return here[0] + sinf(x);
}

__attribute__((noinline)) static float middle(float x) { return bottom(x) + 1.0f; }
static step volatile chosen = middle;

void standin(const float in[2], float out[2])
{
    sink = chosen(in[0]);
    out[0] = sink;
    out[1] = in[1];
}
"""
RECURSIVE = """
void standin(const float in[2], float out[2]);
static volatile int depth;
__attribute__((noinline)) static float down(int level)
{
    volatile float here[20];
    here[level & 7] = 1.0f;
    return level > depth ? here[level & 7] : down(level + 1) + here[level & 7];
}

void standin(const float in[2], float out[2])
{
    depth = in[0] > 0.5f ? 9 : 1;
    out[0] = down(0);
    out[1] = in[1];
}
"""
GROWING = """
void standin(const float in[2], float out[2]);
void standin(const float in[2], float out[2])
{
    volatile char here[1 + (int)(in[0] * in[0])];
    here[0] = 1;
    out[0] = (float)here[0];
    out[1] = in[1];
}
"""


def build(tmp_path, source: str, board: str):
    """Build the stand-in with another exact function; return the folder and the record."""
    kernel = tmp_path / "kernel"
    kernel.mkdir(exist_ok=True)
    (kernel / "standin.c").write_text(source)
    folder = tmp_path / board
    return folder, build_firmware(write_pair(tmp_path / "pair"), StandIn(kernel), load_board(board), folder)


def inputs(count: int = 60) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (count, 2)).astype(np.float32)


@pytest.mark.parametrize("name", ["microbit", "mps2-an386", "hifive1"])
def test_a_deep_function_behind_a_pointer_is_seen_and_nothing_painted_lies_below_the_bound(tmp_path, name):
    board = load_board(name)
    folder, record = build(tmp_path, DEEP, name)
    use = record.footprint.stack
    assert use.fallback.own_bytes >= DEEP_BYTES and "sinf" in use.fallback.library
    assert use.network.entry_most_bytes > 0 and use.fallback.entry_least_bytes > 0
    peaks = painted_peaks(board, folder / "firmware.elf", inputs())
    size = assemble(record, board, record, name, peaks, "0" * 64)
    assert peaks.fallback > DEEP_BYTES
    assert size.stack_bytes - size.interrupt_bytes >= max(peaks.network, peaks.fallback, peaks.rest)
    fallback = size.parts[1]
    assert (fallback.name, fallback.stack_is) == ("fallback", "static + measured") and fallback.library_bytes > 0
    assert size.fits and size.stack_bytes < board.stack_bytes


def test_without_library_code_the_bound_is_the_painted_depth_itself(tmp_path):
    """No margin hides a mistake here: our own frames, added up, are what the device was seen to take."""
    source = DEEP.replace("+ sinf(x)", "").replace("(int)(x * 0.0f)", "0")
    folder, record = build(tmp_path, source, "mps2-an386")
    part = record.footprint.stack.fallback
    assert part.library == () and library_bytes(part, None) == 0
    peaks = painted_peaks(load_board("mps2-an386"), folder / "firmware.elf", inputs(20))
    assert part.entry_least_bytes + part.own_bytes <= peaks.fallback + 64 <= part.entry_most_bytes + part.own_bytes + 64


@pytest.mark.parametrize(("source", "why"), [(RECURSIVE, "down is recursive"), (GROWING, "a frame that grows")])
def test_what_has_no_bound_is_measured_and_says_so(tmp_path, source, why):
    board = load_board("microbit")
    folder, record = build(tmp_path, source, "microbit")
    assert why in record.footprint.stack.fallback.unbounded
    peaks = painted_peaks(board, folder / "firmware.elf", inputs())
    fallback = assemble(record, board, record, "microbit", peaks, "0" * 64).parts[1]
    beneath = peaks.fallback - record.footprint.stack.fallback.entry_least_bytes
    assert fallback.stack_is == "measured" and why in fallback.why
    assert fallback.stack_bytes >= (1 + LIBRARY_MARGIN) * beneath > 0


def test_a_stack_that_cannot_fit_is_refused_before_anything_runs(tmp_path):
    with pytest.raises(CheckFailed) as caught:
        build(tmp_path, DEEP.replace("here[120]", "here[700]"), "microbit")
    assert "bytes of stack" in caught.value.message and "more than the 2048" in caught.value.message
    assert not (tmp_path / "microbit" / "build.json").exists()


def test_a_board_without_an_emulator_has_a_twin_of_the_same_code():
    twin = emulated_twin(load_board("nucleo-f446re"))
    assert twin is not None and twin.flags == load_board("nucleo-f446re").flags
    assert emulated_twin(load_board("microbit")).name == "microbit"
    assert emulated_twin(load_board("native")) is None


def test_the_deepest_chain_counts_every_part_it_runs_through():
    def function(part, size, *callees, library=()):
        return Function(part, size, False, frozenset(callees), frozenset(library))

    graph = {
        "main": function("rest", 40, "engine", "hello"),
        "hello": function("rest", 100, library=("strlen",)),
        "engine": function("rest", 20, "net", "exact"),
        "net": function("network", 60, "exact", "helper"),
        "helper": function("network", 200),
        "exact": function("fallback", 30, library=("sinf",)),
    }
    use = stack_use(graph, load_board("hifive1"))
    assert (use.network.entry_most_bytes, use.network.own_bytes) == (60, 260)
    assert (use.fallback.entry_most_bytes, use.fallback.entry_least_bytes) == (120, 60)
    assert (use.fallback.library_at_bytes, use.fallback.own_bytes) == (30, 30)
    assert (use.rest.own_bytes, use.rest.library_at_bytes) == (140, 140)
    # 200 painted: 60 of callers and 30 of its own are known, 110 are the library's, and a quarter more
    assert library_bytes(use.fallback, 200) == 138


TOML = """
name = "standin"
summary = "Sum and difference"
source = "standin.c"
inputs = [{ name = "x", min = -1.0, max = 1.0 }, { name = "y", min = -1.0, max = 1.0 }]
outputs = [{ name = "sum" }, { name = "difference" }]
[error]
metric = "absolute"
bound = 0.1
[network]
approximator = [2]
predictor = [2]
"""


def test_the_verb_tabulates_boards_and_exits_1_where_one_is_too_small(tmp_path, capsys):
    kernel, out = tmp_path / "standin", tmp_path / "out"
    convert = out / "standin" / "convert"
    kernel.mkdir()
    (kernel / "kernel.toml").write_text(TOML)
    (kernel / "standin.c").write_text(DEEP)
    write_pair(convert)
    np.savez(convert / "samples.npz", x=inputs(40), y=inputs(40), seed=0)
    for name in convert_record().produced:
        (convert / name).touch()
    cli._add_verbs()
    boards = ["--board", "microbit", "--board", "nucleo-f446re"]
    assert cli.run(["size", str(kernel), "-o", str(out), *boards]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "nucleo-f446re: on mps2-an386" in shown and shown.count("fallback") == 2 and "with 40 inputs" in shown
    assert cli.run(["size", str(kernel), "-o", str(out), *boards, "--json"]) == 0
    streams = capsys.readouterr()
    assert "size:" not in streams.err, "what was measured is kept"
    sizes = json.loads(streams.out)["sizes"]
    assert [one["board"] for one in sizes] == ["microbit", "nucleo-f446re"] and all(one["fits"] for one in sizes)
    assert [sum(part[what] for part in sizes[0]["parts"]) for what in ("flash_bytes", "ram_bytes")] == [
        sizes[0]["flash_bytes"],
        sizes[0]["ram_bytes"],
    ]
    (kernel / "standin.c").write_text(DEEP.replace("here[120]", "here[480]"))
    assert cli.run(["size", str(kernel), "-o", str(out), *boards, "--json"]) == 1
    streams = capsys.readouterr()
    assert "microbit" in streams.err and "bytes of stack" in streams.err
    found = json.loads(streams.out)
    assert "nucleo-f446re" in [one["board"] for one in found["sizes"]]
