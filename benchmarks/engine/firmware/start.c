/* Vectors, RAM and FPU set-up, and semihosting: all that the bench needs of a machine. */
#include "start.h"

extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[], stack_top[];

int main(void);
void reset(void);
static void fault(void);

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    stack_top,     (void *)reset, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault, 0, 0, 0, 0,
    (void *)fault, (void *)fault, 0,             (void *)fault, (void *)fault,
};

/* ARM's semihosting calls; the emulator answers them. */
static uint32_t semihost(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void say(const char *text)
{
    semihost(0x04, text);
}

void say_number(const char *name, uint32_t value)
{
    char text[12];
    char *at = text + sizeof text - 1;
    *at = 0;
    do {
        *--at = (char)('0' + value % 10u);
        value /= 10u;
    } while (value);
    say(name);
    say(" ");
    say(at);
    say("\n");
}

void leave(int failed)
{
    semihost(0x18, (const void *)(failed ? 0x20023u : 0x20026u));
    for (;;) {
    }
}

static void fault(void)
{
    say("fault 1\n");
    leave(1);
}

/* No floating point in here: the FPU is off until the middle of it. */
void reset(void)
{
    uint32_t *to;
    const uint32_t *from = data_load;
    for (to = data_start; to < data_end;) {
        *to++ = *from++;
    }
    for (to = bss_start; to < bss_end;) {
        *to++ = 0;
    }
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    leave(main());
}
