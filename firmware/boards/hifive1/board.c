/* SiFive HiFive1 Rev B: FE310-G002, RV32IMAC at 16 MHz from its crystal; UART0 goes to the board's own debug probe.
 *
 * Source: SiFive FE310-G002 Manual v1p5.
 */
#include <stdbool.h>

#include "axe_board.h"

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define CLINT_MTIME 0x0200BFF8U
#define PRCI_HFXOSCCFG 0x10008004U
#define PRCI_PLLCFG 0x10008008U
#define GPIO_IOF_EN 0x10012038U
#define GPIO_IOF_SEL 0x1001203CU
#define UART_TXDATA 0x10013000U
#define UART_RXDATA 0x10013004U
#define UART_TXCTRL 0x10013008U
#define UART_RXCTRL 0x1001300CU
#define UART_DIV 0x10013018U

#define HFXOSC_ENABLE (1U << 30)
#define HFXOSC_READY (1U << 31)
#define PLLCFG_USED (1U << 16)
#define PLLCFG_FROM_CRYSTAL (1U << 17)
#define PLLCFG_BYPASS (1U << 18)
#define PINS_UART0 (3U << 16) /* 16 receives, 17 sends */
#define DATA_NONE (1U << 31)  /* RXDATA: empty; TXDATA: full */

#define CRYSTAL_HZ UINT32_C(16000000)
#define BAUD UINT32_C(115200)
#define FAULT_MARK 0xFA117ED5U

/* QEMU counts mcycle in ns of its own time, and mtime at 10 MHz: 100 to 1. On the part it is 16 MHz to 32,768 Hz: 488 to 1. */
#define EMULATED_HZ UINT32_C(1000000000)
enum { EMULATED_RATIO_MAX = 250, RATIO_TICKS = 8 };

enum { WAIT_TRIES = 1000000 }; /* at least 60 ms */

void axe_riscv_fault(void);

/* From sections.ld. */
extern uint8_t axe_stack_bottom[], axe_stack_top[], axe_flash_size[], axe_ram_size[];

__attribute__((section(".noinit"))) static volatile uint32_t fault_mark;

/* Called by axe_trap, which then starts the firmware afresh: QEMU has no watchdog to reset it with. */
void axe_riscv_fault(void)
{
    fault_mark = FAULT_MARK;
}

uint32_t axe_board_ticks(void)
{
    uint32_t cycles;
    __asm volatile("csrr %0, mcycle" : "=r"(cycles));
    return cycles;
}

void axe_board_interrupts_off(void)
{
    __asm volatile("csrci mstatus, 8" ::: "memory");
}

void axe_board_interrupts_on(void)
{
    __asm volatile("csrsi mstatus, 8" ::: "memory");
}

int axe_board_read(void)
{
    const uint32_t data = REGISTER(UART_RXDATA);
    return (data & DATA_NONE) != 0 ? -1 : (int)(data & 0xFFU);
}

void axe_board_write(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        for (int wait = 0; wait < WAIT_TRIES && (REGISTER(UART_TXDATA) & DATA_NONE) != 0; wait++) {
        }
        REGISTER(UART_TXDATA) = bytes[i];
    }
}

void axe_board_idle(void)
{
}

static void clock_start(void)
{
    REGISTER(PRCI_HFXOSCCFG) = HFXOSC_ENABLE;
    for (int wait = 0; wait < WAIT_TRIES && (REGISTER(PRCI_HFXOSCCFG) & HFXOSC_READY) == 0; wait++) {
    }
    REGISTER(PRCI_PLLCFG) = PLLCFG_FROM_CRYSTAL | PLLCFG_BYPASS;
    REGISTER(PRCI_PLLCFG) = PLLCFG_FROM_CRYSTAL | PLLCFG_BYPASS | PLLCFG_USED;
}

/* Wait until mtime has moved on by `ticks`, with a bound. */
static void wait_for_mtime(uint32_t ticks)
{
    const uint32_t start = REGISTER(CLINT_MTIME);
    for (int wait = 0; wait < WAIT_TRIES && REGISTER(CLINT_MTIME) - start < ticks; wait++) {
    }
}

static uint32_t cycle_hz(void)
{
    wait_for_mtime(1);
    const uint32_t start = axe_board_ticks();
    wait_for_mtime(RATIO_TICKS);
    return axe_board_ticks() - start < RATIO_TICKS * EMULATED_RATIO_MAX ? EMULATED_HZ : CRYSTAL_HZ;
}

void axe_board_init(axe_board *board)
{
    const bool was_fault = fault_mark == FAULT_MARK;
    fault_mark = 0;
    clock_start();
    REGISTER(GPIO_IOF_SEL) &= ~PINS_UART0;
    REGISTER(GPIO_IOF_EN) |= PINS_UART0;
    REGISTER(UART_DIV) = CRYSTAL_HZ / BAUD - 1U;
    REGISTER(UART_TXCTRL) = 1;
    REGISTER(UART_RXCTRL) = 1;
    board->stack_bottom = axe_stack_bottom;
    board->stack_top = axe_stack_top;
    board->flash_bytes = (uint32_t)(uintptr_t)axe_flash_size;
    board->ram_bytes = (uint32_t)(uintptr_t)axe_ram_size;
    board->tick_source = AXE_TICKS_MCYCLE;
    board->tick_hz = cycle_hz();
    board->reset_cause = was_fault ? AXE_RESET_FAULT : AXE_RESET_UNKNOWN;
}
