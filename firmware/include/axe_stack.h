/* How deep the stack ever got: the free part is painted at start and looked at later. */
#ifndef AXE_STACK_H
#define AXE_STACK_H

#include <stdint.h>

/* Paint from `bottom` up to a little below the caller's frame. `bottom` is a multiple of 4; NULL: do nothing. */
void axe_stack_paint(uint8_t *bottom);

/* Return the bytes between `top` and the lowest word that is not paint any more; 0 where bottom is NULL. */
uint32_t axe_stack_peak(const uint8_t *bottom, const uint8_t *top);

#endif
