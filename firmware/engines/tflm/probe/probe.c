/* Measures what a network really needs: runs on an emulated core, tells by semihosting, ends.
 *
 * Runs the network once in plenty of memory, and then tries every size from nothing upwards, until one gives the same answer: each
 * smaller one must be refused, none may fault. Also tells the deepest stack of all this.
 */
#include <stdint.h>
#include <string.h>

#include "axe_firmware.h"
#include "axe_tflm.h"
#include "cortex_m.h"

#define PAINT 0xA5C3A5C3U
#define UNIT sizeof(axe_tflm_arena)

extern uint32_t axe_stack_bottom[], axe_stack_top[];

static axe_tflm_arena arena[AXE_PROBE_ARENA_BYTES / sizeof(axe_tflm_arena)];

/* Arm's semihosting: the emulator answers. */
static void semihost(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

static void say(const char *name, uint32_t value)
{
    char text[13];
    char *at = text + sizeof text - 1;
    *at = '\0';
    *--at = '\n';
    do {
        *--at = (char)('0' + value % 10U);
        value /= 10U;
    } while (value != 0);
    semihost(0x04, name);
    semihost(0x04, " ");
    semihost(0x04, at);
}

static void leave(void)
{
    semihost(0x18, (const void *)0x20026U);
    for (;;) {
    }
}

/* Take the place of cortex_m.c, whose answer to a fault is a reset. */
void axe_cortex_m_fault(void)
{
    say("fault", 1);
    leave();
}

void axe_cortex_m_watchdog(void)
{
    axe_cortex_m_fault();
}

typedef struct outcome {
    axe_tflm_code out[AXE_TFLM_OUTPUTS];
    int32_t logit;
} outcome;

static int run_in(size_t bytes, outcome *got)
{
    static const axe_tflm_code in[AXE_TFLM_CODES];
    const int status = AXE_TFLM_OPEN(arena, bytes);
    got->logit = status == AXE_TFLM_OK ? AXE_TFLM_RUN(in, got->out, INT32_MIN) : AXE_TFLM_FAILED;
    return status;
}

/* Return the smallest size that serves, 0 if the network does not run at all. */
static size_t smallest(void)
{
    outcome right;
    outcome got;
    if (run_in(sizeof arena, &right) != AXE_TFLM_OK || right.logit == AXE_TFLM_FAILED) {
        return 0;
    }
    for (size_t bytes = UNIT; bytes < sizeof arena; bytes += UNIT) {
        if (run_in(bytes, &got) == AXE_TFLM_OK) {
            const int is_right = got.logit == right.logit && memcmp(got.out, right.out, sizeof right.out) == 0;
            return is_right ? bytes : 0;
        }
    }
    return 0;
}

static void paint(const uint32_t *here)
{
    for (volatile uint32_t *at = axe_stack_bottom; (uintptr_t)at < (uintptr_t)here - 64U; at++) {
        *at = PAINT;
    }
}

void axe_firmware_run(void)
{
    uint32_t here;
    paint(&here);
    say("needed", (uint32_t)smallest());
    const volatile uint32_t *deepest = axe_stack_bottom;
    while (*deepest == PAINT) {
        deepest++;
    }
    say("stack", (uint32_t)((uintptr_t)axe_stack_top - (uintptr_t)deepest));
    leave();
}
