"""The C++ arrays: compiled, read back, and run in TensorFlow Lite Micro."""

from __future__ import annotations

import shutil
import subprocess

import convert_nets
import numpy as np
import pytest

from axedge.convert.arrays import emit_arrays
from axedge.convert.deployment import model_hash
from axedge.convert.reader import parse
from axedge.convert.reference import run
from axedge.convert.tflm import run_tflm

pytestmark = [pytest.mark.train, pytest.mark.cc]

MAIN = """\
#include <cstdint>
#include <cstdio>
#include "axnet_demo_tflite.h"

struct Resolver {
  int calls = 0, room;
  explicit Resolver(int n) : room(n) {}
  int Add(char which) { std::fputc(which, stderr); return ++calls > room; }
  int AddFullyConnected() { return Add('F'); }
  int AddMul() { return Add('M'); }
  int AddTanh() { return Add('T'); }
};

int main() {
  Resolver enough(AXNET_DEMO_TFLITE_OPS), few(AXNET_DEMO_TFLITE_OPS - 1);
  if (!axnet_demo_tflite_add_ops(enough) || axnet_demo_tflite_add_ops(few)) return 2;
  if (reinterpret_cast<std::uintptr_t>(axnet_demo_tflite) % 16 != 0) return 3;
  if (axnet_demo_tflite_len != AXNET_DEMO_TFLITE_BYTES) return 4;
  return std::fwrite(axnet_demo_tflite, 1, axnet_demo_tflite_len, stdout) == axnet_demo_tflite_len ? 0 : 5;
}
"""


def sources(tflite: bytes, arena: int | None = 3008) -> dict[str, str]:
    parsed = parse(tflite)
    heads = (parsed.answer_position, parsed.logit_position)
    return emit_arrays("demo", tflite, model_hash(tflite), parsed.operators, heads, arena)


def compiled_output(folder, files: dict[str, str]) -> subprocess.CompletedProcess:
    for name, text in {**files, "main.cc": MAIN}.items():
        (folder / name).write_text(text)
    compiler = shutil.which("c++")
    assert compiler, "a C++ compiler must be installed where this test runs"
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
    parts = ["axnet_demo_tflite.cc", "main.cc"]
    subprocess.run([compiler, *flags, *parts, "-o", "demo"], cwd=folder, check=True)
    return subprocess.run([folder / "demo"], capture_output=True, check=True)


def test_the_compiled_array_is_the_model_and_runs_in_tflm(converted, tmp_path):
    tflite = converted("small")
    done = compiled_output(tmp_path, sources(tflite))
    assert done.stdout == tflite
    assert done.stderr == b"FMT" * 2
    net = parse(tflite).net
    codes = convert_nets.random_codes(net, 9)
    truth = run_tflm(done.stdout, codes)
    answers, logits = run(net, codes)
    np.testing.assert_array_equal(truth.answer, answers)
    np.testing.assert_array_equal(truth.logit, logits)


def test_text_repeats_and_says_what_the_arena_is(converted):
    tflite = converted("small")
    text = sources(tflite)
    assert text == sources(tflite)
    header = text["axnet_demo_tflite.h"]
    assert "ARENA_BYTES_UPPER_BOUND 3008u" in header and "64-bit host" in header
    assert model_hash(tflite) in header and "X(FullyConnected) X(Mul) X(Tanh)" in header
    assert max(len(line) for line in text["axnet_demo_tflite.cc"].splitlines()) <= 120


def test_without_tflm_no_arena_size_is_claimed(converted):
    header = sources(converted("small"), arena=None)["axnet_demo_tflite.h"]
    assert "ARENA_BYTES" not in header and "not measured" in header


def test_one_head_has_no_logit_output(converted):
    header = sources(converted("mlp"))["axnet_demo_tflite.h"]
    assert "LOGIT_OUTPUT" not in header and "ANSWER_OUTPUT 0" in header and "X(Logistic)" in header
