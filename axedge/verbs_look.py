"""The verbs that only look: kernels, boards, doctor."""

from __future__ import annotations

import sys

import click

from axedge.options import example, json_option
from axedge.terminal import Terminal


@click.command()
@json_option
@click.pass_obj
@example("axedge kernels")
def kernels(terminal: Terminal, as_json: bool) -> None:
    """List the functions that come with axedge."""
    from axedge.kernels.kernel import kernel_names, load_kernel
    from axedge.show import plain_table

    found = [load_kernel(name) for name in kernel_names()]
    if as_json:
        rows = [
            {
                "name": one.name,
                "summary": one.summary,
                "inputs": len(one.inputs),
                "outputs": len(one.outputs),
                "metric": one.error.metric,
                "bound": one.error.bound,
            }
            for one in found
        ]
        terminal.document({"schema": 1, "kernels": rows})
        return
    table = plain_table("kernel", "in", "out", "safe when error <=", "what it computes")
    for one in found:
        bound = f"{one.error.bound:g} {one.error.metric}"
        table.add_row(one.name, str(len(one.inputs)), str(len(one.outputs)), bound, one.summary)
    terminal.table(table)


@click.command()
@click.argument("name", metavar="[BOARD]", required=False)
@json_option
@click.pass_obj
@example("axedge boards", "axedge boards microbit")
def boards(terminal: Terminal, name: str | None, as_json: bool) -> None:
    """List the boards, or say all about one.

    Where each was tried, what it has of memory, how it is flashed.
    """
    from axedge.firmware.boards import board_names, load_board
    from axedge.show_boards import show_board, show_boards

    if name is None:
        show_boards(terminal, [load_board(one) for one in board_names()], as_json)
    else:
        show_board(terminal, load_board(name), as_json)


@click.command()
@json_option
@click.pass_obj
@example("axedge doctor")
def doctor(terminal: Terminal, as_json: bool) -> None:
    """Say what is installed, what is missing, what to type.

    Exits 1 where the demo cannot run.
    """
    from axedge import doctor as examination
    from axedge.show import plain_table

    findings = examination.examine()
    if as_json:
        terminal.document({"schema": 1, "findings": [finding.as_dict() for finding in findings]})
    else:
        table = plain_table("", "what", "found", "needed for")
        table.columns[2].min_width = len("riscv64-unknown-elf-gcc")
        for finding in findings:
            table.add_row(finding.mark, finding.name, finding.found or "missing", finding.needed_for)
        terminal.table(table)
        for line in examination.advice(findings):
            terminal.result(line)
    sys.exit(1 if any(finding.blocks_demo for finding in findings) else 0)


COMMANDS = (kernels, boards, doctor)
