"""On which line of a TOML file each key stands, so that a mistake in a value can be pointed at.

`tomllib` keeps no positions. This reads a text that tomllib has already accepted, so it needs to find its way only, not
to judge.
"""

from __future__ import annotations

import re

KeyPath = tuple[str | int, ...]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN_VALUE = re.compile(r"[^,\]}#\n]+")
_BLANK = re.compile(r"[ \t]*")
_BLANK_LINES = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")


def key_lines(text: str) -> dict[KeyPath, int]:
    """Return the line (from 1) of every key, table header and array element, by its path from the root.

    Args:
        text: a TOML document that `tomllib.loads` accepts.
    """
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


def nearest_line(lines: dict[KeyPath, int], path: KeyPath) -> int:
    """Return the line of `path`, or of the innermost table around it that the text holds, or 1."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self.tables: dict[KeyPath, int] = {}  # how many [[...]] of each array of tables so far

    def document(self) -> None:
        here: KeyPath = ()
        self.skip(_BLANK_LINES)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                here = self.header()
            else:
                self.pair(here)
            self.skip(_BLANK_LINES)

    def header(self) -> KeyPath:
        line, is_array = self.line(), self.text.startswith("[[", self.at)
        self.at += 2 if is_array else 1
        keys = self.keys()
        self.at += 2 if is_array else 1
        path = self.resolve(keys[:-1]) + (keys[-1],)
        if is_array:
            self.lines.setdefault(path, line)
            path += (self.tables.get(path, 0),)
            self.tables[path[:-1]] = int(path[-1]) + 1
        self.lines[path] = line
        return path

    def resolve(self, keys: tuple[str, ...]) -> KeyPath:
        path: KeyPath = ()
        for key in keys:
            path += (key,)
            if path in self.tables:
                path += (self.tables[path] - 1,)
        return path

    def pair(self, here: KeyPath) -> None:
        line = self.line()
        path = here
        for key in self.keys():
            path += (key,)
            self.lines.setdefault(path, line)
        self.at += 1  # the equals sign
        self.value(path)

    def keys(self) -> tuple[str, ...]:
        found = []
        while True:
            self.skip(_BLANK)
            if self.text[self.at] in "\"'":
                found.append(self.quoted())
            else:
                start = self.at
                self.skip(_BARE_KEY)
                found.append(self.text[start : self.at])
            self.skip(_BLANK)
            if self.text[self.at] != ".":
                return tuple(found)
            self.at += 1

    def value(self, path: KeyPath) -> None:
        self.skip(_BLANK)
        first = self.text[self.at]
        if first in "\"'":
            self.quoted()
        elif first == "[":
            self.sequence(path, "]")
        elif first == "{":
            self.sequence(path, "}")
        else:
            self.skip(_PLAIN_VALUE)

    def sequence(self, path: KeyPath, end: str) -> None:
        self.at += 1
        index = 0
        while True:
            self.skip(_BLANK_LINES)
            if self.text[self.at] == end:
                self.at += 1
                return
            if self.text[self.at] == ",":
                self.at += 1
            elif end == "}":
                self.pair(path)
            else:
                self.lines[path + (index,)] = self.line()
                self.value(path + (index,))
                index += 1

    def quoted(self) -> str:
        mark = self.text[self.at]
        fence = mark * 3 if self.text.startswith(mark * 3, self.at) else mark
        start = self.at = self.at + len(fence)
        while not self.text.startswith(fence, self.at):
            self.at += 2 if mark == '"' and self.text[self.at] == "\\" else 1
        content = self.text[start : self.at]
        self.at += len(fence)
        while len(fence) == 3 and self.text.startswith(mark, self.at):  # up to two quotes may end the content itself
            self.at += 1
        return content

    def skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()

    def line(self) -> int:
        return self.text.count("\n", 0, self.at) + 1
