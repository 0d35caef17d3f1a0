"""How to reach the board: a port that the user named or found, or the emulated board's power switch."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from axedge.artifacts.errors import ArtifactError, DeviceError, PortError, UsageError, WrongImage
from axedge.artifacts.workspace import Workspace
from axedge.firmware.boards import Board
from axedge.host.device import Device
from axedge.host.emulator import Emulator, read_memory
from axedge.host.line import BAUD, Line, SerialLine
from axedge.host.link import Trace
from axedge.host.ports import auto_port
from axedge.host.timing import Deadlines

AUTO = "auto"


def _is_socket(url: str) -> bool:
    found = re.fullmatch(r"socket://(\[[0-9A-Fa-f:.]+\]|[^\s/:?#\[\]]+):(\d{1,5})/?", url)
    return found is not None and 0 < int(found.group(2)) < 1 << 16


@dataclass(frozen=True)
class Connection:
    """A way to a board, not opened yet.

    Attributes:
        board: its description.
        workspace: holds the emulated boards' memories, and which adapter was used last.
        port: device node, pyserial URL, "auto", or None for the board's emulator (without one: "auto").
        baud: bits a second; None: the board's own.
        deadlines: the waits.
        trace: sees every frame.
    """

    board: Board
    workspace: Workspace
    port: str | None = None
    baud: int | None = None
    deadlines: Deadlines | None = None
    trace: Trace | None = None

    @property
    def is_emulated(self) -> bool:
        """Whether a process plays the board."""
        return self.port is None and self.board.emulator is not None

    @property
    def icount_shift(self) -> int | None:
        """QEMU's -icount shift if the ticks count instructions, else None.

        Behind a socket that the user named there may be a QEMU of theirs: what may not be time is not called so.
        """
        may_be_emulated = self.is_emulated or (self.port or "").startswith("socket://")
        return self.board.emulator.icount_shift if may_be_emulated and self.board.emulator else None

    @property
    def memory(self) -> Path:
        """The emulated board's memory."""
        return self.workspace.emulated_board(self.board.name)

    def open(self, build_id: str | None = None) -> AbstractContextManager[Device]:
        """Connect; leaving the context closes the port, or switches the emulated board off.

        Args:
            build_id: 16 hex digits of the image that must answer, None for any.

        Raises:
            ArtifactError: nothing was flashed into the emulated board.
            PortError: the port cannot be opened.
            WrongImage: another image answers.
            DeviceError: nothing answers.
        """
        wanted = None if build_id is None else int(build_id, 16)
        return self._emulated(wanted) if self.is_emulated else self._wired(wanted)

    def answers(self, build_id: str) -> bool:
        """Return whether the board, asked, answers with this build id; an emulated one is powered on for it.

        Raises:
            PortError: the port itself cannot be used.
        """
        try:
            with self.open(build_id):
                return True
        except PortError:
            raise
        except (ArtifactError, DeviceError):
            return False

    @contextmanager
    def _emulated(self, build_id: int | None) -> Iterator[Device]:
        image, state = read_memory(self.memory, self.board)
        if build_id is not None and int(state.build_id, 16) != build_id:
            raise WrongImage(
                f"the emulated {self.board.name} holds another image: {state.kernel}, build {state.build_id}.",
                f"Run `axedge flash --board {self.board.name}` again.",
            )
        with Emulator(self.board, image) as emulator:
            try:
                with self._device(emulator.open_line, build_id) as device:
                    yield device
            except DeviceError as error:
                if obituary := emulator.obituary():
                    raise DeviceError(f"{obituary}.", error.hint) from error
                raise

    @contextmanager
    def _wired(self, build_id: int | None) -> Iterator[Device]:
        port = AUTO if self.port is None else self.port
        if not port.strip():
            raise UsageError("--port has no name.", "Write /dev/..., socket://HOST:PORT, or auto.")
        if port == AUTO:
            port = auto_port(self.workspace.root / ".boards" / "port", build_id=build_id).device
        elif port.startswith("socket:") and not _is_socket(port):
            raise UsageError(f"{port} is no port.", "Write socket://HOST:PORT, with a PORT from 1 to 65535.")
        with self._device(lambda: SerialLine(port, self.baud or self.board.link.baud or BAUD), build_id) as device:
            yield device

    @contextmanager
    def _device(self, opener: Callable[[], Line], build_id: int | None) -> Iterator[Device]:
        with Device.connect(opener, deadlines=self.deadlines, trace=self.trace, build_id=build_id) as device:
            yield device
