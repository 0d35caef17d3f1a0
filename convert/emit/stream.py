"""The constants of the unrolled code, in the order in which it uses them.

A DSP core loads two words with one LDRD and moves the pointer with it: cheaper in instructions and in flash than a
literal each.
"""

from __future__ import annotations

from collections.abc import Sequence

from axedge.convert.emit.names import array


class Stream:
    """Hands out the names of constants and prints the loads before their first use.

    Straight code asks for one word at a time. A loop asks for one word for each of its rounds at a time; the words of a
    round lie
    together.
    """

    def __init__(self) -> None:
        self._words: list[int] = []
        self._rows: list[list[int]] = []
        self._names = 0
        self._spare = ""
        self._looping = False

    def word(self, values: Sequence[int], lines: list[str]) -> str:
        """Return the name of a constant, given its value in each round; append to `lines` what loads it."""
        words = [value % 2**32 for value in values]
        if self._looping:
            self._rows.append(words)
        else:
            self._words += words
        if self._spare:
            name, self._spare = self._spare, ""
            return name
        name, self._spare = f"c{self._names}", f"c{self._names + 1}"
        self._names += 2
        lines.append(f"LOAD_TWO({name}, {self._spare}, k);")
        return name

    def begin_loop(self, lines: list[str]) -> None:
        """Let the words that follow belong to a loop."""
        self.end(lines)
        self._looping = True

    def end_loop(self, lines: list[str]) -> None:
        """Store the rounds' words one round after the other."""
        if self._spare:
            self._rows.append([0] * len(self._rows[0]))
            lines.append(f"(void){self._spare};")
            self._spare = ""
        for row in zip(*self._rows, strict=True):
            self._words += row
        self._rows = []
        self._looping = False

    def end(self, lines: list[str]) -> None:
        """Mark a word that is loaded and not used."""
        if self._spare:
            lines.append(f"(void){self._spare};")
        self._fill()

    def definition(self) -> str:
        """Return the array that the loads read."""
        return array(f"static const uint32_t words[{len(self._words)}]", (f"0x{word:08x}u" for word in self._words))

    def __bool__(self) -> bool:
        return bool(self._words)

    def _fill(self) -> None:
        self._words += [0] * (len(self._words) % 2)
        self._spare = ""
