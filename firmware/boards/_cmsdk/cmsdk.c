/* The CMSDK UART. */
#include "cmsdk.h"

#include "../_cortex_m/cortex_m.h"

#define BAUD UINT32_C(115200)

/* Offsets and bits. */
enum { UART_DATA = 0x0, UART_STATE = 0x4, UART_CTRL = 0x8, UART_BAUDDIV = 0x10 };
enum { STATE_TRANSMIT_FULL = 1, STATE_RECEIVE_FULL = 2, CTRL_BOTH_WAYS = 3 };

enum { SEND_TRIES = 100000 }; /* more than the time of a byte */

static uintptr_t uart_base;

void cmsdk_uart_start(axe_board *board, uintptr_t uart, uint32_t hz)
{
    uart_base = uart;
    AXE_REGISTER(uart + UART_BAUDDIV) = (hz + BAUD / 2) / BAUD;
    AXE_REGISTER(uart + UART_CTRL) = CTRL_BOTH_WAYS;
    axe_cortex_m_memory(board);
    board->reset_cause = axe_cortex_m_take_cause(); /* no register says more */
}

int axe_board_read(void)
{
    cmsdk_watchdog_feed();
    if ((AXE_REGISTER(uart_base + UART_STATE) & STATE_RECEIVE_FULL) == 0) {
        return -1;
    }
    return (int)(AXE_REGISTER(uart_base + UART_DATA) & 0xFFU);
}

void axe_board_write(const uint8_t *bytes, size_t size)
{
    cmsdk_watchdog_feed();
    for (size_t i = 0; i < size; i++) {
        int wait = 0;
        while (wait < SEND_TRIES && (AXE_REGISTER(uart_base + UART_STATE) & STATE_TRANSMIT_FULL) != 0) {
            wait++;
        }
        AXE_REGISTER(uart_base + UART_DATA) = bytes[i];
    }
}

void axe_board_idle(void)
{
}
