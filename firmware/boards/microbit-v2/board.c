/* BBC micro:bit v2: nRF52833, Cortex-M4F at 64 MHz. Its USB interface chip listens on P0.06 and talks on P1.08. */
#include "../_cortex_m/cortex_m.h"
#include "../_nrf5/nrf5.h"

enum { PIN_TRANSMIT = 6, PIN_RECEIVE = 32 + 8 };

#define CORE_HZ UINT32_C(64000000)
#define TIMER_HZ UINT32_C(16000000)

static bool has_cycle_counter;

void axe_board_init(axe_board *board)
{
    nrf5_clock_start();
    nrf5_timer_start();
    nrf5_uart_start(PIN_TRANSMIT, PIN_RECEIVE);
    axe_cortex_m_memory(board);
    has_cycle_counter = axe_dwt_start();
    board->tick_source = has_cycle_counter ? AXE_TICKS_DWT : AXE_TICKS_TIMER;
    board->tick_hz = has_cycle_counter ? CORE_HZ : TIMER_HZ;
    board->reset_cause = nrf5_reset_cause();
}

uint32_t axe_board_ticks(void)
{
    return has_cycle_counter ? axe_dwt_ticks() : nrf5_timer_ticks();
}
