"""The hand-written helpers of the generated C, of which only those used are emitted (compilers warn of the rest)."""

from __future__ import annotations

import re
from pathlib import Path

_TEMPLATES = Path(__file__).parent / "templates"
_DEFINITION = re.compile(r"^static inline [^(\n]*?(\w+)\(|^#define (\w+)\b", re.MULTILINE)


def used_primitives(file: str, code: str) -> str:
    """Return the blocks of a helper file that `code` needs, in the file's order.

    Args:
        file: name below templates/; blocks are separated by blank lines, and a block names what it defines.
        code: C that calls some of them.
    """
    blocks = (_TEMPLATES / file).read_text(encoding="utf-8").strip().split("\n\n")
    needed: list[str] = []
    text = code
    for block in reversed(blocks):
        names = {first or second for first, second in _DEFINITION.findall(block)}
        if any(re.search(rf"\b{name}\b", text) for name in names):
            needed.insert(0, block)
            text += block
    return "\n\n".join(needed) + "\n" if needed else ""
