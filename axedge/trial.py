"""What a network of a kernel's shape would cost on a board, before it is trained: one is built and run there."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from axedge.artifacts.errors import UsageError
from axedge.artifacts.progress import Progress, silent
from axedge.artifacts.records.bench import Unit
from axedge.artifacts.workspace import Workspace
from axedge.firmware.boards import Board
from axedge.kernels.kernel import Kernel

_STEPS, _SAMPLES = 50, 500


@dataclass(frozen=True)
class Trial:
    """Mean costs of a call on the board, in its unit.

    Attributes:
        network: of an untrained network of the kernel's shape, float in, float out.
        exact: of the exact function.
        unit: of both.
        flash_bytes: of the network.
    """

    network: float
    exact: float
    unit: Unit
    flash_bytes: int

    @property
    def break_even(self) -> float:
        """Invocation from which on a gated call could be cheaper than the exact function; above 1: never.

        A rejected call costs the predictor and the exact function. The predictor's share of the network is not known
        before it is trained; half is the most that it takes in practice.
        """
        return 0.5 * self.network / (self.exact - 0.5 * self.network) if self.exact > self.network else 2.0

    @property
    def best_speedup(self) -> float:
        """Exact over network: what could be gained at an invocation of 1."""
        return self.exact / self.network


def try_out(kernel: Kernel, board: Board, *, progress: Progress = silent) -> Trial:
    """Build an untrained network of the kernel's shape, and run it and the exact function on the emulated board.

    What a network costs depends on its shape and hardly on its weights.

    Args:
        kernel: with C.
        board: with an emulator.
        progress: told what is being done.

    Raises:
        UsageError: there is no C, or no emulator.
        AxedgeError: as training, conversion, build and bench raise.
    """
    if not kernel.has_exact:
        raise UsageError(
            f"kernel {kernel.name} is recorded data without C: there is nothing to compare a network with."
        )
    if board.emulator is None:
        raise UsageError(f"board {board.name} has no emulator.", "Choose one that has: `axedge boards`.")
    from axedge.convert.stage import convert_kernel
    from axedge.firmware.build import build_firmware
    from axedge.host.bench import bench
    from axedge.host.connection import Connection
    from axedge.host.flash import flash
    from axedge.train.stage import train_kernel

    with tempfile.TemporaryDirectory(prefix="axedge-trial-") as scratch:
        workspace = Workspace(Path(scratch))
        trained, converted = workspace.train(kernel.name), workspace.convert(kernel.name)
        image = workspace.image(kernel.name, board.name)
        progress(0, 4, "a network of this shape, not trained")
        train_kernel(kernel, trained, steps=_STEPS, restarts=1)
        progress(1, 4, "turning it into C")
        convert_kernel(kernel, trained, converted, effort=0.0)
        progress(2, 4, "building and flashing it")
        build = build_firmware(converted, kernel, board, image)
        flash(image, board, workspace=workspace)
        progress(3, 4, "running it on the board")
        record = bench(converted, image, connection=Connection(board, workspace), samples=_SAMPLES)
    assert record.ticks.exact is not None, "the kernel has C"
    network = record.ticks.approximate or record.ticks.gated
    return Trial(network.mean, record.ticks.exact.mean, record.ticks.unit, build.footprint.engine_flash_bytes)
