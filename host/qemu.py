"""Boards that QEMU plays.

QEMU starts stopped, with its serial port on a TCP socket of 127.0.0.1 that the system chose; it runs once we are
connected, so that no byte of the board is missed. It is steered by QMP over its standard input and output.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from axedge.artifacts.errors import DeviceError, ToolMissing
from axedge.firmware.boards import Board, QemuEmulator
from axedge.host.line import Line, SerialLine
from axedge.host.machine import START_S
from axedge.host.process import Child

_SILENCE_S = 0.02
_PACKAGES = {"qemu-system-arm": "qemu-system-arm", "qemu-system-riscv32": "qemu-system-misc"}


def qemu_command(emulator: QemuEmulator, image: Path) -> list[str]:
    """Return the command that powers an emulated board on."""
    silent = ["-serial", "null"] * emulator.serial_index
    return [
        *(emulator.program, "-M", emulator.machine, "-display", "none", "-monitor", "none", "-nodefaults", "-S"),
        *("-kernel", str(image), "-icount", f"shift={emulator.icount_shift}", "-qmp", "stdio"),
        *("-chardev", "socket,id=link,host=127.0.0.1,port=0,server=on,wait=off", *silent, "-serial", "chardev:link"),
    ]


class Qemu:
    """A machine of QEMU."""

    def __init__(self, board: Board, emulator: QemuEmulator, image: Path) -> None:
        """Start it, stopped.

        Raises:
            ToolMissing: it is not installed.
            DeviceError: it does not start.
        """
        del board
        command = qemu_command(emulator, image)
        program = shutil.which(command[0])
        if program is None:
            package = _PACKAGES.get(command[0], command[0])
            raise ToolMissing(f"{command[0]} is not installed.", f"On Debian and Ubuntu: sudo apt install {package}")
        self.child = Child([program, *command[1:]])
        try:
            self._answer("its greeting", lambda body: "QMP" in body)
            self._execute("qmp_capabilities")
            self.url = self._find_serial()
        except BaseException:
            self.child.end()
            raise
        self._stopped = True

    def open_line(self) -> Line:
        """Connect to the serial line, and let the processor run."""
        line = SerialLine(self.url)
        if self._stopped:
            self._execute("cont")
            self._stopped = False
        return _WakingLine(line, self._wake)

    def reset(self) -> None:
        """Press the reset button."""
        self._execute("system_reset")

    def ask_to_quit(self) -> None:
        """Ask it to end."""
        self._execute("quit")

    def _wake(self) -> None:
        if self.child.exit_code is None:
            self._execute("query-status")

    def _find_serial(self) -> str:
        for device in self._execute("query-chardev"):
            found = re.search(r"tcp:127\.0\.0\.1:(\d+)", device["filename"])
            if device["label"] == "link" and found:
                return f"socket://127.0.0.1:{found.group(1)}"
        raise DeviceError("QEMU did not open its serial port.", "Is 127.0.0.1 usable on this machine?")

    def _execute(self, command: str) -> Any:
        try:
            self.child.write_line(json.dumps({"execute": command}))
        except OSError:
            raise self._failure(command) from None
        body = self._answer(command, lambda body: "return" in body or "error" in body)
        if "error" in body:
            raise DeviceError(f"QEMU refused {command}: {body['error'].get('desc', '')}.")
        return body["return"]

    def _answer(self, what: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        until = time.monotonic() + START_S
        while (line := self.child.read_line(until - time.monotonic())) is not None:
            try:
                body = json.loads(line)
            except ValueError:
                continue
            if wanted(body):
                return body
        raise self._failure(what)

    def _failure(self, what: str) -> DeviceError:
        said = self.child.messages(1)
        return DeviceError(f"QEMU gave no answer to {what}{f': {said}' if said else ''}.", "Does it run by itself?")


class _WakingLine:
    """A line that wakes the emulator up when nothing comes.

    QEMU asks a UART whether it can receive only when its main loop turns. Bytes that arrive before the firmware has
    started its UART can wait there for ever, because nothing else may turn the loop: seen with nRF51's on a busy host.
    """

    def __init__(self, line: Line, wake: Callable[[], None]) -> None:
        self._line, self._wake = line, wake
        self.byte_s = line.byte_s

    def read(self, timeout_s: float) -> bytes:
        until = time.monotonic() + timeout_s
        while not (data := self._line.read(min(_SILENCE_S, max(until - time.monotonic(), 0.0)))):
            if time.monotonic() >= until:
                break
            self._wake()
        return data

    def write(self, data: bytes, timeout_s: float) -> None:
        self._line.write(data, timeout_s)

    def close(self) -> None:
        self._line.close()
