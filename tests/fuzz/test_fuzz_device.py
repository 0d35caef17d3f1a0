"""Fuzzes frames and commands for a while: a minute in CI, some seconds elsewhere. `make fuzz` goes on much longer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.cc

SECONDS = 60 if os.environ.get("CI") else 10


def test_no_bytes_break_the_device(tmp_path):
    script = Path(__file__).with_name("run.py")
    command = [sys.executable, str(script), "--seconds", str(SECONDS), "--corpus", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS + 300)
    assert done.returncode == 0, done.stderr[-4000:]
    assert not list(tmp_path.glob("crash-*"))
    runs = next(line for line in done.stderr.splitlines() if "number_of_executed_units" in line)
    assert int(runs.split()[-1]) > 1000
