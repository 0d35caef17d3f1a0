"""The C helpers of the smallest code: dot products, and a requantisation that needs no long multiplication."""

from __future__ import annotations

#: A loop of its own, so that its few registers are not shared with the walk over the layers.
DOT = """\
#if defined(__GNUC__)
__attribute__((noinline))
#endif
static {sum} dot(const int8_t *weight, const code *x, int count, {sum} sum)
{{
    while (--count >= 0) {{
        sum += ({sum})FLASH_I8(weight, count) * x[count];
    }}
    return sum;
}}
"""

#: The same for long rows of 8-bit codes: 16 at a time with MVE, 4 with the DSP extension.
LONG_DOT = """\
#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#endif

#if defined(__GNUC__)
__attribute__((noinline))
#endif
static int32_t dot(const int8_t *weight, const code *x, int count, int32_t sum)
{
#if defined(__ARM_FEATURE_MVE)
    for (; count > 0; count -= 16, weight += 16, x += 16) {
        const mve_pred16_t some = vctp8q((uint32_t)count);
        sum = vmladavaq_p_s8(sum, vldrbq_z_s8(weight, some), vldrbq_z_s8(x, some), some);
    }
#else
#if defined(__ARM_FEATURE_DSP)
    for (; count >= 4; count -= 4, weight += 4, x += 4) {
        const uint32_t w = load_word(weight), c = load_word(x);
        sum = smlad(even_bytes(c), even_bytes(w), sum);
        sum = smlad(odd_bytes(c), odd_bytes(w), sum);
    }
#endif
    while (--count >= 0) {
        sum += (int32_t)FLASH_I8(weight, count) * x[count];
    }
#endif
    return sum;
}
"""

MULTIPLY_SMALL = """\
/* TensorFlow Lite Micro's MultiplyByQuantizedMultiplier for 32-bit sums: a doubling high product that rounds halves up,
   then a right shift that rounds halves away from zero. Made of 16-bit parts where the core has no long multiplication.
   */
static int32_t requantise(int32_t x, int32_t multiplier, int shift)
{
    int32_t high;
@BEFORE@#if defined(__thumb__) && !defined(__thumb2__)
    {
        const uint32_t low = (uint32_t)x & 0xFFFFu, factor = (uint32_t)multiplier & 0xFFFFu;
        const uint32_t across = low * (uint32_t)(multiplier >> 16);
        const int32_t middle =
            (x >> 16) * (int32_t)factor + (int32_t)((low * factor) >> 16) + (int32_t)(across & 0xFFFFu);
        high = (x >> 16) * (multiplier >> 16) + (int32_t)(across >> 16) + (middle >> 16);
        high = high * 2 + (int32_t)((((uint32_t)middle >> 14 & 3u) + 1u) >> 1);
    }
#else
    high = (int32_t)(((int64_t)x * multiplier + ((int64_t)1 << 30)) >> 31);
#endif
@AFTER@    return high;
}
"""

#: Before and after the high product: for any shift, and for `shift` = right shift - 1 where all shift right.
ANY_SHIFT = (
    """\
    if (shift > 0) {
        x = (int32_t)((uint32_t)x << shift);
        shift = 0;
    }
""",
    """\
    if (shift < 0) {
        high += (int32_t)((uint32_t)1 << (-shift - 1)) - (high < 0);
        high >>= -shift;
    }
""",
)
RIGHT_SHIFT = ("", "    high = (((high + (high >> 31)) >> shift) + 1) >> 1;\n")
