/* ST Nucleo-F446RE: USART2 on PA2 (sends) and PA3 (receives) goes to the ST-Link's serial port. */
#include "../_stm32/stm32.h"

static const stm32f4_usart usart2 = {
    .base = 0x40004400U,
    .enable = STM32F4_RCC + 0x40U, /* APB1ENR */
    .enable_bit = 1U << 17,
    .bus_divider = 4,
    .port = 0,
    .send = 2,
    .receive = 3,
};

void axe_board_init(axe_board *board)
{
    stm32f4_start(board, &usart2);
}
