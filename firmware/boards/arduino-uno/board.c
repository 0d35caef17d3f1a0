/* Arduino Uno: ATmega328P at 16 MHz; its USB chip is on USART 0. */
#include "../_avr/avr.h"

#define CORE_HZ UINT32_C(16000000)

enum { DIVISOR_115200 = 16 }; /* 117,647 baud; the USB chip, at 16 MHz too, comes to the same */

void axe_board_init(axe_board *board)
{
    avr_start(board, CORE_HZ, DIVISOR_115200);
}
