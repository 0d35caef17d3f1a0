"""Every board with several kernels: what the image takes, what a call costs, how fast it boots and answers.

    python -m benchmarks.boards [--kernel K ...] [--board B ...]

reads what `axedge convert` left in out/ for each kernel, builds and, where there is an emulator, boots, checks and
benches the image; writes out/boards.json and docs/boards.md.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from axedge.artifacts.errors import AxedgeError, CheckFailed
from axedge.artifacts.files import atomic_write
from axedge.artifacts.records.base import axedge_version
from axedge.artifacts.records.bench import BenchRecord
from axedge.artifacts.records.build import BuildRecord
from axedge.artifacts.workspace import Workspace
from axedge.firmware.boards import Board, board_names, load_board
from axedge.firmware.build import build_firmware
from axedge.host.bench import bench
from axedge.host.connection import Connection
from axedge.host.device import Device
from axedge.host.emulator import Emulator, read_memory
from axedge.host.flash import flash
from axedge.kernels.kernel import load_kernel
from benchmarks.boards_page import page

SCHEMA = 1
KERNELS = ("inversek2j", "inversek2j_double", "bessel_jnu", "wetbulb")
SAMPLES, BOOTS = 500, 3
_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Row:
    """One kernel on one board; None where the board has no emulator, or where there is no image.

    Attributes:
        board: its name.
        kernel: its name.
        obstacle: why there is no image, in the build's words; empty if there is one.
        compiler: with its version.
        flash_bytes: of the whole image.
        ram_bytes: static variables.
        stack_bytes: kept free for the stack.
        network_flash_bytes: what the network takes of the flash.
        boot_s: seconds of this computer from letting the processor run to its answer to HELLO, the best of three.
        samples_per_s: seconds of this computer, each sample in both modes counted twice.
        unit: of the next three: "instructions", "cycles" or "nanoseconds".
        approximate: mean cost of the network's call.
        exact: mean cost of the exact function.
        gated: mean cost of the call of an application.
        speedup: exact over gated.
        invocation: share of the samples on which the network was used.
        vectors: stored vectors that were compared bit for bit.
    """

    board: str
    kernel: str
    obstacle: str = ""
    compiler: str = ""
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    stack_bytes: int | None = None
    network_flash_bytes: int | None = None
    boot_s: float | None = None
    samples_per_s: float | None = None
    unit: str | None = None
    approximate: float | None = None
    exact: float | None = None
    gated: float | None = None
    speedup: float | None = None
    invocation: float | None = None
    vectors: int | None = None


def measure(kernel_name: str, board: Board, workspace: Workspace) -> Row:
    """Build for a board and, if it is emulated, bench.

    Raises:
        AxedgeError: anything but an image that is too large for the board.
    """
    folder = workspace.image(kernel_name, board.name)
    convert_folder = workspace.convert(kernel_name)
    try:
        build = build_firmware(convert_folder, load_kernel(kernel_name), board, folder)
    except CheckFailed as error:
        return Row(board.name, kernel_name, obstacle=error.message)
    if board.emulator is None:
        return _row(build, None, None)
    flash(folder, board, workspace=workspace)
    connection = Connection(board, workspace)
    boot_s = min(_boot(connection) for _ in range(BOOTS))
    return _row(build, bench(convert_folder, folder, connection=connection, samples=SAMPLES), boot_s)


def _boot(connection: Connection) -> float:
    image, _ = read_memory(connection.memory, connection.board)
    with Emulator(connection.board, image) as emulator:
        began = time.monotonic()
        with Device.connect(emulator.open_line):
            return time.monotonic() - began


def _row(build: BuildRecord, measured: BenchRecord | None, boot_s: float | None) -> Row:
    size = build.footprint
    built = Row(
        board=build.board,
        kernel=build.kernel,
        compiler=build.compiler,
        flash_bytes=size.flash_bytes,
        ram_bytes=size.ram_bytes,
        stack_bytes=size.stack_bytes,
        network_flash_bytes=size.engine_flash_bytes,
    )
    if measured is None:
        return built
    ticks = measured.ticks
    found = {
        "boot_s": boot_s,
        "samples_per_s": measured.link.samples_per_s,
        "unit": ticks.unit,
        "approximate": ticks.approximate.mean if ticks.approximate else None,
        "exact": ticks.exact.mean if ticks.exact else None,
        "gated": ticks.gated.mean,
        "speedup": measured.speedup.value,
        "invocation": measured.invocation,
        "vectors": measured.vectors.count,
    }
    return Row(**(asdict(built) | found))


@click.command()
@click.option("--kernel", "kernels", multiple=True, default=KERNELS, show_default=True)
@click.option("--board", "boards", multiple=True, default=board_names(), help="Default: every board.")
@click.option("--out", default="out/boards.json", type=click.Path(path_type=Path), show_default=True)
def main(kernels: tuple[str, ...], boards: tuple[str, ...], out: Path) -> None:
    """Measure, and write out/boards.json and docs/boards.md."""
    workspace, rows = Workspace(), []
    try:
        for kernel in kernels:
            for board in boards:
                row = measure(kernel, load_board(board), workspace)
                rows.append(row)
                print(f"{kernel:18} {board:16} {row.obstacle or _cost(row)}", flush=True)
    except AxedgeError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    body = {"schema": SCHEMA, "axedge": axedge_version(), "samples": SAMPLES, "rows": [asdict(row) for row in rows]}
    atomic_write(out, json.dumps(body, indent=1) + "\n")
    atomic_write(_ROOT / "docs" / "boards.md", page(body))


def _cost(row: Row) -> str:
    if row.unit is None or row.gated is None:
        return f"{row.flash_bytes} B, built only"
    return f"{row.flash_bytes} B, {row.approximate:.0f} / {row.exact or 0:.0f} / {row.gated:.0f} {row.unit}"


if __name__ == "__main__":
    main()
