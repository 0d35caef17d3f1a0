/* ST Nucleo-F446RE: USART2 on PA2 and PA3 goes to the ST-Link's serial port; the core at 168 MHz. */
#include "../_cortex_m/cortex_m.h"
#include "../_stm32/stm32.h"

#define USART2 0x40004400U
#define RCC_APB1ENR (STM32F4_RCC + 0x40U)
#define RCC_CSR (STM32F4_RCC + 0x74U)
#define APB1ENR_USART2 (1U << 17)

#define HSI_HZ UINT32_C(16000000)

enum { PORT_A = 0, PIN_SEND = 2, PIN_RECEIVE = 3 };

void axe_board_init(axe_board *board)
{
    const uint32_t core_hz = stm32f4_clock_start();
    AXE_REGISTER(RCC_APB1ENR) |= APB1ENR_USART2;
    stm32f4_pin_to_usart(PORT_A, PIN_SEND);
    stm32f4_pin_to_usart(PORT_A, PIN_RECEIVE);
    stm32_usart_start(USART2, core_hz == HSI_HZ ? core_hz : core_hz / 4); /* APB1's clock */
    axe_cortex_m_memory(board);
    axe_core_ticks_start(board, core_hz);
    board->reset_cause = stm32_reset_cause(RCC_CSR);
}
