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

/* The same for a watchdog that is about to reset the part: NMI, which no mask holds back. */
void axe_cortex_m_watchdog(void);

/* Return AXE_RESET_FAULT or AXE_RESET_WATCHDOG if one of these two made the last reset, else AXE_RESET_UNKNOWN; once only. */
enum axe_reset_cause axe_cortex_m_take_cause(void);

/* Fill in the memory figures, which the linker script knows. */
void axe_cortex_m_memory(axe_board *board);

/* Start the cycle counter of the DWT unit. Returns false where there is none, or where it does not count (QEMU). */
bool axe_dwt_start(void);

uint32_t axe_dwt_ticks(void);

/* Start SysTick at the core's clock. */
void axe_systick_start(void);

/* Return SysTick's 24 bits extended to 32. Right for differences as long as no more than 2^24 ticks lie between two calls. */
uint32_t axe_systick_ticks(void);

/* Use the cycle counter where it counts, else SysTick; fill in tick_source and tick_hz. Then axe_core_ticks reads it. */
void axe_core_ticks_start(axe_board *board, uint32_t core_hz);

uint32_t axe_core_ticks(void);

#endif
