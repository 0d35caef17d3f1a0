"""docs/boards.md from what benchmarks.boards measured and what board.toml says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from axedge.firmware.boards import Board, load_board

_HEAD = """\
# Boards

Written by `make bench-boards`; not by hand. Nothing here was ever run on hardware: *emulated by* says what played the
board, and `axedge boards` says where each image was run.

What a cost is depends on what played the board. QEMU counts *instructions*, which are neither cycles nor time. simavr's
*cycles* are an AVR's, but for those in which an interrupt is taken. rp2040js counts the *cycles* of the core, as if the
flash's cache never missed. The native board tells nanoseconds of the computer that ran it. Boot and samples a second
are that computer's time too, on every board: they tell how quick the emulator was, beside other work, and nothing of
the part.
"""
_KERNELS = """
## {kernel}
{samples} samples; every image first answered {vectors:,} stored vectors bit for bit. The network was used on {used} of
the samples. Means a call: *network* whatever its predictor says, *exact* the function it replaces, *gated* the call of
an application.
"""
_COLUMNS = (
    *("board", "image", "of it the network", "static RAM", "boot to HELLO", "samples/s"),
    *("network", "exact", "gated", "in", "exact / gated"),
)


def page(body: Mapping[str, Any]) -> str:
    """Return the page for what stands in out/boards.json."""
    rows = body["rows"]
    boards = [load_board(name) for name in dict.fromkeys(row["board"] for row in rows)]
    parts = [_HEAD, "\n", _table(_OVERVIEW, map(_overview, boards))]
    for kernel in dict.fromkeys(row["kernel"] for row in rows):
        mine = [row for row in rows if row["kernel"] == kernel]
        parts += [_intro(kernel, mine, body["samples"]), "\n", _table(_COLUMNS, map(_cells, mine))]
        parts += [f"\n{row['board']}: {row['obstacle']}\n" for row in mine if row["obstacle"]]
    compilers = sorted({row["compiler"] for row in rows if row["compiler"]})
    parts += ["\n## Compilers\n", *(f"- {compiler}\n" for compiler in compilers)]
    return "".join(parts)


_OVERVIEW = ("board", "part", "core", "emulated by", "flash", "RAM", "serial line", "ways to flash it")


def _overview(board: Board) -> list[str]:
    link = board.link
    line = {"usb": "its USB", "adapter": f"adapter: {link.pins}", "tcp": "socket"}[link.kind]
    memories = (board.memories.flash.size, board.memories.ram.size) if board.memories else (None, None)
    ways = [method.method for method in board.flash_methods if method.method != "emulator"]
    return [
        *(board.name, board.title, board.core, _player(board)),
        *(f"{size // 1024:,} KB" if size else "-" for size in memories),
        *(line, ", ".join(ways) or "-"),
    ]


def _player(board: Board) -> str:
    match board.emulator.kind if board.emulator else "":
        case "qemu":
            return "QEMU"
        case "program":
            return "rp2040js" if board.emulator.modules else "simavr"
        case "process":
            return "a process"
    return "- (built only)"


def _intro(kernel: str, rows: list[Mapping[str, Any]], samples: int) -> str:
    used = sorted({row["invocation"] for row in rows if row["invocation"] is not None})
    shares = " to ".join(dict.fromkeys(f"{100 * share:.1f} %" for share in (used[0], used[-1]))) if used else "none"
    vectors = max((row["vectors"] or 0 for row in rows), default=0)
    return _KERNELS.format(kernel=kernel, samples=samples, vectors=vectors, used=shares)


def _cells(row: Mapping[str, Any]) -> list[str]:
    def number(value: float | None, pattern: str = "{:,.0f}") -> str:
        return "-" if value is None else pattern.format(value)

    boot = None if row["boot_s"] is None else 1000 * row["boot_s"]
    costs = [number(row[name]) for name in ("approximate", "exact", "gated")]
    sizes = [number(row[name], "{:,} B") for name in ("flash_bytes", "network_flash_bytes", "ram_bytes")]
    return [
        *(row["board"], *sizes, number(boot, "{:.0f} ms"), number(row["samples_per_s"])),
        *(*costs, row["unit"] or "-", number(row["speedup"], "{:.2f}")),
    ]


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(columns)
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
