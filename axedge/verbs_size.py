"""The verb that says what an image takes before it is flashed: size."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from axedge.artifacts.errors import CheckFailed
from axedge.artifacts.workspace import Workspace
from axedge.options import (
    arena_option,
    engine_option,
    example,
    find_board,
    find_kernel,
    force_option,
    json_option,
    kernel_argument,
    optimize_option,
    out_option,
    tflm_option,
)
from axedge.pipeline import Choice, Pipeline
from axedge.terminal import Terminal

if TYPE_CHECKING:
    from axedge.artifacts.records.size import SizeRecord


@click.command()
@kernel_argument
@click.option("-b", "--board", "boards", metavar="BOARD", multiple=True, help="Target board; may be given again.")
@engine_option
@tflm_option
@arena_option
@optimize_option
@out_option
@force_option
@json_option
@click.pass_obj
@example("axedge size inversek2j --board microbit --board mps2-an386")
def size(
    terminal: Terminal,
    kernel: str | None,
    boards: tuple[str, ...],
    engine: str,
    tflm: Path | None,
    arena: int | None,
    optimize: str,
    out: Path,
    force: bool,
    as_json: bool,
) -> None:
    """Say what flash, RAM and stack an image takes.

    Network, fallback, the rest; exits 1 if it does not fit. The stack is the worst case: our code by the compiler's
    call graph; library code, such as sinf, by what 10,000 inputs were seen to take in an emulator, plus 25 %.
    """
    from axedge.artifacts.records.size import SizeRecord
    from axedge.size import size_of

    chosen = [find_board(name) for name in boards] or [find_board(None)]
    workspace = Workspace(out)
    choice = Choice(engine=engine, tflm=tflm, arena_bytes=arena, optimize=optimize, force=force)
    pipeline = Pipeline(find_kernel(kernel, workspace), workspace, terminal, choice)
    records, refused = [], {}
    for board in chosen:
        try:
            records.append(size_of(pipeline, board))
        except CheckFailed as error:
            refused[board.name] = error
    if as_json:
        terminal.document({"schema": SizeRecord.SCHEMA, "sizes": _bodies(records), "refused": _words(refused)})
    else:
        show_sizes(terminal, records)
    complaints = [_does_not_fit(record) for record in records if not record.fits] + list(refused.values())
    for error in complaints[:-1]:
        terminal.error(error.message, error.hint)
    if complaints:
        raise complaints[-1]


def _does_not_fit(record: SizeRecord) -> CheckFailed:
    words = "; and ".join(record.problems)
    return CheckFailed(f"the image does not fit {record.board}: it needs {words}.", "See the table for its parts.")


def _bodies(records: Sequence[SizeRecord]) -> list[dict[str, object]]:
    return [json.loads(record.model_dump_json(by_alias=True)) | {"fits": record.fits} for record in records]


def _words(refused: dict[str, CheckFailed]) -> dict[str, str]:
    return {name: error.message for name, error in refused.items()}


def show_sizes(terminal: Terminal, records: Sequence[SizeRecord]) -> None:
    """Show the parts and the whole of each board's image beside what there is, and how the stack is known."""
    from axedge.show import plain_table

    if not records:
        return
    table = plain_table("board", "part", "flash B", "RAM B", "stack B", "of it measured")
    for column in table.columns[2:]:
        column.justify = "right"
    for record in records:
        for part in record.parts:
            measured = {"static + measured": f"{part.library_bytes:,}", "measured": "all"}.get(part.stack_is, "")
            name = record.board if part is record.parts[0] else ""
            table.add_row(name, part.name, *_numbers(part.flash_bytes, part.ram_bytes, part.stack_bytes), measured)
        whole = _numbers(record.flash_bytes, record.ram_bytes, record.stack_bytes)
        table.add_row("", "whole", *whole, end_section=not record.stack_limit_bytes)
        if record.stack_limit_bytes:
            ram = record.ram_limit_bytes - record.stack_limit_bytes
            table.add_row(
                "", "room", *_numbers(record.flash_limit_bytes, ram, record.stack_limit_bytes), end_section=True
            )
    terminal.table(table)
    for line in dict.fromkeys(_notes(records)):
        terminal.words(line)


def _numbers(*sizes: int | None) -> tuple[str, ...]:
    return tuple("unknown" if size is None else f"{size:,}" for size in sizes)


def _notes(records: Sequence[SizeRecord]) -> list[str]:
    lines = [
        f"{record.board}, {part.name}: its stack is {part.stack_is}, because {part.why}."
        for record in records
        for part in record.parts
        if part.stack_is in ("measured", "unknown") and record.stack_limit_bytes
    ]
    ran = [record for record in records if record.measured_on]
    if ran:
        elsewhere = [f"{one.board}: on {one.measured_on}" for one in ran if one.measured_on != one.board]
        where = f" ({', '.join(elsewhere)})" if elsewhere else ""
        how = f"{ran[0].measured_inputs:,} inputs in an emulator{where}, plus {100 * ran[0].margin:.0f} %"
        lines.append(f"Library code's stack was measured with {how}.")
        lines.append("A part's stack is what it takes below its callers; the whole is with callers and an exception.")
    return lines


COMMANDS = (size,)
