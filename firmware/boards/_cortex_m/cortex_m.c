/* Faults, interrupts and memory figures of every Cortex-M. */
#include "cortex_m.h"

#define AIRCR 0xE000ED0CU
#define AIRCR_RESET 0x05FA0004U /* key, SYSRESETREQ */
#define FAULT_MARK 0xFA117ED5U

extern uint8_t axe_stack_bottom[], axe_stack_top[], axe_flash_size[], axe_ram_size[];

__attribute__((section(".noinit"))) static volatile uint32_t fault_mark;

void axe_cortex_m_fault(void)
{
    fault_mark = FAULT_MARK;
    __asm volatile("dsb");
    AXE_REGISTER(AIRCR) = AIRCR_RESET;
    for (;;) {
    }
}

bool axe_cortex_m_take_fault(void)
{
    const bool was_fault = fault_mark == FAULT_MARK;
    fault_mark = 0;
    return was_fault;
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
