/* Arm MPS2+ with application note 386 (Arm DAI 0386): Cortex-M4F and its peripherals at 25 MHz. */
#include "../_cmsdk/cmsdk.h"

void axe_board_init(axe_board *board)
{
    cmsdk_start(board, 0x40004000U, 0x40000000U, UINT32_C(25000000));
    cmsdk_watchdog_start(0x40008000U, UINT32_C(25000000));
}
