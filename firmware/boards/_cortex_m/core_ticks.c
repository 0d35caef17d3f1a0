/* Ticks at the core's own clock: DWT's cycle counter, or SysTick where there is none that counts. */
#include "cortex_m.h"

#define SYST_CSR 0xE000E010U
#define SYST_RVR 0xE000E014U
#define SYST_CVR 0xE000E018U
#define CSR_ENABLE 1U
#define CSR_CORE_CLOCK 4U
#define CSR_COUNTFLAG (1U << 16) /* passed zero since this register was read */
#define SYSTICK_MASK 0x00FFFFFFU

static bool has_cycle_counter;
static uint32_t wraps; /* in units of 2^24 ticks */

void axe_systick_start(void)
{
    AXE_REGISTER(SYST_RVR) = SYSTICK_MASK;
    AXE_REGISTER(SYST_CVR) = 0;
    AXE_REGISTER(SYST_CSR) = CSR_ENABLE | CSR_CORE_CLOCK;
}

/* Without a branch, so that a wrap does not change what a reading costs. */
uint32_t axe_systick_ticks(void)
{
    const uint32_t before = AXE_REGISTER(SYST_CVR);
    const uint32_t wrapped = (AXE_REGISTER(SYST_CSR) & CSR_COUNTFLAG) / CSR_COUNTFLAG;
    const uint32_t after = AXE_REGISTER(SYST_CVR);
    const uint32_t left = before ^ ((before ^ after) & (0U - wrapped)); /* `before` may be from before the wrap */
    wraps += wrapped * (SYSTICK_MASK + 1U);
    return wraps + (SYSTICK_MASK - left);
}

void axe_core_ticks_start(axe_board *board, uint32_t core_hz)
{
    has_cycle_counter = axe_dwt_start();
    if (!has_cycle_counter) {
        axe_systick_start();
    }
    board->tick_source = has_cycle_counter ? AXE_TICKS_DWT : AXE_TICKS_SYSTICK;
    board->tick_hz = core_hz;
}

uint32_t axe_core_ticks(void)
{
    return has_cycle_counter ? axe_dwt_ticks() : axe_systick_ticks();
}
