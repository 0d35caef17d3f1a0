"""Ctrl-C while nothing has begun, or all is done: a line and exit code 130 at once, wherever Python happens to be.

Imports nothing that takes time: it must be in place before anything else is loaded.
"""

from __future__ import annotations

import os
import signal
from types import FrameType

INTERRUPTED = 130
WORDS = "interrupted; nothing half-written was left behind."


def guard() -> None:
    """Leave at once on Ctrl-C: no import that happens to run may turn it into a traceback or another error."""
    signal.signal(signal.SIGINT, _leave)


def release() -> None:
    """Let Ctrl-C raise KeyboardInterrupt again: from now on there is something to put in order."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(number: int, frame: FrameType | None) -> None:
    os.write(2, f"axedge: {WORDS}\n".encode())
    os._exit(INTERRUPTED)
