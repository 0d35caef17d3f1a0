/* The cycle counter of Cortex-M3 and later: optional on the part, and absent in QEMU, so it is tried. */
#include "cortex_m.h"

#define DEMCR 0xE000EDFCU
#define DEMCR_TRCENA (1U << 24)
#define DWT_CTRL 0xE0001000U
#define DWT_CTRL_NOCYCCNT (1U << 25)
#define DWT_CTRL_CYCCNTENA 1U
#define DWT_CYCCNT 0xE0001004U

bool axe_dwt_start(void)
{
    AXE_REGISTER(DEMCR) |= DEMCR_TRCENA;
    if ((AXE_REGISTER(DWT_CTRL) & DWT_CTRL_NOCYCCNT) != 0) {
        return false;
    }
    AXE_REGISTER(DWT_CYCCNT) = 0;
    AXE_REGISTER(DWT_CTRL) |= DWT_CTRL_CYCCNTENA;
    const uint32_t first = AXE_REGISTER(DWT_CYCCNT);
    for (volatile int i = 0; i < 16; i++) {
    }
    return AXE_REGISTER(DWT_CYCCNT) != first;
}

uint32_t axe_dwt_ticks(void)
{
    return AXE_REGISTER(DWT_CYCCNT);
}
