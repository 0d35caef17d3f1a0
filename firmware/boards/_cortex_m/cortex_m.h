/* What the boards with a Cortex-M share, beside the start. */
#ifndef AXE_CORTEX_M_H
#define AXE_CORTEX_M_H

#include <stdbool.h>
#include <stdint.h>

#include "axe_board.h"

/* A register of the memory map. */
#define AXE_REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* Any fault: leave a mark where a reset does not reach, and reset. */
void axe_cortex_m_fault(void);

/* Return whether the last reset came from axe_cortex_m_fault; true once only. */
bool axe_cortex_m_take_fault(void);

/* Fill in the memory figures, which the linker script knows. */
void axe_cortex_m_memory(axe_board *board);

/* Start the cycle counter of the DWT unit. Returns false where there is none, or where it does not count (QEMU). */
bool axe_dwt_start(void);

uint32_t axe_dwt_ticks(void);

#endif
