"""`--engine both`: the generated C and TensorFlow Lite Micro on one board, one after the other, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axedge.pipeline import Choice, Pipeline, image_folder

if TYPE_CHECKING:
    from axedge.artifacts.workspace import Workspace
    from axedge.firmware.boards import Board
    from axedge.host.connection import Connection
    from axedge.kernels.kernel import Kernel
    from axedge.terminal import Terminal


def build_both(kernel: Kernel, workspace: Workspace, terminal: Terminal, choice: Choice, board: Board) -> None:
    """Train, convert, and build a board's image with either engine; what is up to date is not done again.

    Args:
        kernel: what is approximated.
        workspace: where the stages read and write.
        terminal: where progress goes.
        choice: what the user asked for; its engine does not matter.
        board: what for.

    Raises:
        ToolMissing, UsageError: there is no TFLM that fits the board; nothing was done.
    """
    aot, tflm = (
        Pipeline(kernel, workspace, terminal, chosen)
        for chosen in (
            replace(choice, engine="aot", tflm=None, arena_bytes=None),
            replace(choice, engine="tflm"),
        )
    )
    tflm.check_engine(board)
    aot.train()
    aot.convert()
    aot.build(board)
    tflm.build(board)


def bench_both(
    terminal: Terminal,
    kernel: str,
    workspace: Workspace,
    connection: Connection,
    chosen: Mapping[str, Any],
    as_json: bool,
) -> None:
    """Flash and bench both images, and show them side by side.

    Args:
        terminal: where progress and the result go.
        kernel: name.
        workspace: where the images are.
        connection: the way to the board.
        chosen: samples, seed and own of `host.side_by_side.side_by_side`.
        as_json: whether the result is printed as JSON.

    Raises:
        CheckFailed: bits differ.
    """
    from axedge.host.flash import flash
    from axedge.host.side_by_side import ENGINES, side_by_side
    from axedge.show import show_side_by_side

    board = connection.board

    def put(folder: Path) -> object:
        return flash(folder, board, workspace=workspace, port=connection.port)

    with terminal.stage("bench") as progress:
        record = side_by_side(
            workspace.convert(kernel),
            {engine: image_folder(workspace, kernel, board, engine) for engine in ENGINES},
            image_folder(workspace, kernel, board, "both"),
            connection=connection,
            put=put,
            progress=progress,
            **chosen,
        )
    show_side_by_side(terminal, record, as_json)
