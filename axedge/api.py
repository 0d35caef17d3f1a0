"""The Python API: what the command line's verbs do, as functions. `axedge/__init__.py` hands the names out.

The functions read and write the same folders as the verbs, and likewise do nothing where their work is up to date.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axedge.artifacts.errors import AxedgeError
from axedge.artifacts.workspace import Workspace
from axedge.firmware.boards import Board, load_board
from axedge.host.connection import Connection
from axedge.host.device import Device
from axedge.kernels.kernel import Kernel, data_kernel, load_kernel
from axedge.options import find_kernel
from axedge.pipeline import BenchChoice, Choice, Pipeline
from axedge.terminal import Terminal

if TYPE_CHECKING:
    from axedge.artifacts.records.bench import BenchRecord
    from axedge.artifacts.records.build import BuildRecord
    from axedge.artifacts.records.convert import ConvertRecord
    from axedge.artifacts.records.search import SearchRecord
    from axedge.artifacts.records.train import TrainRecord

__all__ = [
    "AxedgeError",
    "Board",
    "Device",
    "Kernel",
    "bench",
    "build",
    "connect",
    "convert",
    "data_kernel",
    "flash",
    "load_board",
    "load_kernel",
    "search",
    "train",
]


def train(
    kernel: Kernel | str | Path,
    *,
    out: Path | str = "out",
    force: bool = False,
    terminal: Terminal | None = None,
    **options: Any,
) -> TrainRecord:
    """Train the kernel's network, as `axedge train` does.

    Args:
        kernel: a kernel, the name of a bundled one, or a folder with a kernel.toml.
        out: folder that the stages read and write.
        force: do the work even where it is up to date.
        terminal: where progress goes; None: nowhere.
        options: seed, recipe, steps, restarts of `axedge.train.stage.train_kernel`; one that is not given stays as it
            was last time.

    Raises:
        AxedgeError: as `train_kernel` raises.
    """
    return _pipeline(kernel, out, terminal, Choice(train=options, force=force)).train()


def convert(
    kernel: Kernel | str | Path,
    *,
    out: Path | str = "out",
    force: bool = False,
    terminal: Terminal | None = None,
    **options: Any,
) -> ConvertRecord:
    """Quantise the trained network and emit it as C, as `axedge convert` does.

    Args:
        kernel: see `train`.
        out: see `train`.
        force: see `train`.
        terminal: see `train`.
        options: guarantee, confidence, activations, inputs, effort, calibrate, model, seed; those of
            `axedge.convert.options.convert_options`. One that is not given stays as it was last time.

    Raises:
        CheckFailed: the guarantee cannot be given.
        AxedgeError: as `axedge.convert.stage.convert_kernel` raises.
    """
    return _pipeline(kernel, out, terminal, Choice(convert=options, force=force)).convert()


def build(
    kernel: Kernel | str | Path,
    board: Board | str,
    *,
    out: Path | str = "out",
    force: bool = False,
    terminal: Terminal | None = None,
    **options: Any,
) -> BuildRecord:
    """Build the board's firmware around the converted network, as `axedge build` does.

    Args:
        kernel: see `train`.
        board: a board, or its name.
        out: see `train`.
        force: see `train`.
        terminal: see `train`.
        options: engine, tflm, arena_bytes, optimize; see `axedge.pipeline.Choice`.

    Raises:
        CheckFailed: the image does not fit the board.
        AxedgeError: as `axedge.firmware.build.build_firmware` raises.
    """
    return _pipeline(kernel, out, terminal, Choice(force=force, **options)).build(_board(board))


def flash(
    kernel: Kernel | str | Path,
    board: Board | str,
    *,
    port: str | None = None,
    engine: str = "aot",
    out: Path | str = "out",
    terminal: Terminal | None = None,
) -> None:
    """Put the built image onto the board, unless it, asked, already answers with its build id.

    Args:
        kernel: see `train`.
        board: see `build`.
        port: serial port, socket://HOST:PORT, "auto", or None for the board's emulator.
        engine: "aot" or "tflm".
        out: see `train`.
        terminal: see `train`.

    Raises:
        DeviceError: the board does not answer.
    """
    _pipeline(kernel, out, terminal, Choice(engine=engine)).flash(_board(board), port)


def bench(
    kernel: Kernel | str | Path,
    board: Board | str,
    *,
    port: str | None = None,
    samples: int | None = None,
    seed: int | None = None,
    engine: str = "aot",
    out: Path | str = "out",
    force: bool = False,
    terminal: Terminal | None = None,
) -> BenchRecord:
    """Measure on the board how often the network is used, how wrong it is and what it costs, as `axedge run` does.

    Args:
        kernel: see `train`.
        board: see `build`.
        port: see `flash`.
        samples: inputs to run; None: 5,000.
        seed: draws them from the stored ones; None: the first ones.
        engine: see `flash`.
        out: see `train`.
        force: see `train`.
        terminal: see `train`.

    Raises:
        CheckFailed: the board's bits differ from the network's.
        DeviceError: the board does not answer.
    """
    pipeline = _pipeline(kernel, out, terminal, Choice(engine=engine, force=force))
    return pipeline.bench(_board(board), BenchChoice(port=port, samples=samples, seed=seed))


def search(
    kernel: Kernel | str | Path,
    board: Board | str = "microbit",
    *,
    jobs: int | None = None,
    ray: str | None = None,
    out: Path | str = "out",
    terminal: Terminal | None = None,
    **wishes: Any,
) -> SearchRecord:
    """Find the best topology within a flash and stack budget, as `axedge search` does; finished trials are kept.

    Args:
        kernel: see `train`.
        board: where flash, stack and cost are measured.
        jobs: trials at a time; None: 2, or with Ray, the cluster's processors.
        ray: address of a Ray cluster, "auto", or "local"; None: processes of this machine.
        out: see `train`.
        terminal: see `train`.
        wishes: fields of `axedge.searching.search.Wish`: objective, guarantee, flash_bytes, stack_bytes, trials, ...

    Raises:
        AxedgeError: as `axedge.searching.search.search` raises.
    """
    from axedge.searching.crew import crew_of
    from axedge.searching.search import Wish
    from axedge.searching.search import search as find

    where = Workspace(Path(out))
    found = _kernel(kernel, where)
    with (terminal or Terminal(quiet=True)).stage("search") as progress:
        return find(
            found,
            _board(board),
            Wish(**wishes),
            where.search(found.name),
            lambda: crew_of(jobs, ray),
            progress=progress,
        )


def connect(
    board: Board | str, *, port: str | None = None, build_id: str | None = None, out: Path | str = "out"
) -> AbstractContextManager[Device]:
    """Connect to a board that was flashed; leaving the context closes the port, or switches the emulated board off.

    Args:
        board: see `build`.
        port: see `flash`.
        build_id: 16 hex digits of the image that must answer (build.json); None: any.
        out: see `train`.

    Raises:
        DeviceError: nothing answers, or another image.
    """
    return Connection(_board(board), Workspace(Path(out)), port).open(build_id)


def _pipeline(kernel: Kernel | str | Path, out: Path | str, terminal: Terminal | None, choice: Choice) -> Pipeline:
    where = Workspace(Path(out))
    return Pipeline(_kernel(kernel, where), where, terminal or Terminal(quiet=True), choice)


def _kernel(kernel: Kernel | str | Path, where: Workspace) -> Kernel:
    return kernel if isinstance(kernel, Kernel) else find_kernel(str(kernel), where)


def _board(board: Board | str) -> Board:
    return load_board(board) if isinstance(board, str) else board
