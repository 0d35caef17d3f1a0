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
@json_option
@click.pass_obj
@example("axedge boards")
def boards(terminal: Terminal, as_json: bool) -> None:
    """List the boards that firmware can be built for, and where each was tried."""
    from axedge.firmware.boards import board_names, load_board
    from axedge.show import plain_table

    found = [load_board(name) for name in board_names()]
    if as_json:
        rows = [
            {
                "name": one.name,
                "title": one.title,
                "core": one.core,
                "emulated": one.emulator is not None,
                "tried": one.tried,
            }
            for one in found
        ]
        terminal.document({"schema": 1, "boards": rows})
        return
    table = plain_table("board", "core", "emulated", "what it is, and where it was tried")
    for one in found:
        table.add_row(one.name, one.core, "yes" if one.emulator is not None else "no", f"{one.title}. {one.tried}")
    terminal.table(table)


@click.command()
@json_option
@click.pass_obj
@example("axedge doctor")
def doctor(terminal: Terminal, as_json: bool) -> None:
    """Say what is installed, what is missing, and what to type. Exits 1 where the demo cannot run."""
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
