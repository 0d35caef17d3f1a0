"""A compiled kernel's functions called a batch at a time, in a child process that alone dies of their mistakes."""

from __future__ import annotations

import os
import re
import selectors
import signal
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import BuildError, KernelError

ROW_TIMEOUT_S = 10.0
"""A row that takes longer never ends. What a microcontroller shall call takes microseconds."""
_LOOK_EVERY_S = 0.25
_PROGRESS = struct.Struct("=QII")  # struct progress of _host/rows.c
_PAST = {1: "in", 2: "out"}
_SHOWN = 8
_CHUNK_BYTES = 1 << 16
# What clang's and gcc's sanitizers print.
_SANITIZER = re.compile(
    r"(?P<file>[^\s:]+):(?P<line>\d+):\d+: runtime error: (?P<runtime>.*)|ERROR: AddressSanitizer: (?P<address>\S+)"
)


@dataclass(frozen=True)
class Function:
    """A C function `void name(const float in[inputs], float out[outputs])`."""

    name: str
    inputs: int
    outputs: int

    def declaration(self) -> str:
        """Return its prototype."""
        return f"void {self.name}(const float in[{self.inputs}], float out[{self.outputs}]);"

    def entry(self) -> str:
        """Return its line of the table that _host/rows.c includes."""
        return f"{{{self.name}, {self.inputs}, {self.outputs}}},"


def run_rows(
    program: Path, index: int, function: Function, rows: NDArray[np.float32], row_timeout_s: float | None = None
) -> NDArray[np.float32]:
    """Return the function's outputs, float32 [N, outputs], for inputs float32 [N, inputs].

    An output that the function does not write is not-a-number. Whatever ends this, Ctrl-C included, ends the child too.

    Args:
        program: _host/rows.c, built with the kernel.
        index: the function's place in its table.
        function: what is called.
        rows: the inputs.
        row_timeout_s: the longest that a row may take; default ROW_TIMEOUT_S.

    Raises:
        KernelError: the function crashed, ended the program, stepped past an array, or did not end; on which row.
        BuildError: the program cannot be run.
    """
    with (
        tempfile.NamedTemporaryFile(dir=program.parent, prefix="progress-") as progress,
        tempfile.TemporaryFile(dir=program.parent) as words,
    ):
        progress.write(bytes(_PROGRESS.size))
        progress.flush()
        code, answer = _converse(
            [str(program), str(index), progress.name],
            words,
            rows.tobytes(),
            lambda: _PROGRESS.unpack(os.pread(progress.fileno(), _PROGRESS.size, 0))[0],
            ROW_TIMEOUT_S if row_timeout_s is None else row_timeout_s,
        )
        row, past, _ = _PROGRESS.unpack(os.pread(progress.fileno(), _PROGRESS.size, 0))
        accusation = _accusation(os.pread(words.fileno(), _CHUNK_BYTES, 0).decode(errors="replace"))
    if code == 0 and len(answer) == 4 * len(rows) * function.outputs:
        return np.frombuffer(answer, np.float32).reshape(len(rows), function.outputs).copy()
    what = accusation or _deed(code, past, function, ROW_TIMEOUT_S if row_timeout_s is None else row_timeout_s)
    where = (
        f"on input row {row + 1:,} of {len(rows):,}: {_shown(rows[row])}" if row < len(rows) else "after its last row"
    )
    raise KernelError(f"{function.name}() {what} {where}.", "Mend its C: it must answer every input of its box.")


def _accusation(words: str) -> str:
    """Return what a sanitizer, if the program was built with one, says the function does."""
    found = _SANITIZER.search(words)
    if found is None:
        return ""
    if found["runtime"]:
        return f"does what C leaves undefined ({Path(found['file']).name}:{found['line']}: {found['runtime'].strip()})"
    return f"steps outside its memory ({found['address']})"


def _converse(
    command: list[str], words: IO[bytes], request: bytes, row: Callable[[], int], row_timeout_s: float
) -> tuple[int | None, bytes]:
    """Return exit code (None: it stood still on a row and was ended) and answer of a child."""
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            start_new_session=True,
        )
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        hint = "Let TMPDIR name a folder in which programs may run."
        raise BuildError(f"the compiled kernel cannot be run: {reason}.", hint) from None
    try:
        answer = _exchange(child, request, row, row_timeout_s)
        if answer is None:
            return None, b""
        return child.wait(row_timeout_s), answer
    except subprocess.TimeoutExpired:
        return None, b""
    finally:
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            stream.close()


def _exchange(
    child: subprocess.Popen[bytes], request: bytes, row: Callable[[], int], row_timeout_s: float
) -> bytes | None:
    """Write and read at once, so that no full pipe waits for another; None when nothing has moved for too long."""
    rest, parts = memoryview(request), []
    os.set_blocking(child.stdin.fileno(), False)
    seen, since = row(), time.monotonic()
    with selectors.DefaultSelector() as waiting:
        waiting.register(child.stdin, selectors.EVENT_WRITE)
        waiting.register(child.stdout, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in waiting.select(_LOOK_EVERY_S)}
            if child.stdin in ready:
                rest = rest[_write(child.stdin.fileno(), rest) :]
                if not rest:
                    waiting.unregister(child.stdin)
                    child.stdin.close()
            if child.stdout in ready:
                data = os.read(child.stdout.fileno(), _CHUNK_BYTES)
                if not data:
                    return b"".join(parts)
                parts.append(data)
            now = row()
            if ready or now != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > row_timeout_s:
                return None


def _write(handle: int, data: memoryview) -> int:
    """Return how much was written; all of it, as far as we care, where nobody reads any more."""
    try:
        return os.write(handle, data[:_CHUNK_BYTES])
    except BlockingIOError:
        return 0
    except BrokenPipeError:
        return len(data)


def _deed(code: int | None, past: int, function: Function, row_timeout_s: float) -> str:
    if code is None:
        return f"did not end within {row_timeout_s:g} s"
    if past in _PAST:
        size = function.inputs if past == 1 else function.outputs
        return f"reads or writes past {_PAST[past]}[{size}]"
    if code < 0:
        return f"crashed ({(signal.strsignal(-code) or f'signal {-code}').lower()})"
    return f"ended the program (exit code {code})"


def _shown(row: NDArray[np.float32]) -> str:
    numbers = ", ".join(f"{value:.9g}" for value in row[:_SHOWN].tolist())
    return f"{{{numbers}{', ...' if len(row) > _SHOWN else ''}}}"
