"""Names and literals for the generated C."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from axedge.artifacts.errors import UnsupportedModel

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

#: Words that C99 or C++17 keep for themselves.
_RESERVED = frozenset(
    """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t class compl
    const const_cast constexpr continue decltype default delete do double dynamic_cast else enum explicit export
    extern false float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr
    operator or or_eq private protected public register reinterpret_cast restrict return short signed sizeof
    static static_assert static_cast struct switch template this thread_local throw true try typedef typeid
    typename union unsigned using virtual void volatile wchar_t while xor xor_eq
    """.split()  # noqa: SIM905
)

_WIDTH = 118


def check_identifier(name: str, what: str) -> str:
    """Return `name` if it may stand in C and C++.

    Raises:
        UnsupportedModel: it is no identifier, or a reserved word.
    """
    if _IDENTIFIER.match(name) and name not in _RESERVED and not name.startswith("_"):
        return name
    raise UnsupportedModel(
        f"{what} {name!r} cannot be a name in C.", "Use letters, digits and underscores, and no C or C++ keyword."
    )


def float_literal(value: float) -> str:
    """Return a float32 as a C literal that reads back as the same bits.

    Nine digits are enough (C99 5.2.4.2.2, FLT_DECIMAL_DIG); hex floats would need C++17.

    Raises:
        UnsupportedModel: the value is not finite.
    """
    single = np.float32(value)
    if not np.isfinite(single):
        raise UnsupportedModel(f"a constant of the float rules is {value}.", "Its scale must be finite.")
    text = f"{float(single):.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def int_literal(value: int) -> str:
    """Return an int32 as a C constant expression of type int (-2^31 has no literal of its own)."""
    return "(-2147483647 - 1)" if value == -(1 << 31) else str(value)


def wrapped(values: Iterable[object], indent: str = "    ") -> str:
    """Return the values, comma-separated, in lines of at most 118 characters."""
    lines, line = [], indent
    for value in values:
        word = f"{value},"
        if len(line) + len(word) > _WIDTH and line.strip():
            lines.append(line.rstrip())
            line = indent
        line += word + " "
    return "\n".join([*lines, line.rstrip()])


def array(declaration: str, values: Iterable[object]) -> str:
    """Return the definition of an initialised constant array, to be read by FLASH_I8 and its like (axnet.c.j2)."""
    return f"{declaration} IN_FLASH = {{\n{wrapped(values)}\n}};"
