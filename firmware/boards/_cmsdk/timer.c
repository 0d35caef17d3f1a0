/* The CMSDK timer, which counts down, and a whole board with it. */
#include "../_cortex_m/cortex_m.h"
#include "cmsdk.h"

enum { TIMER_CTRL = 0x0, TIMER_VALUE = 0x4, TIMER_RELOAD = 0x8 };
enum { TIMER_ON = 1 };

static uintptr_t timer_base;

void cmsdk_start(axe_board *board, uintptr_t uart, uintptr_t timer, uint32_t hz)
{
    timer_base = timer;
    AXE_REGISTER(timer + TIMER_RELOAD) = UINT32_MAX;
    AXE_REGISTER(timer + TIMER_VALUE) = UINT32_MAX;
    AXE_REGISTER(timer + TIMER_CTRL) = TIMER_ON;
    cmsdk_uart_start(board, uart, hz);
    board->tick_source = AXE_TICKS_TIMER;
    board->tick_hz = hz;
}

uint32_t axe_board_ticks(void)
{
    return ~AXE_REGISTER(timer_base + TIMER_VALUE);
}
