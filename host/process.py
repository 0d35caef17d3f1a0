"""Child processes that end when they are told to, and never outlive this program, however it ends."""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
import weakref
from collections.abc import Sequence

_running: weakref.WeakSet[Child] = weakref.WeakSet()


class Child:
    """A program with its input and output on pipes, and its messages in a temporary file.

    It has a session of its own, so that Ctrl-C reaches it only through us. On Linux the kernel ends it should we be
    killed (prctl(2), PR_SET_PDEATHSIG, by util-linux's setpriv where it is installed).
    """

    def __init__(self, command: Sequence[str], environment: dict[str, str] | None = None) -> None:
        """Start it.

        Raises:
            OSError: the program cannot be run.
        """
        keeper = shutil.which("setpriv")
        guarded = [keeper, "--pdeathsig", "KILL", "--", *command] if keeper else list(command)
        self.command = list(command)
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115  closed by end()
        self._lines = bytearray()
        self._process = subprocess.Popen(
            guarded,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages,
            start_new_session=True,
            env=os.environ | (environment or {}),
        )
        _running.add(self)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code, None while it runs; negative: the signal that ended it."""
        return self._process.poll()

    def messages(self, lines: int = 5) -> str:
        """Return the last lines that it wrote to its standard error."""
        size = os.fstat(self._messages.fileno()).st_size
        tail = os.pread(self._messages.fileno(), 4096, max(size - 4096, 0))
        return "\n".join(tail.decode(errors="replace").strip().splitlines()[-lines:])

    def write_line(self, line: str) -> None:
        """Write a line to its standard input.

        Raises:
            OSError: it has ended.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def read_line(self, timeout_s: float) -> str | None:
        """Return the next line of its standard output; None when none comes in time, or no more ever will."""
        assert self._process.stdout is not None
        handle, until = self._process.stdout.fileno(), time.monotonic() + timeout_s
        while b"\n" not in self._lines:
            readable, _, _ = select.select([handle], [], [], max(until - time.monotonic(), 0.0))
            data = os.read(handle, 65_536) if readable else b""
            if not data:
                return None
            self._lines += data
        line, _, rest = self._lines.partition(b"\n")
        self._lines = rest
        return line.decode(errors="replace")

    def wait(self, timeout_s: float) -> bool:
        """Wait for it to end; return whether it did."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self, patience_s: float = 2.0) -> None:
        """End it: ask, then insist; leave neither process nor zombie behind. Never raises."""
        for blow in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is None:
                with contextlib.suppress(OSError):
                    os.killpg(self._process.pid, blow)
                self.wait(patience_s)
        for stream in (self._process.stdin, self._process.stdout, self._messages):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
        _running.discard(self)


@atexit.register
def _end_all() -> None:
    for child in list(_running):
        child.end(0.5)
