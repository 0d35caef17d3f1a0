/* Any STM32F405 with USART1 on PB6 (sends) and PB7 (receives); the core at 168 MHz. */
#include "../_cortex_m/cortex_m.h"
#include "../_stm32/stm32.h"

#define USART1 0x40011000U
#define RCC_APB2ENR (STM32F4_RCC + 0x44U)
#define RCC_CSR (STM32F4_RCC + 0x74U)
#define APB2ENR_USART1 (1U << 4)

#define HSI_HZ UINT32_C(16000000)

enum { PORT_B = 1, PIN_SEND = 6, PIN_RECEIVE = 7 };

void axe_board_init(axe_board *board)
{
    const uint32_t core_hz = stm32f4_clock_start();
    AXE_REGISTER(RCC_APB2ENR) |= APB2ENR_USART1;
    stm32f4_pin_to_usart(PORT_B, PIN_SEND);
    stm32f4_pin_to_usart(PORT_B, PIN_RECEIVE);
    stm32_usart_start(USART1, core_hz == HSI_HZ ? core_hz : core_hz / 2); /* APB2's clock */
    axe_cortex_m_memory(board);
    axe_core_ticks_start(board, core_hz);
    board->reset_cause = stm32_reset_cause(RCC_CSR);
}
