"""Marks variables that nothing reads: those of inputs and units to which every weight is zero."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_DECLARED = re.compile(r"\s*(?:const )?u?int32_t (\w+) = .*;$|\s*(?:SSAT|USAT|SHIFT_ADD)\((\w+),.*;$")
_LOADED = re.compile(r"\s*LOAD_(?:TWO|DATA)\((\w+), (\w+),.*;$")
_WORD = re.compile(r"\w+")


def mark_unused(lines: Sequence[str]) -> list[str]:
    """Return lines of C with `(void)name;` after each declaration of a variable that occurs nowhere else."""
    counts = Counter(word for line in lines for word in _WORD.findall(line))
    marked = []
    for line in lines:
        marked.append(line)
        match = _DECLARED.match(line) or _LOADED.match(line)
        names = [name for name in match.groups() if name] if match else []
        indent = line[: len(line) - len(line.lstrip())]
        marked += [f"{indent}(void){name};" for name in names if counts[name] == 1]
    return marked
