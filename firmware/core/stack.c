/* Painting the free part of the stack, and finding out how far it was used. */
#include "axe_stack.h"

#include <stddef.h>

#define PAINT UINT32_C(0xA5C35A3C)

enum { MARGIN_BYTES = 64 }; /* between the caller's locals and the paint: this function's own frame */

void axe_stack_paint(uint8_t *bottom)
{
    volatile uint32_t here = 0; /* stands in the current frame */
    if (bottom == NULL) {
        return;
    }
    const uintptr_t end = (uintptr_t)&here - MARGIN_BYTES;
    for (uintptr_t at = (uintptr_t)bottom; at < end; at += sizeof(uint32_t)) {
        *(volatile uint32_t *)at = PAINT;
    }
}

uint32_t axe_stack_peak(const uint8_t *bottom, const uint8_t *top)
{
    if (bottom == NULL) {
        return 0;
    }
    uintptr_t at = (uintptr_t)bottom;
    while (at < (uintptr_t)top && *(const volatile uint32_t *)at == PAINT) {
        at += sizeof(uint32_t);
    }
    return (uint32_t)((uintptr_t)top - at);
}
