/* Timing one call: nothing but the call happens between begin and end, and interrupts are masked.
 *
 *     const uint32_t start = axe_timing_begin();
 *     function_in_another_file(in, out);
 *     ticks = axe_timing_end(start);
 *
 * Both live in a file of their own, and the firmware is never linked with link-time optimisation, so a compiler must take
 * all three calls as opaque and cannot move one across another. The timed function has to be in another file too.
 */
#ifndef AXE_TIMING_H
#define AXE_TIMING_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

uint32_t axe_timing_begin(void);

/* Return the ticks since `start`, modulo 2^32. */
uint32_t axe_timing_end(uint32_t start);

/* Return the ticks that a call of an empty function takes between begin and end: the least of a few tries. */
uint32_t axe_timing_overhead(void);

/* The empty function: the same shape as a kernel's. */
void axe_timing_empty(const float *in, float *out);

#ifdef __cplusplus
}
#endif

#endif
