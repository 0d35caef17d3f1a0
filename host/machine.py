"""What plays a board on a computer: one interface, whatever the emulator."""

from __future__ import annotations

from typing import Protocol

from axedge.host.line import Line
from axedge.host.process import Child

START_S = 10.0
"""For an emulator to be ready; it takes 0.05 s on an idle machine."""


class Machine(Protocol):
    """A process that plays a board, powered on but not running before the first line is open.

    Attributes:
        child: the process.
        url: where the board's serial line is, for pyserial.
    """

    child: Child
    url: str

    def open_line(self) -> Line:
        """Connect to the serial line, and let the processor run.

        Raises:
            PortError: the process is gone.
        """

    def reset(self) -> None:
        """Press the reset button.

        Raises:
            DeviceError: the process is gone.
        """

    def ask_to_quit(self) -> None:
        """Ask the process to end; may fail."""
