/* Timing one call; see axe_timing.h for why this is a file of its own. */
#include "axe_timing.h"

#include "axe_board.h"

uint32_t axe_timing_begin(void)
{
    axe_board_interrupts_off();
    return axe_board_ticks();
}

uint32_t axe_timing_end(uint32_t start)
{
    const uint32_t ticks = axe_board_ticks() - start;
    axe_board_interrupts_on();
    return ticks;
}
