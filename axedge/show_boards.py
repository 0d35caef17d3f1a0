"""How boards are shown: a line each, or all about one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from axedge.show import plain_table

if TYPE_CHECKING:
    from axedge.firmware.boards import Board
    from axedge.terminal import Terminal


def show_boards(terminal: Terminal, boards: Sequence[Board], as_json: bool) -> None:
    """Show a line a board: its name, its core, what plays it here, what it is."""
    if as_json:
        terminal.document({"schema": 1, "boards": [_as_dict(one) for one in boards]})
        return
    table = plain_table("board", "core", "played by", "what it is")
    for one in boards:
        table.add_row(one.name, one.core, _player(one) or "-", one.title.partition(" (")[0])
    terminal.table(table)
    terminal.words("But for native, none was ever run on hardware by us. All about one of them: axedge boards BOARD")


def show_board(terminal: Terminal, board: Board, as_json: bool) -> None:
    """Show all about one board."""
    if as_json:
        terminal.document({"schema": 1} | _as_dict(board))
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, words in _facts(board).items():
        if words:
            table.add_row(name, words)
    terminal.table(table)


def _facts(board: Board) -> dict[str, str]:
    sizes = board.memories
    clock = f"{board.timer.source}, {board.timer.hz:,} Hz"
    return {
        board.name: board.title,
        "core": board.core,
        "memory": "" if sizes is None else f"flash {sizes.flash.size:,} B, RAM {sizes.ram.size:,} B",
        "clock": clock,
        "serial line": _line(board),
        "played by": _player(board) or "nothing here: it needs the real part",
        "flashed by": ", ".join(method.method for method in board.flash_methods),
        "tried": board.tried,
        "note": " ".join(board.notes),
    }


def _line(board: Board) -> str:
    line = board.link
    if line.kind == "tcp":
        return "a socket"
    where = "the board's own USB port" if line.kind == "usb" else f"a USB-serial adapter ({line.pins})"
    return f"{where}, {line.baud:,} baud"


def _player(board: Board) -> str:
    """Return what plays the board on this computer; empty where nothing does."""
    emulator = board.emulator
    if emulator is None:
        return ""
    if emulator.kind == "process":
        return "itself"
    return "QEMU" if emulator.kind == "qemu" else _without_version((*emulator.libraries, *emulator.modules)[0])


def _without_version(library: str) -> str:
    return library.partition("@")[0]


def _as_dict(board: Board) -> dict[str, Any]:
    return {
        "name": board.name,
        "title": board.title,
        "core": board.core,
        "emulated": board.emulator is not None,
        "tried": board.tried,
    }
