"""What went wrong in a build, in one line, from what compiler and linker said."""

from __future__ import annotations

import re
from pathlib import Path

from axedge.artifacts.errors import AxedgeError, BuildError, CheckFailed
from axedge.firmware.boards import Board
from axedge.firmware.inputs import ROOM

_OVERFLOW = re.compile(r"region [`'](?P<region>\w+)' overflowed by (?P<bytes>\d+) bytes")
_ERROR = re.compile(r"^.*?(?:error:|undefined reference|CMake Error).*$", re.IGNORECASE | re.MULTILINE)
_UNKNOWN_HEADER = re.compile(r"fatal error: '?(?P<header>[\w./-]+)'?(?:: No such file| file not found)")


def explain_failure(said: str, board: Board, log: Path) -> AxedgeError:
    """Return the error to raise for a failed build.

    Args:
        said: all output of CMake and Ninja.
        board: what was built for.
        log: where that output is kept.
    """
    overflows = {match["region"]: int(match["bytes"]) for match in _OVERFLOW.finditer(said)}
    if overflows and board.memories is not None:
        return _does_not_fit(overflows, board)
    first = _ERROR.search(said)
    line = first.group().strip() if first else said.strip().splitlines()[-1] if said.strip() else "nothing was said"
    hint = f"All of it is in {log}."
    missing = _UNKNOWN_HEADER.search(said)
    if missing and missing["header"] in ("stdint.h", "math.h", "string.h"):
        hint = f"The compiler's C library is not installed. {hint}"
    return BuildError(f"the firmware for {board.name} does not build: {line}", hint)


def _does_not_fit(overflows: dict[str, int], board: Board) -> CheckFailed:
    assert board.memories is not None, "checked by the caller"
    sizes = {"FLASH": board.memories.flash.size, "RAM": board.memories.ram.size}
    parts = []
    for region, excess in sorted(overflows.items()):
        size = sizes.get(region, 0)
        excess += (ROOM - 1) * size if board.linker_script else 0
        what = "flash" if region == "FLASH" else f"RAM ({board.stack_bytes} of it for the stack)"
        parts.append(f"{size + excess} bytes of {what}, {excess} more than the {size} there are")
    return CheckFailed(
        f"the image does not fit {board.name}: it needs {'; and '.join(parts)}.",
        "Optimise for size, take a smaller network, or another board.",
    )
