"""The device's error codes and their texts, read from the one list that the firmware is compiled from."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_ENTRY = re.compile(r'^\s*AXE_ERROR\(\s*(\w+)\s*,\s*(\d+)\s*,\s*"((?:[^"\\]|\\.)*)"\s*\)', re.MULTILINE)


@cache
def error_table() -> dict[int, tuple[str, str]]:
    """Return name and text by code, from firmware/include/axe_errors.def."""
    source = files("axedge.firmware").joinpath("include/axe_errors.def").read_text(encoding="utf-8")
    return parse_error_table(source)


def parse_error_table(source: str) -> dict[int, tuple[str, str]]:
    """Return name and text by code, from lines `AXE_ERROR(NAME, number, "text")`.

    Raises:
        ValueError: there is none, or a code stands there twice.
    """
    entries = _ENTRY.findall(source)
    table = {int(code): (name, text) for name, code, text in entries}
    if not table or len(table) != len(entries):
        raise ValueError("axe_errors.def has no errors, or one code twice")
    return table


@cache
def error_code(name: str) -> int:
    """Return the code of the error called `name`.

    Raises:
        KeyError: there is none.
    """
    return {known: code for code, (known, _) in error_table().items()}[name]
