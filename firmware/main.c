/* The firmware: all its static memory, and the loop that feeds the device. */
#include "axe_device.h"
#include "axe_firmware.h"
#include "axe_model.h"
#include "axe_stack.h"

static uint8_t receive[AXE_MODEL_CREDIT];
static uint8_t reply[AXE_MODEL_FRAME_MAX];
static float sample[AXE_MODEL_INPUTS + AXE_MODEL_OUTPUTS];
static int16_t codes[AXE_MODEL_CODES + AXE_MODEL_OUTPUTS];
static axe_board board;
static axe_device device;

void axe_firmware_run(void)
{
    const axe_device_memory memory = {receive, reply, sample, codes, AXE_MODEL_CREDIT, AXE_MODEL_FRAME_MAX};
    axe_board_init(&board);
    axe_stack_paint(board.stack_bottom);
    axe_device_init(&device, &board, &memory);
    for (;;) {
        const int byte = axe_board_read();
        if (byte < 0) {
            axe_board_idle();
        } else {
            axe_device_feed(&device, (uint8_t)byte);
        }
    }
}
