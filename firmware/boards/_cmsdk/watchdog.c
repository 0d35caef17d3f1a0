/* The CMSDK watchdog (Arm DDI 0479D, 4.4): 8 seconds without a byte read or written are an NMI, 16 a reset by itself. */
#include "../_cortex_m/cortex_m.h"
#include "cmsdk.h"

enum { WATCHDOG_LOAD = 0x0, WATCHDOG_CONTROL = 0x8, WATCHDOG_CLEAR = 0xC, WATCHDOG_LOCK = 0xC00 };
enum { CONTROL_INTERRUPT_AND_RESET = 3, SECONDS = 8 };
#define UNLOCK 0x1ACCE551U

static uintptr_t watchdog_base;

void cmsdk_watchdog_start(uintptr_t watchdog, uint32_t hz)
{
    watchdog_base = watchdog;
    AXE_REGISTER(watchdog + WATCHDOG_LOCK) = UNLOCK;
    AXE_REGISTER(watchdog + WATCHDOG_LOAD) = SECONDS * hz;
    AXE_REGISTER(watchdog + WATCHDOG_CONTROL) = CONTROL_INTERRUPT_AND_RESET;
}

void cmsdk_watchdog_feed(void)
{
    if (watchdog_base != 0) {
        AXE_REGISTER(watchdog_base + WATCHDOG_CLEAR) = 1; /* counts from the start again */
    }
}
