/* Faults, interrupts and memory figures of every Cortex-M. */
#include "cortex_m.h"

#define AIRCR 0xE000ED0CU
#define AIRCR_RESET 0x05FA0004U /* key, SYSRESETREQ */
#define FAULT_MARK 0xFA117ED5U
#define WATCHDOG_MARK 0xD06B17E5U

extern uint8_t axe_stack_bottom[], axe_stack_top[], axe_flash_size[], axe_ram_size[];

__attribute__((section(".noinit"))) static volatile uint32_t reset_mark;

static void reset_with(uint32_t mark)
{
    reset_mark = mark;
    __asm volatile("dsb");
    AXE_REGISTER(AIRCR) = AIRCR_RESET;
    for (;;) {
    }
}

void axe_cortex_m_fault(void)
{
    reset_with(FAULT_MARK);
}

void axe_cortex_m_watchdog(void)
{
    reset_with(WATCHDOG_MARK);
}

enum axe_reset_cause axe_cortex_m_take_cause(void)
{
    const uint32_t mark = reset_mark;
    reset_mark = 0;
    if (mark == WATCHDOG_MARK) {
        return AXE_RESET_WATCHDOG;
    }
    return mark == FAULT_MARK ? AXE_RESET_FAULT : AXE_RESET_UNKNOWN;
}

void axe_cortex_m_memory(axe_board *board)
{
    board->stack_bottom = axe_stack_bottom;
    board->stack_top = axe_stack_top;
    board->flash_bytes = (uint32_t)(uintptr_t)axe_flash_size;
    board->ram_bytes = (uint32_t)(uintptr_t)axe_ram_size;
}

void axe_board_interrupts_off(void)
{
    __asm volatile("cpsid i" ::: "memory");
}

void axe_board_interrupts_on(void)
{
    __asm volatile("cpsie i" ::: "memory");
}
