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

# What the firmware calls axe_NAME, and what would make such a name, or a macro AXE_NAME, with one of the endings.
_FIRMWARE = """
answer_run answer_vectors answered avr_early board board_idle board_init board_interrupts_off board_interrupts_on
board_read board_ticks board_write bss_end bss_start check_batch core_ticks core_ticks_start cortex_m_fault
cortex_m_memory cortex_m_take_cause cortex_m_watchdog crc32 crc32_step data_end data_load data_start device
device_feed device_init device_memory dwt_start dwt_ticks engine engine_about engine_approximate engine_exact
engine_gated engine_info engine_init engine_vector error error_no firmware_run flash_size frame get_f32 get_u16
get_u32 init_end init_start link link_feed link_init link_take mode model model_has noinit_end outcome pair_outcome
path put_f32 put_u16 put_u32 put_u64 ram_size refused reply_begin reply_payload_max reply_send reset reset_cause
riscv_fault size stack_bottom stack_guard stack_paint stack_peak stack_reserve stack_top start systick_start
systick_ticks tflm tflm_arena tflm_code tflm_status thread_start tick_source timing_begin timing_empty timing_end
timing_overhead trap trap_stack_top type wire_engine wire_path without
"""

#: What stands behind a kernel's name in generated names: `arm` and `arm_exact` would both define axe_arm_exact().
ENDINGS = (
    *("_approximate", "_code", "_exact", "_from_reading", "_net", "_q", "_to_reading"),
    *("_tflite", "_tflm", "_tflm_open", "_tflm_run", "_tflm_take_failure"),
)

KEYWORDS = frozenset(_KEYWORDS.split())
LIBRARY = frozenset(_OTHERS.split()) | {name + suffix for name in _MATHS.split() for suffix in ("", "f", "l")}
FIRMWARE = frozenset(_FIRMWARE.split())


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


def check_kernel_name(name: str) -> str:
    """Return `name` if what is generated from it meets neither another kernel's names nor the firmware's.

    Raises:
        ValueError: it cannot name a function, has one of ENDINGS, or is the firmware's.
    """
    check_function_name(name)
    if name in FIRMWARE:
        raise ValueError(f"would meet axedge's own names (axe_{name}), choose another name")
    if ending := next((each for each in ENDINGS if name.endswith(each)), None):
        raise ValueError(f"must not end in {ending}, which generated names do, choose another name")
    return name
