"""Which names may stand in C and C++: the generated header is read by both languages."""

from __future__ import annotations

import re

MAX_NAME = 40

# C99, and what C11 and C++20 add.
_KEYWORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int long register
restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
alignas alignof and and_eq asm bitand bitor bool catch char8_t char16_t char32_t class compl concept consteval constexpr
constinit const_cast co_await co_return co_yield decltype delete dynamic_cast explicit export false friend mutable
namespace new noexcept not not_eq nullptr operator or or_eq private protected public reinterpret_cast requires
static_assert static_cast template this thread_local throw true try typeid typename using virtual wchar_t xor xor_eq
"""

# <math.h>; each also with the suffix f and l.
_MATHS = """
acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 fabs fdim floor fma fmax fmin
fmod frexp hypot ilogb j0 j1 jn ldexp lgamma llrint llround log log10 log1p log2 logb lrint lround modf nan nearbyint
nextafter nexttoward pow remainder remquo rint round scalbln scalbn sin sinh sqrt tan tanh tgamma trunc y0 y1 yn
"""

# Others that a function of the same name would quietly replace, or that a compiler takes for its own.
_OTHERS = """
main abs abort calloc clock div drem exit free gamma getenv index labs llabs ldiv malloc memchr memcmp memcpy memmove
memset printf putchar puts qsort raise rand realloc remove rename rindex scanf signal srand strcat strchr strcmp strcpy
strlen strncpy system time
"""

KEYWORDS = frozenset(_KEYWORDS.split())
LIBRARY = frozenset(_OTHERS.split()) | {name + suffix for name in _MATHS.split() for suffix in ("", "f", "l")}


def check_identifier(name: str) -> str:
    """Return `name` if it may name things in C and C++.

    Raises:
        ValueError: it is no identifier, a keyword, reserved, or longer than MAX_NAME characters.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError("must be a C identifier: letters, digits and _, no digit first")
    if name in KEYWORDS:
        raise ValueError("is a keyword of C or C++, choose another name")
    if name.startswith("__") or re.match(r"_[A-Z]", name):
        raise ValueError("is reserved in C, choose a name without leading underscores")
    if len(name) > MAX_NAME:
        raise ValueError(f"must have at most {MAX_NAME} characters")
    return name


def check_function_name(name: str) -> str:
    """Return `name` if it may name a function of ours beside the standard library's.

    Raises:
        ValueError: it is no identifier, or a function of the C library.
    """
    check_identifier(name)
    if name in LIBRARY:
        raise ValueError("is a function of the C library, choose another name")
    return name
