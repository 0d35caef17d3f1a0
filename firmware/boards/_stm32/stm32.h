/* What the boards with an STM32F1 or F4 share: the first kind of USART, the reset flags, clocks with bounded waits.
 *
 * Sources: ST RM0041 (STM32F100), RM0090 (F405), RM0390 (F446). QEMU has no RCC: its registers read 0, which no part's RCC_CR
 * does (the internal oscillator runs after reset), and the core's clock is then the one that the board's machine has.
 */
#ifndef AXE_STM32_H
#define AXE_STM32_H

#include <stdbool.h>
#include <stdint.h>

#include "axe_board.h"

#define STM32F1_RCC 0x40021000U
#define STM32F4_RCC 0x40023800U

/* Whether there are clock registers at all, as on every part. */
bool stm32_has_rcc(uintptr_t rcc);

/* Wait until all of `bits` are set in a register, or until so much time has passed that they never will be. */
bool stm32_wait(uintptr_t address, uint32_t bits);

/* Return why the part was reset from its RCC_CSR, and clear the flags. */
enum axe_reset_cause stm32_reset_cause(uintptr_t csr);

/* A USART of an F4, and how it is reached.
 *
 * base: its registers. enable, enable_bit: the RCC register and bit of its clock. bus_divider: core clock over that clock, when
 * the core runs at 168 MHz. port: 0 for A. send, receive: its pins on that port, both alternate function 7.
 */
typedef struct stm32f4_usart {
    uintptr_t base;
    uintptr_t enable;
    uint32_t enable_bit;
    uint32_t bus_divider;
    unsigned port;
    unsigned send;
    unsigned receive;
} stm32f4_usart;

/* All of axe_board_init for an F4. */
void stm32f4_start(axe_board *board, const stm32f4_usart *usart);

/* Start a USART that is clocked with `hz` at 115,200 baud, 8N1; axe_board_read and axe_board_write then use it. */
void stm32_usart_start(uintptr_t usart, uint32_t hz);

#endif
