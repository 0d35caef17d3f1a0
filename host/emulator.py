"""Emulated boards: a memory that `flash` fills, and a process that powers on exactly what is in it."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

from axedge.artifacts.errors import ArtifactError, DeviceError, UsageError
from axedge.artifacts.files import atomic_path, digest_files
from axedge.artifacts.records.base import axedge_version
from axedge.artifacts.records.build import BuildRecord
from axedge.artifacts.records.emulated import EmulatedBoard
from axedge.firmware.boards import Board, ProcessEmulator, ProgramEmulator, QemuEmulator
from axedge.host.line import Line
from axedge.host.machine import Machine
from axedge.host.program import Native, Program
from axedge.host.qemu import Qemu, qemu_command

_QUIT_S = 2.0


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


def power_on(board: Board, image: Path) -> Machine:
    """Start what plays a board.

    Raises:
        UsageError: the board has no emulator.
        ToolMissing: the emulator is not installed.
        DeviceError: it does not start.
    """
    match board.emulator:
        case QemuEmulator():
            return Qemu(board, board.emulator, image)
        case ProgramEmulator():
            return Program(board, board.emulator, image)
        case ProcessEmulator():
            return Native(board, board.emulator, image)
    raise UsageError(f"{board.name} has no emulator.", "Connect a real one and name its --port.")


def emulator_command(board: Board, image: Path) -> str:
    """Return what powering a board on runs, as a line for a shell; empty where it is no command of its own."""
    match board.emulator:
        case QemuEmulator():
            return shlex.join(qemu_command(board.emulator, image))
    return ""


class Emulator:
    """A board that is powered on; a context manager. Leaving it switches the power off, whatever happened inside.

    Attributes:
        board: its description.
        image: what it runs.
    """

    def __init__(self, board: Board, image: Path) -> None:
        """Power on.

        Raises:
            UsageError: the board has no emulator.
            ToolMissing: the emulator is not installed.
            DeviceError: it does not start.
        """
        self.board = board
        self.image = image
        self._machine = power_on(board, image)

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
        return self._machine.open_line()

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


def _exit_text(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
