/* Clock, pins and the whole start of an STM32F4. */
#include "../_cortex_m/cortex_m.h"
#include "stm32.h"

#define RCC_CR (STM32F4_RCC + 0x00U)
#define RCC_PLLCFGR (STM32F4_RCC + 0x04U)
#define RCC_CFGR (STM32F4_RCC + 0x08U)
#define RCC_AHB1ENR (STM32F4_RCC + 0x30U)
#define RCC_APB1ENR (STM32F4_RCC + 0x40U)
#define RCC_CSR (STM32F4_RCC + 0x74U)
#define FLASH_ACR 0x40023C00U
#define PWR_CR 0x40007000U

#define CR_HSI_READY (1U << 1)
#define CR_PLL_ON (1U << 24)
#define CR_PLL_READY (1U << 25)
/* From the 16 MHz HSI: / 16, x 336, / 2 = 168 MHz, and / 7 = 48 MHz for what wants it. */
#define PLLCFGR_168_MHZ (16U | (336U << 6) | (0U << 16) | (7U << 24) | (2U << 28))
#define CFGR_APB1_DIV_4 (5U << 10)
#define CFGR_APB2_DIV_2 (4U << 13)
#define CFGR_PLL 2U
#define CFGR_PLL_USED (2U << 2)
#define ACR_5_WAITS_AND_CACHES (5U | (7U << 8))
#define APB1ENR_PWR (1U << 28)
#define PWR_CR_SCALE_1 (3U << 14)

#define GPIO_BASE 0x40020000U
#define GPIO_STRIDE 0x400U
enum { GPIO_MODER = 0x00, GPIO_PUPDR = 0x0C, GPIO_AFRL = 0x20 };
enum { MODE_ALTERNATE = 2, PULL_UP = 1, ALTERNATE_USART = 7 };

#define HSI_HZ UINT32_C(16000000)
#define PLL_HZ UINT32_C(168000000)

/* Run at 168 MHz from the internal oscillator, APB1 at 42 MHz and APB2 at 84 MHz. Returns the core's clock: 168 MHz, or the 16 MHz
 * of the oscillator if the PLL does not lock.
 */
static uint32_t clock_start(void)
{
    if (!stm32_has_rcc(STM32F4_RCC)) {
        return PLL_HZ;
    }
    AXE_REGISTER(RCC_APB1ENR) |= APB1ENR_PWR;
    AXE_REGISTER(PWR_CR) |= PWR_CR_SCALE_1;
    AXE_REGISTER(FLASH_ACR) = ACR_5_WAITS_AND_CACHES;
    AXE_REGISTER(RCC_PLLCFGR) = PLLCFGR_168_MHZ;
    AXE_REGISTER(RCC_CR) |= CR_PLL_ON;
    if (!stm32_wait(RCC_CR, CR_HSI_READY | CR_PLL_READY)) {
        return HSI_HZ;
    }
    AXE_REGISTER(RCC_CFGR) = CFGR_APB1_DIV_4 | CFGR_APB2_DIV_2 | CFGR_PLL;
    return stm32_wait(RCC_CFGR, CFGR_PLL_USED) ? PLL_HZ : HSI_HZ;
}

static void set_field(uintptr_t address, unsigned shift, uint32_t mask, uint32_t value)
{
    AXE_REGISTER(address) = (AXE_REGISTER(address) & ~(mask << shift)) | (value << shift);
}

static void pin_to_usart(unsigned port, unsigned pin)
{
    const uintptr_t gpio = GPIO_BASE + port * GPIO_STRIDE;
    AXE_REGISTER(RCC_AHB1ENR) |= 1U << port;
    set_field(gpio + GPIO_PUPDR, 2U * pin, 3U, PULL_UP);
    set_field(gpio + GPIO_AFRL + 4U * (pin / 8U), 4U * (pin % 8U), 15U, ALTERNATE_USART);
    set_field(gpio + GPIO_MODER, 2U * pin, 3U, MODE_ALTERNATE);
}

void stm32f4_start(axe_board *board, const stm32f4_usart *usart)
{
    const uint32_t core_hz = clock_start();
    AXE_REGISTER(usart->enable) |= usart->enable_bit;
    pin_to_usart(usart->port, usart->send);
    pin_to_usart(usart->port, usart->receive);
    stm32_usart_start(usart->base, core_hz == HSI_HZ ? core_hz : core_hz / usart->bus_divider);
    axe_cortex_m_memory(board);
    axe_core_ticks_start(board, core_hz);
    board->reset_cause = stm32_reset_cause(RCC_CSR);
}
