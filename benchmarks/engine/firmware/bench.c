/*
 * Counts what one call costs: 1,000 times {fill inputs, call}, in windows that SysTick's 24 bits shall hold: where one does not, it
 * says so and stops. The host subtracts the same loop around an empty function. Also: loops of known length, a checksum of all
 * answers, the painted stack.
 *
 * TARGET is the function called; TARGET_NET tells whether it takes codes, TARGET_FLOAT whether it takes floats; CALLS_PER_WINDOW
 * divides 1,000.
 */
#include <string.h>

#include "axnet_bench.h"
#include "inputs.h"
#include "start.h"

#define SYST ((volatile uint32_t *)0xE000E010u)
#define SYST_COUNTFLAG (1u << 16)
#define CALLS 1000
#define PAINT 0xA5C3A5C3u

extern uint32_t stack_bottom[];

#if TARGET_FLOAT
typedef float value;
#if !TARGET_DECLARED
void TARGET(const float *in, float *out);
#endif
#define CALL(in, out) TARGET(in, out)
#define TABLE float_inputs
#define ROWS FLOAT_ROWS
#define COLUMNS AXE_BENCH_INPUTS
#else
typedef axe_bench_code value;
void TARGET(const axe_bench_code *in, axe_bench_code *out, axe_bench_code *logit);
#define CALL(in, out) TARGET(in, out, (out) + AXE_BENCH_OUTPUTS)
#define TABLE code_inputs
#define ROWS CODE_ROWS
#define COLUMNS AXE_BENCH_CODES
#endif

static uint32_t now(void)
{
    return SYST[2];
}

/* Let SysTick count down from the top, and forget that it ever reached 0. */
static void rewind(void)
{
    SYST[2] = 0;
}

static int has_wrapped(void)
{
    return (SYST[0] & SYST_COUNTFLAG) != 0;
}

/* Ticks of `count` rounds of two instructions each. */
static uint32_t spin(uint32_t count)
{
    const uint32_t before = now();
    __asm__ volatile(".syntax unified\n1: subs %0, #1\n\tbne 1b" : "+l"(count)::"cc");
    return (before - now()) & 0xFFFFFFu;
}

static uint32_t window(unsigned first)
{
    value in[COLUMNS], out[AXE_BENCH_OUTPUTS + 1];
    unsigned i;
    const uint32_t before = now();
    for (i = first; i < first + CALLS_PER_WINDOW; i++) {
        memcpy(in, TABLE[i % ROWS], sizeof in);
        CALL(in, out);
        __asm__ volatile("" ::"r"(in), "r"(out) : "memory");
    }
    return (before - now()) & 0xFFFFFFu;
}

/* FNV-1a over every byte that the calls return. */
static uint32_t checksum(void)
{
    value in[COLUMNS], out[AXE_BENCH_OUTPUTS + 1];
    unsigned char bytes[sizeof out];
    uint32_t sum = 2166136261u;
    unsigned i, j;
    for (i = 0; i < CALLS; i++) {
        memset(out, 0, sizeof out);
        memcpy(in, TABLE[i % ROWS], sizeof in);
        CALL(in, out);
        memcpy(bytes, out, sizeof out);
        for (j = 0; j < sizeof out; j++) {
            sum = (sum ^ bytes[j]) * 16777619u;
        }
    }
    return sum;
}

/* Deepest stack below this frame, over all inputs. */
static uint32_t stack(void)
{
    value in[COLUMNS], out[AXE_BENCH_OUTPUTS + 1];
    volatile uint32_t *at;
    uint32_t here;
    unsigned i;
    __asm__ volatile("mov %0, sp" : "=r"(here));
    for (at = stack_bottom; (uint32_t)at < here; at++) {
        *at = PAINT;
    }
    for (i = 0; i < CALLS; i++) {
        unsigned j;
        for (j = 0; j < COLUMNS; j++) {
            in[j] = TABLE[i % ROWS][j];
        }
        CALL(in, out);
    }
    for (at = stack_bottom; *at == PAINT; at++) {
    }
    return here - (uint32_t)at;
}

int main(void)
{
    uint32_t ticks = 0;
    unsigned i;
    SYST[1] = 0xFFFFFFu;
    SYST[2] = 0;
    SYST[0] = 5;
    say_number("spin_1000", spin(1000));
    say_number("spin_101000", spin(101000));
    for (i = 0; i < CALLS; i += CALLS_PER_WINDOW) {
        rewind();
        ticks += window(i);
        if (has_wrapped()) {
            say_number("wrapped", 1);
            return 0;
        }
    }
    say_number("ticks", ticks);
    say_number("checksum", checksum());
    say_number("stack", stack());
    return 0;
}
