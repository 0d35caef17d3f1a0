"""The whole road, walked once a run and shared by the tests here that are of the group `road`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

AXEDGE = [sys.executable, "-m", "axedge.cli"]
SAMPLES = 2000
"""What `run` benches everywhere here: with another number it would be done again, table and polynomial with it."""
WITHOUT_ALTERNATIVES = "from axedge import cli, pipeline; pipeline.Pipeline.alternatives = lambda *_: None; cli.main()"
HASTY = [sys.executable, "-c", WITHOUT_ALTERNATIVES]
Verb = Callable[..., subprocess.CompletedProcess[str]]


def axedge(
    *arguments: object, cwd: Path, expect: int = 0, within_s: float = 500, program: list[str] = AXEDGE
) -> subprocess.CompletedProcess[str]:
    """Run a verb as a user does, in a process of its own; fail the test on another exit code than expected."""
    command = [*program, *map(str, arguments)]
    answer = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=within_s, check=False)
    assert answer.returncode == expect, f"{' '.join(command[3:])}\n{answer.stdout}\n{answer.stderr}"
    return answer


@pytest.fixture(scope="session")
def road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which inversek2j was trained with the default recipe and converted."""
    folder = tmp_path_factory.mktemp("road")
    axedge("train", "inversek2j", cwd=folder)
    axedge("convert", cwd=folder)
    return folder


@pytest.fixture(scope="session")
def hasty_road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in some seconds, for tests to which it does not matter how good the network is."""
    folder = tmp_path_factory.mktemp("hasty")
    axedge("train", "inversek2j", "--steps", 200, "--restarts", 2, cwd=folder)
    axedge("convert", "--no-guarantee", "--effort", 0.01, cwd=folder)
    return folder
