"""Emulated boards: a memory that `flash` fills, and a process that powers on exactly what is in it.

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
from types import TracebackType
from typing import Any, Protocol, Self

from axedge.artifacts.errors import ArtifactError, DeviceError, ToolMissing, UsageError
from axedge.artifacts.files import atomic_path, digest_files
from axedge.artifacts.records.base import axedge_version
from axedge.artifacts.records.build import BuildRecord
from axedge.artifacts.records.emulated import EmulatedBoard
from axedge.firmware.boards import Board
from axedge.host.line import Line, SerialLine
from axedge.host.process import Child

START_S = 10.0
"""For an emulator to be ready; it takes 0.05 s on an idle machine."""
_QUIT_S = 2.0
_SILENCE_S = 0.02
_PACKAGES = {"qemu-system-arm": "qemu-system-arm", "qemu-system-riscv32": "qemu-system-misc", "simavr": "simavr"}


# memory ---------------------------------------------------------------------------------------------------------------


def put_image(memory: Path, image: Path, build: BuildRecord) -> EmulatedBoard:
    """Copy an image into an emulated board's memory; return what it now holds.

    Args:
        memory: the board's folder, `Workspace.emulated_board(name)`.
        image: the file.
        build: the record of the build that made it.

    Raises:
        ArtifactError: the image is missing, or the memory cannot be written.
    """
    if not image.is_file():
        raise ArtifactError(f"{image} does not exist.", "Run `axedge build` again.")
    with atomic_path(memory / image.name) as scratch:
        shutil.copyfile(image, scratch)
    (memory / image.name).chmod(0o755)
    state = EmulatedBoard(
        axedge=axedge_version(),
        inputs_digest=digest_files([image]),
        board=build.board,
        kernel=build.kernel,
        model_hash=build.model_hash,
        build_id=build.build_id,
        image=image.name,
    )
    state.save(memory)
    return state


def read_memory(memory: Path, board: Board) -> tuple[Path, EmulatedBoard]:
    """Return the image in an emulated board's memory, and what it is.

    Raises:
        ArtifactError: nothing was flashed, or the image was changed since.
    """
    if not (memory / EmulatedBoard.FILE).is_file():
        raise ArtifactError(
            f"the emulated {board.name} holds no image yet.", f"Run `axedge flash --board {board.name}` first."
        )
    state = EmulatedBoard.load(memory)
    image = memory / state.image
    if not image.is_file() or digest_files([image]) != state.inputs_digest:
        raise ArtifactError(
            f"the image in {memory} is not the one that was flashed.", f"Run `axedge flash --board {board.name}` again."
        )
    return image, state


# power ----------------------------------------------------------------------------------------------------------------


class _Machine(Protocol):
    child: Child
    url: str

    def run(self) -> None:
        """Let the processor run, if it does not yet."""

    def wake(self) -> None:
        """Make the emulator look at its serial port again."""

    def reset(self) -> None:
        """Press the reset button."""

    def ask_to_quit(self) -> None:
        """Ask the process to end; may fail."""


class Emulator:
    """A board that is powered on; a context manager. Leaving it switches the power off, whatever happened inside.

    Attributes:
        board: its description.
        image: what it runs.
    """

    def __init__(self, board: Board, image: Path) -> None:
        """Power on.

        Raises:
            UsageError: the board has no emulator that this axedge knows.
            ToolMissing: the emulator is not installed.
            DeviceError: it does not start.
        """
        kinds: dict[str, Callable[[Board, Path], _Machine]] = {"qemu": _Qemu, "process": _Process}
        if board.emulator is None or board.emulator.kind not in kinds:
            raise UsageError(f"{board.name} has no emulator.", "Connect a real one and name its --port.")
        self.board = board
        self.image = image
        self._machine = kinds[board.emulator.kind](board, image)

    @property
    def pid(self) -> int:
        """Process id of the emulator."""
        return self._machine.child.pid

    @property
    def url(self) -> str:
        """Where the board's serial line is, for pyserial."""
        return self._machine.url

    def open_line(self) -> Line:
        """Connect to the board's serial line, and let it run.

        Raises:
            PortError: the emulator is gone.
        """
        line = SerialLine(self.url)
        self._machine.run()
        return _WakingLine(line, self._machine.wake)

    def reset(self) -> None:
        """Press the board's reset button.

        Raises:
            DeviceError: the emulator is gone.
        """
        self._machine.reset()

    def obituary(self) -> str:
        """Return why the emulator ended by itself, empty while it runs."""
        code = self._machine.child.exit_code
        if code is None:
            return ""
        last = self._machine.child.messages(1)
        return f"the emulator ended by itself ({_exit_text(code)})" + (f": {last}" if last else "")

    def power_off(self) -> None:
        """End the process; never raises."""
        child = self._machine.child
        if child.exit_code is None:
            try:
                self._machine.ask_to_quit()
                child.wait(_QUIT_S)
            except (OSError, DeviceError):
                pass
        child.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.power_off()


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


def _exit_text(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def qemu_command(board: Board, image: Path) -> list[str]:
    """Return the command that powers an emulated board on.

    Raises:
        UsageError: QEMU does not emulate it.
    """
    emulator = board.emulator
    if emulator is None or emulator.kind != "qemu":
        raise UsageError(f"{board.name} is not emulated by QEMU.")
    silent = ["-serial", "null"] * emulator.serial_index
    return [
        *(emulator.program, "-M", emulator.machine, "-display", "none", "-monitor", "none", "-nodefaults", "-S"),
        *("-kernel", str(image), "-icount", f"shift={emulator.icount_shift}", "-qmp", "stdio"),
        *("-chardev", "socket,id=link,host=127.0.0.1,port=0,server=on,wait=off", *silent, "-serial", "chardev:link"),
    ]


class _Qemu:
    def __init__(self, board: Board, image: Path) -> None:
        command = qemu_command(board, image)
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

    def run(self) -> None:
        if self._stopped:
            self._execute("cont")
            self._stopped = False

    def wake(self) -> None:
        if self.child.exit_code is None:
            self._execute("query-status")

    def reset(self) -> None:
        self._execute("system_reset")

    def ask_to_quit(self) -> None:
        self._execute("quit")

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

    def _answer(self, what: str, wanted) -> dict[str, Any]:  # noqa: ANN001
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


class _Process:
    """The native board: the image is a program that serves its line on a TCP port and prints which."""

    def __init__(self, board: Board, image: Path) -> None:
        self._image = image
        self._start()

    def _start(self) -> None:
        try:
            self.child = Child([str(self._image)])
        except OSError as error:
            raise DeviceError(f"{self._image} cannot be run: {error.strerror}.", "Build it on this machine.") from None
        line = self.child.read_line(START_S)
        found = re.search(r"(\d+)\s*$", line or "")
        if not found:
            said = self.child.messages(1)
            self.child.end()
            raise DeviceError(f"{self._image.name} did not start{f': {said}' if said else ''}.", "Build it again.")
        self.url = f"socket://127.0.0.1:{found.group(1)}"

    def run(self) -> None:
        pass

    def wake(self) -> None:
        pass

    def reset(self) -> None:
        self.child.end()
        self._start()

    def ask_to_quit(self) -> None:
        self.child.end()
