/* Clock, timer, reset register and UART of nRF51822 and nRF52833. */
#include "nrf5.h"

#include "../_cortex_m/cortex_m.h"

#define CLOCK_TASKS_HFCLKSTART 0x40000000U
#define CLOCK_EVENTS_HFCLKSTARTED 0x40000100U

#define POWER_RESETREAS 0x40000400U
#define RESETREAS_PIN (1U << 0)
#define RESETREAS_WATCHDOG (1U << 1)
#define RESETREAS_SOFTWARE (1U << 2)
#define RESETREAS_LOCKUP (1U << 3)

#define UART_TASKS_STARTRX 0x40002000U
#define UART_TASKS_STARTTX 0x40002008U
#define UART_EVENTS_RXDRDY 0x40002108U
#define UART_EVENTS_TXDRDY 0x4000211CU
#define UART_ENABLE 0x40002500U
#define UART_PSELTXD 0x4000250CU
#define UART_PSELRXD 0x40002514U
#define UART_RXD 0x40002518U
#define UART_TXD 0x4000251CU
#define UART_BAUDRATE 0x40002524U
#define UART_CONFIG 0x4000256CU
#define UART_ENABLE_ON 4U
#define UART_BAUDRATE_115200 0x01D7E000U

#define TIMER0_TASKS_START 0x40008000U
#define TIMER0_TASKS_CLEAR 0x4000800CU
#define TIMER0_TASKS_CAPTURE0 0x40008040U
#define TIMER0_MODE 0x40008504U
#define TIMER0_BITMODE 0x40008508U
#define TIMER0_PRESCALER 0x40008510U
#define TIMER0_CC0 0x40008540U
#define TIMER0_BITMODE_32 3U

#define GPIO_BASE 0x50000000U
#define GPIO_PORT_STRIDE 0x300U
#define GPIO_OUTSET 0x508U
#define GPIO_DIRSET 0x518U
#define GPIO_PIN_CNF 0x700U /* 4 bytes a pin; 0: input, connected, no pull */

enum {
    CLOCK_TRIES = 50000, /* several ms; the crystal needs about 0.4 ms. QEMU never sets the event. */
    SEND_TRIES = 50000   /* several ms; a byte takes 87 us */
};

void nrf5_clock_start(void)
{
    AXE_REGISTER(CLOCK_EVENTS_HFCLKSTARTED) = 0;
    AXE_REGISTER(CLOCK_TASKS_HFCLKSTART) = 1;
    for (int i = 0; i < CLOCK_TRIES && AXE_REGISTER(CLOCK_EVENTS_HFCLKSTARTED) == 0; i++) {
    }
}

static uint32_t port_of(nrf5_pin pin)
{
    return GPIO_BASE + (pin >> 5) * GPIO_PORT_STRIDE;
}

void nrf5_uart_start(nrf5_pin transmit, nrf5_pin receive)
{
    AXE_REGISTER(port_of(transmit) + GPIO_OUTSET) = 1U << (transmit & 31U); /* idle level, also while the UART is off */
    AXE_REGISTER(port_of(transmit) + GPIO_DIRSET) = 1U << (transmit & 31U);
    AXE_REGISTER(port_of(receive) + GPIO_PIN_CNF + 4U * (receive & 31U)) = 0;
    AXE_REGISTER(UART_PSELTXD) = transmit;
    AXE_REGISTER(UART_PSELRXD) = receive;
    AXE_REGISTER(UART_CONFIG) = 0;
    AXE_REGISTER(UART_BAUDRATE) = UART_BAUDRATE_115200;
    AXE_REGISTER(UART_ENABLE) = UART_ENABLE_ON;
    AXE_REGISTER(UART_EVENTS_RXDRDY) = 0;
    AXE_REGISTER(UART_EVENTS_TXDRDY) = 0;
    AXE_REGISTER(UART_TASKS_STARTTX) = 1;
    AXE_REGISTER(UART_TASKS_STARTRX) = 1;
}

int axe_board_read(void)
{
    if (AXE_REGISTER(UART_EVENTS_RXDRDY) == 0) {
        return -1;
    }
    AXE_REGISTER(UART_EVENTS_RXDRDY) = 0; /* before RXD is read: reading brings up the next byte of six, and its event */
    return (int)(AXE_REGISTER(UART_RXD) & 0xFFU);
}

void axe_board_write(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        AXE_REGISTER(UART_EVENTS_TXDRDY) = 0;
        AXE_REGISTER(UART_TXD) = bytes[i];
        for (int wait = 0; wait < SEND_TRIES && AXE_REGISTER(UART_EVENTS_TXDRDY) == 0; wait++) {
        }
    }
}

void axe_board_idle(void)
{
}

void nrf5_timer_start(void)
{
    AXE_REGISTER(TIMER0_MODE) = 0;
    AXE_REGISTER(TIMER0_BITMODE) = TIMER0_BITMODE_32;
    AXE_REGISTER(TIMER0_PRESCALER) = 0;
    AXE_REGISTER(TIMER0_TASKS_CLEAR) = 1;
    AXE_REGISTER(TIMER0_TASKS_START) = 1;
}

uint32_t nrf5_timer_ticks(void)
{
    AXE_REGISTER(TIMER0_TASKS_CAPTURE0) = 1;
    return AXE_REGISTER(TIMER0_CC0);
}

enum axe_reset_cause nrf5_reset_cause(void)
{
    const uint32_t reasons = AXE_REGISTER(POWER_RESETREAS);
    AXE_REGISTER(POWER_RESETREAS) = reasons; /* ones are cleared by writing them */
    const enum axe_reset_cause own = axe_cortex_m_take_cause();
    if (own != AXE_RESET_UNKNOWN) {
        return own;
    }
    if (AXE_REGISTER(POWER_RESETREAS) != 0) {
        return AXE_RESET_UNKNOWN; /* it cannot be cleared, so it is no register: QEMU reads 1 here */
    }
    if ((reasons & RESETREAS_LOCKUP) != 0) {
        return AXE_RESET_FAULT;
    }
    if ((reasons & RESETREAS_WATCHDOG) != 0) {
        return AXE_RESET_WATCHDOG;
    }
    if ((reasons & RESETREAS_PIN) != 0) {
        return AXE_RESET_PIN;
    }
    if ((reasons & RESETREAS_SOFTWARE) != 0) {
        return AXE_RESET_SOFTWARE;
    }
    return AXE_RESET_POWER_ON; /* or brown-out: neither has a bit */
}
