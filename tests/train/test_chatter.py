"""What TensorFlow always says is left out; what somebody needs to know arrives, also from a process that dies of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

CHATTER = "I0000 00:00:1795563402.431616   13046 port.cc:153] oneDNN custom operations are on."
LINES = f"""import os
from axedge.train.chatter import without_chatter
def say(text): os.write(2, (text + chr(10)).encode())
with without_chatter():
    say("WARNING: All log messages before absl::InitializeLog() is called are written to STDERR")
    say({CHATTER!r})
    say("W0000 00:00:1795563402.431616   13046 x.cc:1] a warning")
    say("F0000 00:00:1795563402.431616   13046 x.cc:1] needs AVX")
"""


def said(script: str) -> tuple[int, str]:
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)
    return answer.returncode, answer.stderr


@pytest.mark.host
def test_chatter_is_left_out_and_nothing_else() -> None:
    code, text = said(LINES + f"say('after')\nsay({CHATTER!r})")
    assert code == 0
    assert [line[:5] for line in text.splitlines()] == ["W0000", "F0000", "after", "I0000"]


@pytest.mark.host
def test_the_last_words_of_a_process_that_dies_arrive() -> None:
    code, text = said(LINES + "    os.abort()")
    assert code < 0
    assert "needs AVX" in text


@pytest.mark.host
def test_without_sed_everything_is_shown() -> None:
    _, text = said("import os; os.environ['PATH'] = ''\n" + LINES)
    assert len(text.splitlines()) == 4


@pytest.mark.train
def test_tensorflow_is_loaded_without_a_word() -> None:
    assert said("from axedge.train.runtime import tensorflow; tensorflow().constant(1)") == (0, "")
