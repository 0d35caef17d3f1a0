"""The verb that draws: report."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from axedge.artifacts.workspace import Workspace
from axedge.options import board_option, engine_option, example, find_board, kernel_argument, name_kernel, out_option
from axedge.terminal import STAGE_WIDTH, Terminal

if TYPE_CHECKING:
    from axedge.artifacts.records.bench import BenchRecord


@click.command()
@kernel_argument
@board_option
@engine_option
@out_option
@click.pass_obj
@example("axedge report inversek2j --board microbit")
def report(terminal: Terminal, kernel: str | None, board: str | None, engine: str, out: Path) -> None:
    """Write report.html and report.md of a bench.

    The one opens from the disk without a network, the other is for a pull request. Both stand beside bench.json;
    `axedge run` writes them too. --board may be left out where KERNEL was benched on one board only.
    """
    from axedge.pipeline import image_folder
    from axedge.reporting.write import write_report

    workspace = Workspace(out)
    name = name_kernel(kernel, workspace)
    benched = workspace.benched_boards(name, engine)
    target = find_board(benched[0] if board is None and len(benched) == 1 else board)
    folder = image_folder(workspace, name, target, engine)
    with terminal.stage("report"):
        paths = write_report(workspace, name, folder, command_line(name, target.name, engine, out))
    for path in paths:
        terminal.result(str(path))


def report_of_run(terminal: Terminal, workspace: Workspace, record: BenchRecord, folder: Path) -> Path | None:
    """Write the report at the end of a run and return its path; where its packages are missing, say so and go on."""
    from axedge.artifacts.errors import ToolMissing
    from axedge.reporting.write import write_report

    command = command_line(record.kernel, record.board, record.engine, workspace.root)
    try:
        with terminal.stage("report"):
            html, _ = write_report(workspace, record.kernel, folder, command)
    except ToolMissing as error:
        terminal.say(f"{'report':<{STAGE_WIDTH}} not written: {error}")
        return None
    terminal.say(f"{'report':<{STAGE_WIDTH}} done: {html}")
    return html


def command_line(kernel: str, board: str, engine: str, out: Path) -> str:
    """Return the line that makes the same report again; a folder of this machine is not named."""
    words = ["axedge", "report", kernel, "--board", board]
    words += ["--engine", engine] if engine != "aot" else []
    words += ["--out", str(out)] if not out.is_absolute() and out != Path("out") else []
    return shlex.join(words)


COMMANDS = (report,)
