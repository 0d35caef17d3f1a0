"""Who calls whom in an image, and what each call takes of the stack, as GCC tells it (-fcallgraph-info=su).

One .ci file an object: functions with their frames, and edges. A call through a pointer leads to a placeholder; it may
reach every function of which the objects take the address, which their relocations tell. Functions that the linker left
out are left out here. What has no .ci file is library code: its names are known, its frames are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_NODE = re.compile(r'^node: \{ title: "(?P<title>[^"]+)" label: "(?P<label>[^"]*)"(?P<shape> shape : ellipse)?')
_EDGE = re.compile(r'^edge: \{ sourcename: "(?P<source>[^"]+)" targetname: "(?P<target>[^"]+)"')
_FRAME = re.compile(r"\\n(?P<bytes>\d+) bytes \((?P<kind>[^)]*)\)")
_INDIRECT = "__indirect_call"

#: The part of objects that are the board's own.
BOARD = "board"

#: Relocations that are a call or a jump, not an address: by machine.
_BRANCHES = {
    "EM_ARM": {10, 28, 29, 30, 51, 102, 103},  # THM_CALL, CALL, JUMP24, THM_JUMP24, THM_JUMP19, THM_JUMP11, THM_JUMP8
    "EM_RISCV": {16, 17, 18, 19, 44, 45},  # BRANCH, JAL, CALL, CALL_PLT, RVC_BRANCH, RVC_JUMP
    "EM_X86_64": {4},  # PLT32
}
_CONSTRUCTORS = ".init_array"
_NO_ADDRESSES = (".debug", ".ARM.exidx", ".ARM.extab", ".eh_frame", ".vectors", ".stack_sizes")


@dataclass(frozen=True)
class Function:
    """A function of ours that is in the image.

    Attributes:
        part: what it belongs to.
        frame_bytes: what a call takes.
        is_dynamic: whether the frame grows at run time (alloca, variable-length arrays).
        callees: keys of the functions of ours that it may call.
        library: names of library functions that it calls.
    """

    part: str
    frame_bytes: int
    is_dynamic: bool
    callees: frozenset[str]
    library: frozenset[str]


@dataclass(frozen=True)
class _Unit:
    """One object: its nodes and edges as they stand in the .ci file, and the functions whose address it takes.

    Those in its list of constructors count apart: only the board's start calls them.
    """

    key: str
    part: str
    frames: Mapping[str, tuple[int, bool]]
    edges: tuple[tuple[str, str], ...]
    addressed: frozenset[str]
    constructors: frozenset[str]

    def name(self, title: str) -> str:
        """Return the graph's key: a static function's is that of one object."""
        return f"{self.key}:{title}" if ":" in title else title


def read_callgraph(objects: Mapping[Path, str], elf: Path) -> dict[str, Function]:
    """Return the call graph of an image by function; empty where the compiler told nothing.

    Args:
        objects: the objects that went into the image, each with the part that it belongs to: "network", "fallback",
            "rest", or "board", which counts as the rest too.
        elf: the image.
    """
    units = [unit for path, part in sorted(objects.items()) if (unit := _read_unit(path, part)) is not None]
    present = _symbols(elf)
    frames = {
        unit.name(title): ("rest" if unit.part == BOARD else unit.part, *frame)
        for unit in units
        for title, frame in unit.frames.items()
        if _symbol(title) in present
    }
    edges = {(unit.name(a), target) for unit in units for a, b in unit.edges for target in _targets(unit, b, units)}
    return {
        key: Function(
            part,
            size,
            is_dynamic,
            frozenset(b for a, b in edges if a == key and b in frames),
            frozenset(b for a, b in edges if a == key and b not in frames and b in present),
        )
        for key, (part, size, is_dynamic) in frames.items()
    }


def _targets(unit: _Unit, target: str, units: Iterable[_Unit]) -> set[str]:
    """Return the keys that an edge's target stands for.

    The firmware hands its functions to nobody but itself: a pointer called within the network, the kernel or the board
    is one of theirs. The board's start also calls every constructor.
    """
    if target != _INDIRECT:
        return {unit.name(target)}
    reach = [each for each in units if unit.part == "rest" or each.part == unit.part]
    called = {name for each in reach for name in each.addressed}
    if unit.part == BOARD:
        called |= {name for each in units for name in each.constructors}
    return {each.name(title) for each in units for title in each.frames if _symbol(title) in called}


def _symbol(title: str) -> str:
    return title.rsplit(":", 1)[-1]


def _read_unit(path: Path, part: str) -> _Unit | None:
    graph = path.with_suffix(".ci")
    if not graph.is_file():
        return None
    frames: dict[str, tuple[int, bool]] = {}
    edges = []
    for line in graph.read_text(encoding="utf-8", errors="replace").splitlines():
        if node := _NODE.match(line):
            frame = _FRAME.search(node["label"])
            if frame and not node["shape"]:
                frames[node["title"]] = (int(frame["bytes"]), frame["kind"] == "dynamic")
        elif edge := _EDGE.match(line):
            edges.append((edge["source"], edge["target"]))
    return _Unit(path.name, part, frames, tuple(edges), *_addressed(path))


def _addressed(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of the functions whose address an object takes, and those that it wants called at the start."""
    from elftools.elf.elffile import ELFFile
    from elftools.elf.relocation import RelocationSection

    addressed: set[str] = set()
    constructors: set[str] = set()
    with path.open("rb") as file:
        image = ELFFile(file)
        branches = _BRANCHES.get(image["e_machine"], set())
        table = image.get_section_by_name(".symtab")
        in_section: dict[int, set[str]] = {}
        for symbol in table.iter_symbols() if table else ():
            if symbol["st_info"]["type"] == "STT_FUNC" and isinstance(symbol["st_shndx"], int):
                in_section.setdefault(symbol["st_shndx"], set()).add(symbol.name)
        for section in image.iter_sections():
            about = section.name.removeprefix(".rela").removeprefix(".rel")
            if not isinstance(section, RelocationSection) or about.startswith(_NO_ADDRESSES):
                continue
            found = constructors if about.startswith(_CONSTRUCTORS) else addressed
            for entry in section.iter_relocations():
                if entry["r_info_type"] not in branches:
                    symbol = table.get_symbol(entry["r_info_sym"])
                    is_section = symbol["st_info"]["type"] == "STT_SECTION"
                    found |= in_section.get(symbol["st_shndx"], set()) if is_section else {symbol.name}
    return frozenset(addressed), frozenset(constructors)


def _symbols(elf: Path) -> set[str]:
    """Return the names that an image's symbol table holds."""
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        return {symbol.name for symbol in table.iter_symbols()} if table else set()
