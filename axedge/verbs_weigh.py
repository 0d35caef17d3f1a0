"""The verbs that ask whether a network is worth it: alternatives."""

from __future__ import annotations

from pathlib import Path

import click

from axedge.artifacts.workspace import Workspace
from axedge.options import (
    board_option,
    engine_option,
    example,
    find_board,
    find_kernel,
    force_option,
    json_option,
    kernel_argument,
    out_option,
    port_option,
)
from axedge.pipeline import Choice, Pipeline
from axedge.terminal import Terminal


@click.command()
@kernel_argument
@board_option
@port_option
@engine_option
@out_option
@force_option
@json_option
@click.pass_obj
@example("axedge alternatives inversek2j --board microbit")
def alternatives(
    terminal: Terminal,
    kernel: str | None,
    board: str | None,
    port: str | None,
    engine: str,
    out: Path,
    force: bool,
    as_json: bool,
) -> None:
    """Set a lookup table and a polynomial beside the network.

    Within its flash. Each is fitted to the kernel's samples and its bound, built as C in place of the exact function,
    and run on the same board and samples. Needs `axedge bench` first; `axedge run` does this too.
    """
    from axedge.show import show_alternatives

    workspace = Workspace(out)
    pipeline = Pipeline(find_kernel(kernel, workspace), workspace, terminal, Choice(engine=engine, force=force))
    show_alternatives(terminal, pipeline.alternatives(find_board(board), port), as_json)


COMMANDS = (alternatives,)
