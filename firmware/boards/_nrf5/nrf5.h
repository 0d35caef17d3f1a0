/* What the two micro:bits share: Nordic's clock, timer, reset register and the UART both parts have at the same address.
 *
 * Sources: nRF51 Series Reference Manual 3.0; nRF52833 Product Specification 1.5 (its UART is called deprecated there).
 */
#ifndef AXE_NRF5_H
#define AXE_NRF5_H

#include <stdint.h>

#include "axe_board.h"

/* A pin: 32 * port + number. */
typedef uint32_t nrf5_pin;

/* Start the crystal oscillator, which the UART's and the timer's accuracy need; goes on without it after a bounded wait. */
void nrf5_clock_start(void);

/* Start the UART at 115,200 baud, 8N1, no flow control; axe_board_read and axe_board_write then use it. */
void nrf5_uart_start(nrf5_pin transmit, nrf5_pin receive);

/* Start TIMER0: 32 bits, 16 MHz. */
void nrf5_timer_start(void);

uint32_t nrf5_timer_ticks(void);

/* Return why the part was reset, and clear the register. */
enum axe_reset_cause nrf5_reset_cause(void);

#endif
