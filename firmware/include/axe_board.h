/* What a board is to the rest of the firmware: one struct filled at start, and seven functions.
 *
 * A board implements all of them in its own folder and calls axe_firmware_run() (axe_firmware.h) once its C environment is
 * up. Nothing here may block: each loop that waits for hardware counts down from a bound.
 */
#ifndef AXE_BOARD_H
#define AXE_BOARD_H

#include <stddef.h>
#include <stdint.h>

#include "axe_protocol.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What axe_board_init found out; constant afterwards.
 *
 * tick_hz:       rate of axe_board_ticks(), in Hz; never 0.
 * flash_bytes:   code, constants and initial values in the image; 0 where it is unknown (a process).
 * ram_bytes:     static variables, without the stack; 0 where it is unknown.
 * stack_bottom, stack_top: the stack's lowest byte, and one past its highest, both multiples of 4; it grows towards the
 *                bottom. Both NULL where the stack is not the firmware's business (a process).
 */
typedef struct axe_board {
    enum axe_tick_source tick_source;
    enum axe_reset_cause reset_cause;
    uint32_t tick_hz;
    uint32_t flash_bytes;
    uint32_t ram_bytes;
    uint8_t *stack_bottom;
    uint8_t *stack_top;
} axe_board;

/* Bring up clocks, the tick counter and the serial line (8N1), and fill `board`. Called once, first. */
void axe_board_init(axe_board *board);

/* Return the next received byte, 0 to 255, or -1 when there is none. Never waits.
 * Called at least once per byte time while a frame comes in; a byte lost to an overrun is the CRC's business.
 */
int axe_board_read(void);

/* Send `size` bytes. May wait for the line, but for a bounded time: what cannot be sent is dropped. */
void axe_board_write(const uint8_t *bytes, size_t size);

/* Return a free-running count of tick_hz ticks a second that wraps at 2^32. */
uint32_t axe_board_ticks(void);

/* Mask and unmask interrupts around a timed call; not nested. */
void axe_board_interrupts_off(void);
void axe_board_interrupts_on(void);

/* Called when no byte is there: may send what write() held back, and sleep until the next byte. */
void axe_board_idle(void);

#ifdef __cplusplus
}
#endif

#endif
