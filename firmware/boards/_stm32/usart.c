/* USART, reset flags and waiting, alike on STM32F1 and F4. */
#include "../_cortex_m/cortex_m.h"
#include "stm32.h"

#define BAUD UINT32_C(115200)

enum { USART_SR = 0x0, USART_DR = 0x4, USART_BRR = 0x8, USART_CR1 = 0xC };

#define SR_OVERRUN (1U << 3)
#define SR_RECEIVED (1U << 5)
#define SR_SENDABLE (1U << 7)
#define CR1_RECEIVE (1U << 2)
#define CR1_SEND (1U << 3)
#define CR1_ENABLE (1U << 13)

#define CSR_CLEAR (1U << 24)
#define CSR_PIN (1U << 26)
#define CSR_POWER_ON (1U << 27)
#define CSR_SOFTWARE (1U << 28)
#define CSR_WATCHDOGS (3U << 29)

enum {
    WAIT_TRIES = 100000, /* some ms at 16 MHz; a PLL locks within 0.3 ms */
    SEND_TRIES = 100000  /* a byte takes 87 us */
};

static uintptr_t usart_base;

bool stm32_has_rcc(uintptr_t rcc)
{
    return AXE_REGISTER(rcc) != 0;
}

bool stm32_wait(uintptr_t address, uint32_t bits)
{
    for (int i = 0; i < WAIT_TRIES; i++) {
        if ((AXE_REGISTER(address) & bits) == bits) {
            return true;
        }
    }
    return false;
}

enum axe_reset_cause stm32_reset_cause(uintptr_t csr)
{
    const uint32_t flags = AXE_REGISTER(csr);
    AXE_REGISTER(csr) = flags | CSR_CLEAR;
    const enum axe_reset_cause own = axe_cortex_m_take_cause();
    if (own != AXE_RESET_UNKNOWN) {
        return own;
    }
    if ((flags & CSR_WATCHDOGS) != 0) {
        return AXE_RESET_WATCHDOG;
    }
    if ((flags & CSR_SOFTWARE) != 0) {
        return AXE_RESET_SOFTWARE;
    }
    if ((flags & CSR_POWER_ON) != 0) {
        return AXE_RESET_POWER_ON;
    }
    return (flags & CSR_PIN) != 0 ? AXE_RESET_PIN : AXE_RESET_UNKNOWN; /* the pin is pulled by every other cause too */
}

void stm32_usart_start(uintptr_t usart, uint32_t hz)
{
    usart_base = usart;
    AXE_REGISTER(usart + USART_BRR) = (hz + BAUD / 2) / BAUD;
    AXE_REGISTER(usart + USART_CR1) = CR1_ENABLE | CR1_SEND | CR1_RECEIVE;
}

int axe_board_read(void)
{
    const uint32_t status = AXE_REGISTER(usart_base + USART_SR);
    if ((status & (SR_RECEIVED | SR_OVERRUN)) == 0) {
        return -1;
    }
    return (int)(AXE_REGISTER(usart_base + USART_DR) & 0xFFU); /* after SR, this clears an overrun as well */
}

void axe_board_write(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        for (int wait = 0; wait < SEND_TRIES && (AXE_REGISTER(usart_base + USART_SR) & SR_SENDABLE) == 0; wait++) {
        }
        AXE_REGISTER(usart_base + USART_DR) = bytes[i];
    }
}

void axe_board_idle(void)
{
}

uint32_t axe_board_ticks(void)
{
    return axe_core_ticks();
}
