"""Which files a C file is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.MULTILINE)


def with_headers(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the files and, once each, the headers that they include by a quoted name."""
    seen: set[Path] = set()
    waiting = list(paths)
    while waiting:
        path = waiting.pop(0)
        if path.resolve() in seen or not path.is_file():
            continue
        seen.add(path.resolve())
        yield path
        waiting += [path.parent / name.decode(errors="replace") for name in _INCLUDE.findall(path.read_bytes())]
