"""Arrays into a child process and arrays out of it, so that what runs there cannot harm or meet what is loaded here."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import AxedgeError, ToolMissing

#: A child's exit status that means: the package it needs is not installed.
PACKAGE_MISSING = 77
#: A network for a microcontroller needs seconds; this only ends what hangs.
TIMEOUT_S = 600.0


class ChildFailed(AxedgeError):
    """A child process ended without an answer."""

    exit_code = 1


def run_child(script: Path, arrays: dict[str, Any], what: str, timeout_s: float = TIMEOUT_S) -> dict[str, NDArray[Any]]:
    """Run a Python script in a process of its own and return the arrays it answers with.

    The script reads an .npz from stdin and writes one to stdout. It runs with this interpreter and
    its packages, but nothing that was imported here.

    Args:
        script: the file to run.
        arrays: by name, what the script reads.
        what: named in errors, such as "TensorFlow Lite Micro".
        timeout_s: after which the child is ended.

    Raises:
        ToolMissing: the script ended with PACKAGE_MISSING.
        ChildFailed: it ended otherwise without an answer, or not in time.
    """
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    # -P keeps the script's own folder out of the import path: its file names must not shadow packages.
    command = [sys.executable, "-P", str(script)]
    try:
        done = subprocess.run(command, input=packed.getvalue(), capture_output=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        raise ChildFailed(f"{what} gave no answer within {timeout_s:g} s.") from None
    if done.returncode == PACKAGE_MISSING:
        raise ToolMissing(f"{what} is not installed here.", "`axedge doctor` says what to install.")
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        said = lines[-1][:300] if lines else f"exit status {done.returncode}"
        raise ChildFailed(f"{what} failed: {said}")
    with np.load(io.BytesIO(done.stdout), allow_pickle=False) as answer:
        return {name: answer[name] for name in answer.files}
