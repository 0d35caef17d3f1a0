/* Arm MPS3 with application note 547 (Arm DAI 0547): Cortex-M55 with Helium, at 32 MHz, in the secure state.
 *
 * Its subsystem has other timers than the CMSDK's, so the core's own count is used.
 */
#include "../_cmsdk/cmsdk.h"
#include "../_cortex_m/cortex_m.h"

void axe_board_init(axe_board *board)
{
    cmsdk_uart_start(board, 0x59303000U, UINT32_C(25000000));
    axe_core_ticks_start(board, UINT32_C(32000000));
}

uint32_t axe_board_ticks(void)
{
    return axe_core_ticks();
}
