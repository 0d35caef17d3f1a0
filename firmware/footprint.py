"""What an image takes of a board's memories, by part: read from its ELF file and from the compiler's call graph."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from axedge.artifacts.errors import CheckFailed
from axedge.artifacts.records.build import PARTS, Footprint
from axedge.firmware.boards import Board
from axedge.firmware.callgraph import BOARD, read_callgraph
from axedge.firmware.stack import part_bytes, stack_use, whole_bytes

FLASH_SYMBOL, RAM_SYMBOL = "axe_flash_size", "axe_ram_size"

#: Folders of objects that CMake makes, and the part of the image that they are. See _part_of.
_OBJECT_FOLDERS = {"core.dir": "rest", "board.dir": BOARD, "kernel.dir": "fallback", "firmware.dir": "network"}
_GLUE, _CALLS = "engine.c", "pair.c"


@dataclass(frozen=True)
class Sizes:
    """Bytes of an image: code, constants and initial values; static variables without the stack."""

    flash_bytes: int
    ram_bytes: int


def image_sizes(elf: Path) -> Sizes:
    """Measure an image.

    A microcontroller's linker script counts, gaps of alignment included, and its HELLO reports the same symbols. A
    program of the host has no such script: there the sections count.
    """
    from elftools.elf.constants import SH_FLAGS
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    with elf.open("rb") as file:
        image = ELFFile(file)
        symbols = image.get_section_by_name(".symtab")
        if isinstance(symbols, SymbolTableSection):
            flash_size, ram_size = (symbols.get_symbol_by_name(name) for name in (FLASH_SYMBOL, RAM_SYMBOL))
            if flash_size and ram_size:
                return Sizes(flash_size[0]["st_value"], ram_size[0]["st_value"])
        flash = ram = 0
        for section in image.iter_sections():
            if section["sh_flags"] & SH_FLAGS.SHF_ALLOC:
                flash += section["sh_size"] if section["sh_type"] != "SHT_NOBITS" else 0
                ram += section["sh_size"] if section["sh_flags"] & SH_FLAGS.SHF_WRITE else 0
        return Sizes(flash, ram)


def measure(made: Path, board: Board, engine: str) -> Footprint:
    """Measure what a build made.

    Args:
        made: CMake's folder: firmware.elf, the same without a network (baseline.elf) and without the exact function
            too (bare.elf), and the objects.
        board: what it is for.
        engine: "none" where firmware.elf has no network.
    """
    whole, bare = (image_sizes(made / f"{name}.elf") for name in ("firmware", "bare"))
    baseline = whole if engine == "none" else image_sizes(made / "baseline.elf")
    objects = {path: _part_of(path, engine) for path in made.glob("CMakeFiles/**/*") if path.suffix in (".o", ".obj")}
    mine = {path: part for path, part in objects.items() if part}
    graph = {} if board.is_host else read_callgraph(mine, made / "firmware.elf")
    return Footprint(
        flash_bytes=whole.flash_bytes,
        ram_bytes=whole.ram_bytes,
        stack_bytes=board.stack_bytes,
        stack_is="host" if board.is_host else "reserved",
        engine_flash_bytes=whole.flash_bytes - baseline.flash_bytes,
        engine_ram_bytes=whole.ram_bytes - baseline.ram_bytes,
        fallback_flash_bytes=baseline.flash_bytes - bare.flash_bytes,
        fallback_ram_bytes=baseline.ram_bytes - bare.ram_bytes,
        stack=stack_use(graph, board) if graph else None,
    )


def _part_of(path: Path, engine: str) -> str:
    """Return which part of the image an object is, empty for an object of one of the images beside it.

    The generated-C engine is glue around the network; another engine is itself what the network costs.
    """
    folder = next((part for part in path.parts if part in _OBJECT_FOLDERS), "")
    is_glue = path.name.startswith(_CALLS) or (path.name.startswith(_GLUE) and engine in ("aot", "none"))
    return "rest" if folder == "firmware.dir" and is_glue else _OBJECT_FOLDERS.get(folder, "")


def by_part(taken: Footprint) -> dict[str, Sizes]:
    """Return flash and static RAM of each part; together they are the whole."""
    network = Sizes(taken.engine_flash_bytes, taken.engine_ram_bytes)
    fallback = Sizes(taken.fallback_flash_bytes, taken.fallback_ram_bytes)
    rest = Sizes(
        taken.flash_bytes - network.flash_bytes - fallback.flash_bytes,
        taken.ram_bytes - network.ram_bytes - fallback.ram_bytes,
    )
    return dict(zip(PARTS, (network, fallback, rest), strict=True))


def own_stack_bytes(taken: Footprint) -> int | None:
    """Return the worst-case stack without what library code takes, None where there is no bound."""
    use = taken.stack
    if use is None or not all(use.part(name).is_bounded for name in PARTS):
        return None
    return whole_bytes(use, {name: part_bytes(use.part(name), 0) for name in PARTS})


def excesses(taken: Footprint, board: Board, stack_bytes: int | None) -> list[str]:
    """Return a phrase for each memory of the board that the image asks too much of.

    Args:
        taken: what it takes.
        board: what there is.
        stack_bytes: worst case, as far as it is known.
    """
    if board.memories is None:
        return []
    flash, ram = board.memories.flash.size, board.memories.ram.size
    rows = (
        (taken.flash_bytes, flash, "bytes of flash", "there are"),
        (
            taken.ram_bytes + board.stack_bytes,
            ram,
            f"bytes of RAM ({board.stack_bytes} of it for the stack)",
            "there are",
        ),
        (stack_bytes or 0, board.stack_bytes, "bytes of stack", "that are kept free for it"),
    )
    return [
        f"{need} {what}, {need - have} more than the {have} {where}" for need, have, what, where in rows if need > have
    ]


def check_fit(taken: Footprint, board: Board, stack_bytes: int | None) -> None:
    """Refuse an image that does not fit.

    Raises:
        CheckFailed: with what each part takes.
    """
    phrases = excesses(taken, board, stack_bytes)
    if not phrases:
        return
    parts = ", ".join(f"{name} {size.flash_bytes} and {size.ram_bytes}" for name, size in by_part(taken).items())
    raise CheckFailed(
        f"the image does not fit {board.name}: it needs {'; and '.join(phrases)}. Flash and RAM by part: {parts}.",
        "Optimise for size, take a smaller network, or another board.",
    )
