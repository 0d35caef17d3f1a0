/* Every Cortex-M: the vector table, and the way from reset to axe_firmware_run().
 *
 * No interrupt is ever enabled, so the table ends with the system's own exceptions. Threads run on a stack of their own at
 * the bottom of the RAM, faults on another: when the first overflows, it leaves the RAM, and the fault can still be handled.
 */
#include <stddef.h>
#include <stdint.h>

#include "axe_firmware.h"
#include "cortex_m.h"

enum { HANDLER_STACK_WORDS = 16 }; /* of 8 bytes */

typedef void (*handler)(void);

typedef struct vector_table {
    void *handler_stack_top;
    handler entries[15];
} vector_table;

/* From sections.ld. */
extern uint32_t axe_data_load[], axe_data_start[], axe_data_end[], axe_bss_start[], axe_bss_end[];
extern const handler axe_init_start[], axe_init_end[];

void axe_reset(void);
void axe_start(void);

static uint64_t handler_stack[HANDLER_STACK_WORDS];

__attribute__((section(".vectors"), used)) static const vector_table vectors = {
    handler_stack + HANDLER_STACK_WORDS,
    {axe_reset, axe_cortex_m_watchdog, axe_cortex_m_fault, axe_cortex_m_fault, axe_cortex_m_fault, axe_cortex_m_fault,
     axe_cortex_m_fault, axe_cortex_m_fault, axe_cortex_m_fault, axe_cortex_m_fault, axe_cortex_m_fault, axe_cortex_m_fault,
     axe_cortex_m_fault, axe_cortex_m_fault, axe_cortex_m_fault},
};

/* Change to the thread stack, and let the FPU be used: before any function that the compiler might give an FP instruction. */
__attribute__((naked)) void axe_reset(void)
{
    __asm volatile(
        "ldr r0, =axe_stack_top\n"
        "msr psp, r0\n"
        "movs r0, #2\n" /* CONTROL.SPSEL: threads use PSP */
        "msr control, r0\n"
        "isb\n"
#ifdef __ARM_FP
        "ldr r0, =0xE000ED88\n" /* CPACR */
        "ldr r1, =0x00F00000\n" /* CP10, CP11: full access */
        "str r1, [r0]\n"
        "dsb\n"
        "isb\n"
#endif
        "bl axe_start\n");
}

/* Addresses, not pointers: the linker's symbols are no C objects, and comparing pointers to different ones is undefined. */
static void copy_words(uintptr_t to, uintptr_t end, uintptr_t from)
{
    for (; to < end; to += sizeof(uint32_t), from += sizeof(uint32_t)) {
        *(volatile uint32_t *)to = *(const volatile uint32_t *)from;
    }
}

static void clear_words(uintptr_t to, uintptr_t end)
{
    for (; to < end; to += sizeof(uint32_t)) {
        *(volatile uint32_t *)to = 0;
    }
}

void axe_start(void)
{
    copy_words((uintptr_t)axe_data_start, (uintptr_t)axe_data_end, (uintptr_t)axe_data_load);
    clear_words((uintptr_t)axe_bss_start, (uintptr_t)axe_bss_end);
    for (uintptr_t at = (uintptr_t)axe_init_start; at < (uintptr_t)axe_init_end; at += sizeof(handler)) {
        (*(const handler *)at)();
    }
    axe_firmware_run();
}
