"""Ctrl-C at any moment, and standard streams that lead nowhere: one clear line, the right exit code, no traceback."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from axedge import cli
from axedge.artifacts.errors import ArtifactError
from axedge.artifacts.files import atomic_write, check_writable

pytestmark = pytest.mark.host
AXEDGE = f"{sys.executable} -m axedge"


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("kernels >&-", 2, "stdout is closed"),
        ("--help >&-", 2, "stdout is closed"),
        ("kernels >/dev/full", 2, "the result cannot be printed: no space left"),
        ("kernels --json >/dev/full", 2, "the result cannot be printed: no space left"),
        ("--version >/dev/full", 2, "no space left"),
        ("kernels --json <&-", 0, ""),
        ("boards 2>/dev/full", 0, ""),
        ("boards 2>&-", 0, ""),
        ("train inversek2jj 2>&-", 2, ""),
        ("train inversek2jj 2>/dev/full", 2, ""),
        ("train inversek2j -o /proc/x", 2, "cannot write /proc/x/inversek2j/train"),
        ("train inversek2j -o /dev/null/x", 2, "cannot write /dev/null/x/inversek2j/train: not a directory"),
    ],
)
def test_streams_and_folders_that_cannot_be_written(tmp_path: Path, line: str, code: int, says: str) -> None:
    answer = shell(f"{AXEDGE} {line}", tmp_path)
    assert answer.returncode == code, answer.stderr
    assert says in answer.stderr
    assert answer.stderr.count("\n") == bool(says)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "module", ["axedge.interrupt", "click.core", "rich.console", "axedge.cli", "axedge.verbs_make"]
)
def test_ctrl_c_while_axedge_is_loaded(tmp_path: Path, module: str) -> None:
    """-X importtime says when a module was loaded, which is a moment that does not depend on how fast this is."""
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "axedge", "kernels"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as user:
        for line in user.stderr:
            if line.split("|")[-1].strip() == module:
                break
        if module == "axedge.interrupt":  # it is in place a moment after it was loaded: wait for the next one
            next(user.stderr)
        user.send_signal(signal.SIGINT)
        said = [line for line in user.stderr if not line.startswith("import time:")]
    assert user.returncode == 130
    assert "".join(said).strip() == "axedge: interrupted; nothing half-written was left behind."


def test_an_error_of_the_system_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise PermissionError(13, "Permission denied", "/somewhere")

    cli._add_verbs()
    monkeypatch.setattr("axedge.kernels.kernel.kernel_names", fail)
    monkeypatch.setattr("axedge.streams.give_up", lambda stream: None)
    assert cli.run(["kernels"]) == 2
    assert capsys.readouterr().err.startswith("axedge: /somewhere: permission denied. ")


def test_a_folder_is_tried_before_the_work(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match="cannot write .*file/b: not a directory"):
        check_writable(tmp_path / "file" / "b")
    with pytest.raises(ArtifactError, match="cannot write .*file/b: (file exists|not a directory)"):
        atomic_write(tmp_path / "file" / "b", "x")


def test_a_closed_stream_is_no_handle_for_the_next_file(tmp_path: Path) -> None:
    script = (
        "from axedge import streams; print(sorted(streams.repair()), open('f', 'w').fileno() > 2, file=open('g', 'w'))"
    )
    shell(f'{sys.executable} -c "{script}" <&- 2>&-', tmp_path)
    assert (tmp_path / "g").read_text().strip() == "['stderr', 'stdin'] True"
