/* What Arm's MPS2 and MPS3 FPGA images share: the CMSDK UART, timer and watchdog (Arm DDI 0479D, chapter 4), at varying addresses. */
#ifndef AXE_CMSDK_H
#define AXE_CMSDK_H

#include <stdint.h>

#include "axe_board.h"

/* Start a UART at 115,200 baud that is clocked with `hz`, and fill in all of `board` but its ticks. */
void cmsdk_uart_start(axe_board *board, uintptr_t uart, uint32_t hz);

/* Start a watchdog that is clocked with `hz`. Without one, feeding does nothing. */
void cmsdk_watchdog_start(uintptr_t watchdog, uint32_t hz);

void cmsdk_watchdog_feed(void);

/* Fill `board`, and start a UART at 115,200 baud and a timer, both clocked with `hz`. */
void cmsdk_start(axe_board *board, uintptr_t uart, uintptr_t timer, uint32_t hz);

#endif
