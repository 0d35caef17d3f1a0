/* The least that a Cortex-M4F needs before main(): vectors, data, FPU; and a console by semihosting (Arm IHI 0065). */
#include <stdint.h>

extern uint32_t stack_top[], data_start[], data_end[], data_load[], bss_start[], bss_end[];
int main(void);
void put(const char *text);

static int call(int operation, const void *argument)
{
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void put(const char *text)
{
    call(4, text); /* SYS_WRITE0 */
}

static void leave(int failed)
{
    call(0x18, (void *)(failed ? 0x20023 : 0x20026)); /* SYS_EXIT: runtime error, application exit */
    for (;;) {
    }
}

static void fault(void)
{
    put("fault\n");
    leave(1);
}

void reset(void)
{
    const uint32_t *from = data_load;
    uint32_t *to;
    for (to = data_start; to < data_end; to++) {
        *to = *from++;
    }
    for (to = bss_start; to < bss_end; to++) {
        *to = 0;
    }
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* CPACR: the FPU */
    __asm__ volatile("dsb\nisb");
    leave(main());
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    stack_top, (void *)reset, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault,
};
