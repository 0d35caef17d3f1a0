"""Runs an image's exact function over samples, for what it answers and what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.progress import Progress, silent
from axedge.artifacts.records.bench import Unit
from axedge.host import figures
from axedge.host.connection import Connection
from axedge.host.messages import Mode


@dataclass(frozen=True)
class ExactRun:
    """Answers of the function that stands in the place of the exact one.

    Attributes:
        y: float32 [N, m].
        cost: of each call, [N], the cost of reading the timer subtracted.
        unit: of the cost.
    """

    y: NDArray[np.float32]
    cost: NDArray[np.float64]
    unit: Unit


def run_exact(
    connection: Connection, build_id: str, x: NDArray[np.float32], *, progress: Progress = silent
) -> ExactRun:
    """Run samples [N, n] in mode EXACT.

    Raises:
        DeviceError: the board does not answer, or runs another image.
    """
    with connection.open(build_id) as device:
        answers = device.run(x, Mode.EXACT, progress=progress)
        unit = figures.tick_unit(device.hello, connection.icount_shift, connection.board.timer.hz)
    return ExactRun(answers["outputs"].copy(), unit.cost(answers["ticks"]), unit.name)
