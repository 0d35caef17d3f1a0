/* BBC micro:bit v1: nRF51822, Cortex-M0 at 16 MHz. Its USB interface chip listens on P0.24 and talks on P0.25. */
#include "../_cortex_m/cortex_m.h"
#include "../_nrf5/nrf5.h"

enum { PIN_TRANSMIT = 24, PIN_RECEIVE = 25 };

#define TIMER_HZ UINT32_C(16000000)

void axe_board_init(axe_board *board)
{
    nrf5_clock_start();
    nrf5_timer_start();
    nrf5_uart_start(PIN_TRANSMIT, PIN_RECEIVE);
    axe_cortex_m_memory(board);
    board->tick_source = AXE_TICKS_TIMER; /* nRF51 has neither SysTick nor DWT's counter */
    board->tick_hz = TIMER_HZ;
    board->reset_cause = nrf5_reset_cause();
}

uint32_t axe_board_ticks(void)
{
    return nrf5_timer_ticks();
}
