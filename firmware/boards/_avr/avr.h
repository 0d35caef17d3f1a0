/* What the boards with an ATmega share: USART 0, timer 1, the watchdog and the guard beneath the stack.
 *
 * Source: Microchip DS40002061B, ATmega48A/PA/88A/PA/168A/PA/328/P.
 */
#ifndef AXE_AVR_H
#define AXE_AVR_H

#include <stdint.h>

#include "axe_board.h"

/* Start the tick counter, USART 0 with `divisor` (rate = core_hz / (8 * (divisor + 1))) and the watchdog, and fill in all of
 * `board`. A call that takes longer than two seconds is taken for a hang: the watchdog resets the part.
 */
void avr_start(axe_board *board, uint32_t core_hz, uint16_t divisor);

#endif
