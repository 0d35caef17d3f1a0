"""Keeps from the user what TensorFlow's C++ always says while it is loaded, and nothing else."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

# Information only; warnings, errors and fatal messages begin with W, E and F.
_CHATTER = (
    "^WARNING: All log messages before absl::InitializeLog",
    "^I[0-9]{4} [0-9:.]+ ",
    "^To enable the following instructions: ",
)
_END_S = 2.0


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Leave lines of chatter out of what this process writes to its stderr, the C++ libraries in it included.

    TF_CPP_MIN_LOG_LEVEL does not reach these lines: they are written before it is read. A process of its own sorts them
    out, so that the last words of a library that aborts still arrive. Where there is no sed, everything is shown.
    """
    sys.stderr.flush()
    command = ["sed", "-E", ";".join(f"/{pattern}/d" for pattern in _CHATTER)]
    try:
        # A session of its own: Ctrl-C is ours to answer.
        sieve = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=2, stderr=2, start_new_session=True)
    except OSError:
        yield
        return
    shown = os.dup(2)
    os.dup2(sieve.stdin.fileno(), 2)
    sieve.stdin.close()
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(shown, 2)
        os.close(shown)
        with contextlib.suppress(subprocess.TimeoutExpired):  # a process that was begun meanwhile may hold its input
            sieve.wait(_END_S)
