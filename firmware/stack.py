"""The worst-case stack of an image: of our code by the compiler's call graph, of library code by measuring.

The image falls into parts: the network, the fallback, and the rest, which calls them. A part's own frames are known.
Where it calls library code, the deepest own frame that does so is known too; how much deeper the library goes is what
the painted stack shows beyond the shallowest such frame, plus a margin.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

from axedge.artifacts.records.build import PARTS, StackPart, StackUse
from axedge.firmware.boards import Board
from axedge.firmware.callgraph import Function

#: On top of what library code was seen to take.
LIBRARY_MARGIN = 0.25

#: What a Cortex-M pushes on the running stack for an exception, alignment included: without and with the FPU's state.
_EXCEPTION_BYTES, _EXCEPTION_FPU_BYTES = 36, 108


class Unbounded(Exception):
    """The call graph has no deepest path: it says why."""


def stack_use(graph: Mapping[str, Function], board: Board) -> StackUse:
    """Return what the call graph tells of each part.

    Args:
        graph: of the image.
        board: says what an exception takes.
    """
    parts = {part: _part(graph, part) for part in PARTS}
    return StackUse(**parts, interrupt_bytes=_interrupts(board))


def _interrupts(board: Board) -> int:
    """Return what an exception pushes on the running stack; no handler of ours runs on it (boards/*/start*)."""
    if not board.core.startswith("cortex-m"):
        return 0
    has_fpu = "-mfloat-abi=hard" in board.flags
    return _EXCEPTION_FPU_BYTES if has_fpu else _EXCEPTION_BYTES


def _part(graph: Mapping[str, Function], part: str) -> StackPart:
    callers = _callers(graph)
    mine = {key for key, function in graph.items() if function.part == part}
    outside = {key for key in mine if any(graph[each].part != part for each in callers[key])}
    entries = sorted(outside if part != "rest" else {key for key in mine if not callers[key]})
    inside = {key: function.callees & mine for key, function in graph.items() if key in mine}
    least_above = _least_above(graph, callers, entries)
    most_above = 0
    try:
        most_above = max((_longest(graph, callers, key) - graph[key].frame_bytes for key in entries), default=0)
        below = {key: _longest(graph, inside, key) for key in entries}
    except Unbounded as why:
        return StackPart(entry_most_bytes=most_above, entry_least_bytes=least_above, unbounded=str(why))
    calling = [_to_library(graph, inside, key) for key in entries]
    least = [low for low, _, _ in calling if low is not None]
    names = {name for _, _, found in calling for name in found}
    return StackPart(
        entry_most_bytes=most_above,
        entry_least_bytes=least_above,
        own_bytes=max(below.values(), default=0),
        library_at_bytes=max((high for low, high, _ in calling if low is not None), default=None),
        library_least_bytes=min(least, default=None),
        library=tuple(sorted(names)),
    )


def _callers(graph: Mapping[str, Function]) -> dict[str, set[str]]:
    callers: dict[str, set[str]] = {key: set() for key in graph}
    for key, function in graph.items():
        for callee in function.callees:
            callers[callee].add(key)
    return callers


def _longest(graph: Mapping[str, Function], edges: Mapping[str, frozenset[str] | set[str]], start: str) -> int:
    """Return the bytes of the deepest chain from `start`, its own frame included.

    Raises:
        Unbounded: there is recursion, or a frame that grows.
    """
    done: dict[str, int] = {}

    def visit(key: str, path: tuple[str, ...]) -> int:
        if key in path:
            raise Unbounded(f"{_plain(key)} is recursive")
        if graph[key].is_dynamic:
            raise Unbounded(f"{_plain(key)} has a frame that grows")
        if key not in done:
            deeper = (visit(each, (*path, key)) for each in sorted(edges[key]))
            done[key] = graph[key].frame_bytes + max(deeper, default=0)
        return done[key]

    return visit(start, ())


def _least_above(graph: Mapping[str, Function], callers: Mapping[str, set[str]], keys: list[str]) -> int:
    """Return the bytes of the shortest chain from a root to one of some functions, their frames not included."""
    best = dict.fromkeys(keys, 0)
    found: list[int] = []
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if not callers[key]:
            found.append(best[key])
        for caller in callers[key]:
            size = best[key] + graph[caller].frame_bytes
            if size < best.get(caller, math.inf):
                best[caller] = size
                waiting.append(caller)
    return min(found, default=0)


def _to_library(
    graph: Mapping[str, Function], inside: Mapping[str, frozenset[str] | set[str]], entry: str
) -> tuple[int | None, int, set[str]]:
    """Return the least and the most bytes from an entry to a frame that calls library code, and what it calls."""

    @cache
    def ends(key: str) -> tuple[float, float, frozenset[str]]:
        own, names = graph[key].frame_bytes, graph[key].library
        low, high = (0.0, 0.0) if names else (math.inf, -math.inf)
        for callee in inside[key]:
            least, most, found = ends(callee)
            low, high, names = min(low, least), max(high, most), names | found
        return own + low, own + high, names

    low, high, names = ends(entry)
    return (int(low), int(high), set(names)) if names else (None, 0, set())


def _plain(key: str) -> str:
    return key.rsplit(":", 1)[-1]


def library_bytes(part: StackPart, peak: int | None) -> int | None:
    """Return what library code takes below the frame of ours that calls it, margin included; None: not measured.

    A part without a bound has no frames of ours to take off: then all below its entry is measured.

    Args:
        part: of the image that ran.
        peak: deepest painted byte below the stack's top, after the part was exercised; None if it was not.
    """
    if part.is_bounded and not part.library:
        return 0
    if peak is None:
        return None
    known = part.entry_least_bytes + (part.library_least_bytes or 0)
    return math.ceil(max(0, peak - known) * (1 + LIBRARY_MARGIN))


def part_bytes(part: StackPart, library: int | None) -> int | None:
    """Return the worst case of a part below its entry, None where it is not known."""
    if library is None:
        return None
    if not part.is_bounded:
        return library
    assert part.own_bytes is not None, "a bounded part has a deepest chain"
    return max(part.own_bytes, (part.library_at_bytes or 0) + library if part.library else 0)


def whole_bytes(use: StackUse, parts: Mapping[str, int | None]) -> int | None:
    """Return the worst case of the whole image: the deepest part below its callers, and an exception on top."""
    if any(size is None for size in parts.values()):
        return None
    deepest = max(use.part(name).entry_most_bytes + size for name, size in parts.items() if size is not None)
    return deepest + use.interrupt_bytes
