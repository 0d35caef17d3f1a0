/* ST STM32VLDISCOVERY: STM32F100RB, Cortex-M3 at 24 MHz; USART1 on PA9 (sends) and PA10 (receives). */
#include "../_cortex_m/cortex_m.h"
#include "../_stm32/stm32.h"

#define RCC_CR (STM32F1_RCC + 0x00U)
#define RCC_CFGR (STM32F1_RCC + 0x04U)
#define RCC_APB2ENR (STM32F1_RCC + 0x18U)
#define RCC_CSR (STM32F1_RCC + 0x24U)
#define CR_PLL_ON (1U << 24)
#define CR_PLL_READY (1U << 25)
#define CFGR_PLL_TIMES_6 (4U << 18) /* of half the 8 MHz HSI */
#define CFGR_PLL 2U
#define CFGR_PLL_USED (2U << 2)
#define APB2ENR_GPIOA (1U << 2)
#define APB2ENR_USART1 (1U << 14)

#define GPIOA_CRH 0x40010804U
#define GPIOA_ODR 0x4001080CU
#define CRH_PINS_9_10 0x00000FF0U
#define CRH_SEND_AND_PULL 0x000008B0U /* PA9: alternate, 50 MHz; PA10: input, pulled */
#define ODR_PULL_UP_10 (1U << 10)

#define USART1 0x40013800U
#define HSI_HZ UINT32_C(8000000)
#define PLL_HZ UINT32_C(24000000)

static uint32_t clock_start(void)
{
    if (!stm32_has_rcc(STM32F1_RCC)) {
        return PLL_HZ;
    }
    AXE_REGISTER(RCC_CFGR) = CFGR_PLL_TIMES_6;
    AXE_REGISTER(RCC_CR) |= CR_PLL_ON;
    if (!stm32_wait(RCC_CR, CR_PLL_READY)) {
        return HSI_HZ;
    }
    AXE_REGISTER(RCC_CFGR) = CFGR_PLL_TIMES_6 | CFGR_PLL;
    return stm32_wait(RCC_CFGR, CFGR_PLL_USED) ? PLL_HZ : HSI_HZ;
}

void axe_board_init(axe_board *board)
{
    const uint32_t core_hz = clock_start();
    AXE_REGISTER(RCC_APB2ENR) |= APB2ENR_GPIOA | APB2ENR_USART1;
    AXE_REGISTER(GPIOA_CRH) = (AXE_REGISTER(GPIOA_CRH) & ~CRH_PINS_9_10) | CRH_SEND_AND_PULL;
    AXE_REGISTER(GPIOA_ODR) |= ODR_PULL_UP_10;
    stm32_usart_start(USART1, core_hz);
    axe_cortex_m_memory(board);
    axe_core_ticks_start(board, core_hz);
    board->reset_cause = stm32_reset_cause(RCC_CSR);
}
