"""A byte stream to a board: what the link needs of it, and the one that pyserial provides."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from typing import Protocol

import serial

from axedge.artifacts.errors import PortError
from axedge.host.port_errors import LineLost, open_error

BAUD = 115_200
BITS_PER_BYTE = 10
"""On the line with 8N1: a start bit, eight data bits, a stop bit."""
_CHUNK_BYTES = 65_536


class Line(Protocol):
    """Bytes both ways. `byte_s` is the time that one byte takes on the line, 0 where that is unknown."""

    byte_s: float

    def read(self, timeout_s: float) -> bytes:
        """Return what has arrived, after waiting at most `timeout_s` for the first byte; empty when nothing came.

        Raises:
            LineLost: the other end is gone.
        """

    def write(self, data: bytes, timeout_s: float) -> None:
        """Hand all of `data` to the line; what arrives meanwhile is kept for `read`.

        Raises:
            LineLost: the other end is gone, or took nothing for `timeout_s`.
        """

    def close(self) -> None:
        """Let go of the line; never raises."""


class SerialLine:
    """A device node such as /dev/ttyACM0, or any pyserial URL such as socket://127.0.0.1:4000."""

    def __init__(self, port: str, baud: int = BAUD) -> None:
        """Open the port.

        Raises:
            PortError: it is missing, busy or forbidden; one line that says which.
        """
        self.port = port
        self.byte_s = 0.0 if "://" in port else BITS_PER_BYTE / baud
        self._inbox = bytearray()
        try:
            self._serial = serial.serial_for_url(port, baud, timeout=0, write_timeout=0, exclusive=True)
        except (serial.SerialException, OSError, ValueError) as error:
            raise open_error(port, error) from error
        try:
            self._handle = self._serial.fileno()
        except (AttributeError, OSError) as error:
            self.close()
            raise PortError(f"{port} cannot be waited on by this system.", "Use a device node or socket://.") from error
        if port.startswith("socket://"):
            self._send_small_frames_at_once()

    def _send_small_frames_at_once(self) -> None:
        with socket.socket(fileno=socket.dup(self._handle)) as twin:
            twin.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self, timeout_s: float) -> bytes:
        """Return what has arrived, after waiting at most `timeout_s` for the first byte."""
        if not self._inbox:
            readable, _, _ = self._wait(writing=False, timeout_s=timeout_s)
            if readable:
                self._fill()
        taken = bytes(self._inbox)
        self._inbox.clear()
        return taken

    def write(self, data: bytes, timeout_s: float) -> None:
        """Hand all of `data` to the line, reading meanwhile, so that two full buffers cannot wait for each other."""
        rest = memoryview(data)
        deadline = time.monotonic() + timeout_s
        while rest:
            readable, writable, _ = self._wait(writing=True, timeout_s=max(deadline - time.monotonic(), 0.0))
            if readable:
                self._fill()
            if writable:
                rest = rest[self._guarded(self._serial.write, rest) :]
                deadline = time.monotonic() + timeout_s
            elif not readable or time.monotonic() > deadline:
                raise LineLost(f"{self.port} takes no more bytes.", "Unplug the board and plug it in again.")

    def close(self) -> None:
        """Close the port."""
        with contextlib.suppress(serial.SerialException, OSError):
            self._serial.close()

    def _wait(self, *, writing: bool, timeout_s: float) -> tuple[list[int], list[int], list[int]]:
        return self._guarded(select.select, [self._handle], [self._handle] if writing else [], [], max(timeout_s, 0.0))

    def _fill(self) -> None:
        self._inbox += self._guarded(self._serial.read, _CHUNK_BYTES)

    def _guarded(self, call, *arguments):  # noqa: ANN001, ANN002, ANN202
        try:
            return call(*arguments)
        except (serial.SerialException, OSError, ValueError) as error:
            raise LineLost(f"{self.port} went away while it was in use.", "Plug the board in again.") from error
