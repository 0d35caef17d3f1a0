"""Standard streams that are closed or cannot be written: no traceback, and no handle for the next file to fall into."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TextIO

STANDARD = ("stdin", "stdout", "stderr")


def repair() -> set[str]:
    """Put /dev/null where a standard stream is closed, and return which were.

    Else the next file that is opened would get its handle, and with it what is printed, or what a child process prints.
    """
    closed = set()
    for handle, name in enumerate(STANDARD):
        try:
            os.fstat(handle)
        except OSError:
            closed.add(name)
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != handle:
                os.dup2(nowhere, handle)
                os.close(nowhere)
        if getattr(sys, name) is None:
            setattr(sys, name, open(handle, "r" if handle == 0 else "w", closefd=False))  # noqa: PTH123, SIM115
    return closed


def give_up(stream: TextIO) -> None:
    """Let a stream that cannot be written lead nowhere, so that what it still holds is no trouble at exit."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        stream.flush()
