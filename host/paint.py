"""How deep the stack of an image gets in its emulator: it is painted at the start, and HELLO tells what is left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.progress import Progress, silent
from axedge.firmware.boards import Board
from axedge.host.device import Device
from axedge.host.emulator import Emulator
from axedge.host.messages import Mode


@dataclass(frozen=True)
class Peaks:
    """Deepest use of the stack, in bytes below its top, each in a run of its own.

    Attributes:
        network: after inputs through the network, whatever its predictor says.
        fallback: after inputs through the exact function; None without one.
        rest: after a HELLO alone.
        inputs: how many inputs ran.
    """

    network: int | None
    fallback: int | None
    rest: int
    inputs: int


def painted_peaks(
    board: Board, image: Path, x: NDArray[np.float32], *, has_network: bool = True, progress: Progress = silent
) -> Peaks:
    """Run inputs on an emulated board and look at its painted stack.

    Args:
        board: one with an emulator.
        image: the file to run, as the emulator takes it.
        x: inputs, float32, shape (samples, inputs).
        has_network: whether the image has one.
        progress: told samples.

    Raises:
        ToolMissing, DeviceError: as `Emulator` and `Device` do.
    """
    rest, has_exact = _peak(board, image, x, None, silent)
    peaks = {}
    for place, (part, mode, present) in enumerate(
        (("network", Mode.APPROXIMATE, has_network), ("fallback", Mode.EXACT, has_exact))
    ):
        done = place * len(x)

        def report(now: float, total: float, note: str = "", done: int = done) -> None:
            progress(done + now, 2 * len(x), note)

        peaks[part] = _peak(board, image, x, mode, report)[0] if present else None
    return Peaks(peaks["network"], peaks["fallback"], rest, len(x))


def _peak(board: Board, image: Path, x: NDArray[np.float32], mode: Mode | None, progress: Progress) -> tuple[int, bool]:
    """Return the peak after a run of its own, and whether there is an exact function."""
    with Emulator(board, image) as emulator, Device.connect(emulator.open_line) as device:
        if mode is not None:
            device.run(x, mode, progress=progress)
        # The first HELLO tells the peak before it was answered.
        return device.link.hello().stack_peak_bytes, device.hello.has_exact
