"""Interpreters in child processes: beside a loaded TensorFlow, missing, hanging, or dying."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import convert_nets
import numpy as np
import pytest

from axedge.artifacts import child, interpreter
from axedge.artifacts.child import ChildFailed, run_child
from axedge.artifacts.errors import ToolMissing
from axedge.artifacts.interpreter import run_desktop
from axedge.convert import tflm
from axedge.convert.reader import read
from axedge.convert.reference import run
from axedge.convert.tflm import run_tflm, smallest_arena_bytes

pytestmark = pytest.mark.train


@pytest.mark.parametrize("activations", ["int8", "int16"])
def test_the_desktop_interpreter_runs_while_tensorflow_is_loaded_here(converted, activations):
    tflite = converted("small", activations)
    assert "tensorflow" in sys.modules
    net = read(tflite)
    codes = convert_nets.random_codes(net, 3)
    found = run_desktop(tflite, codes)
    answers, logits = run(net, codes)
    assert found.name in ("tflite-runtime", "ai-edge-litert") and found.version
    assert found.answer.shape == answers.shape and found.logit.shape == logits.shape
    # It rounds differently, but it is the same network and the same head.
    tolerance = 4 if activations == "int8" else 40
    assert np.abs(found.answer.astype(int) - answers).max() <= tolerance
    assert np.abs(found.logit.astype(int) - logits).max() <= tolerance


def test_a_network_with_one_head_has_no_logit(converted):
    net = read(converted("mlp"))
    codes = convert_nets.random_codes(net, 3, 200)
    assert run_desktop(converted("mlp"), codes).logit is None
    assert run_tflm(converted("mlp"), codes).logit is None


def test_the_smallest_arena_works_and_one_step_less_does_not(converted):
    tflite = converted("small")
    arena = smallest_arena_bytes(tflite)
    assert arena % 16 == 0 and 500 < arena < 20_000
    script = (
        "import importlib.util, sys, numpy\n"
        f"spec = importlib.util.spec_from_file_location('child', {str(tflm._SCRIPT)!r})\n"
        "child = importlib.util.module_from_spec(spec); spec.loader.exec_module(child)\n"
        "row = numpy.zeros(2, numpy.int8); model = sys.stdin.buffer.read()\n"
        f"sys.exit(child.works(model, row, {arena}) and not child.works(model, row, {arena - 16}))"
    )
    assert subprocess.run([sys.executable, "-c", script], input=tflite, check=False).returncode == 1


def test_children_import_neither_tensorflow_nor_axedge():
    for script in (tflm._SCRIPT, interpreter._SCRIPT):
        text = script.read_text()
        assert "import tensorflow" not in text and "import axedge" not in text and "from axedge" not in text


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Return a function that puts a script in the place of both children."""

    def put(text: str) -> Path:
        script = tmp_path / "script.py"
        script.write_text(text)
        monkeypatch.setattr(tflm, "_SCRIPT", script)
        monkeypatch.setattr(interpreter, "_SCRIPT", script)
        return script

    return put


def test_a_missing_package_is_not_done_here_and_never_passed(converted, stand_in):
    stand_in(f"import sys; sys.exit({child.PACKAGE_MISSING})")
    codes = np.zeros((1, 2), np.int8)
    assert run_tflm(converted("small"), codes) is None
    assert smallest_arena_bytes(converted("small")) is None
    with pytest.raises(ToolMissing, match="desktop interpreter"):
        run_desktop(converted("small"), codes)


def test_a_child_that_dies_is_one_line(converted, stand_in):
    stand_in("import os, sys; sys.stderr.write('first\\nlast words\\n'); sys.stderr.flush(); os.abort()")
    with pytest.raises(ChildFailed, match="last words") as caught:
        run_tflm(converted("small"), np.zeros((1, 2), np.int8))
    assert "\n" not in str(caught.value)


def test_a_child_that_hangs_is_ended(tmp_path):
    script = tmp_path / "hang.py"
    script.write_text("import time; time.sleep(60)")
    with pytest.raises(ChildFailed, match="no answer within"):
        run_child(script, {"a": np.zeros(1)}, "the sleeper", timeout_s=0.5)


def test_what_a_child_prints_does_not_get_among_the_arrays(converted, stand_in):
    quiet = tflm._SCRIPT.read_text()
    before = "    try:\n        import tflite"
    noisy = quiet.replace(before, "    print('noise'); os.write(1, b'more')\n" + before)
    assert noisy != quiet
    tflite = converted("small")
    codes = convert_nets.random_codes(read(tflite), 4, 140)
    expected = run_tflm(tflite, codes)
    stand_in(noisy)
    np.testing.assert_array_equal(run_tflm(tflite, codes).answer, expected.answer)


def test_wrong_codes_are_one_line(converted):
    with pytest.raises(ChildFailed, match="int8"):
        run_desktop(converted("small"), np.zeros((1, 2), np.int16))
