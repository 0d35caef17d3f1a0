/* Any STM32F405 with USART1 on PB6 (sends) and PB7 (receives). */
#include "../_stm32/stm32.h"

static const stm32f4_usart usart1 = {
    .base = 0x40011000U,
    .enable = STM32F4_RCC + 0x44U, /* APB2ENR */
    .enable_bit = 1U << 4,
    .bus_divider = 2,
    .port = 1,
    .send = 6,
    .receive = 7,
};

void axe_board_init(axe_board *board)
{
    stm32f4_start(board, &usart1);
}
