/* Raspberry Pi Pico: RP2040, Cortex-M0+ at 125 MHz from the 12 MHz crystal; UART0 on GP0 (sends) and GP1 (receives).
 *
 * Source: RP2040 Datasheet, chapters 2.14 to 2.18 (resets, clocks, crystal, PLL), 2.19 (pins), 4.2 (UART), 4.7 (watchdog).
 */
#include "../_cortex_m/cortex_m.h"

#define ALIAS_SET 0x2000U /* of a register: writing sets, or clears, the bits that are one */
#define ALIAS_CLEAR 0x3000U

#define RESETS_RESET 0x4000C000U
#define RESETS_DONE 0x4000C008U
#define RESET_IO_BANK0 (1U << 5)
#define RESET_PADS_BANK0 (1U << 8)
#define RESET_PLL_SYS (1U << 12)
#define RESET_UART0 (1U << 22)

#define CLK_REF_CTRL 0x40008030U
#define CLK_REF_SELECTED 0x40008038U
#define CLK_SYS_CTRL 0x4000803CU
#define CLK_SYS_SELECTED 0x40008044U
#define CLK_PERI_CTRL 0x40008048U
#define CLK_REF_CRYSTAL 2U
#define CLK_SYS_PLL 1U
#define CLK_PERI_ON (1U << 11) /* from the core's clock */

#define XOSC_CTRL 0x40024000U
#define XOSC_STATUS 0x40024004U
#define XOSC_STARTUP 0x4002400CU
#define XOSC_ON ((0xFABU << 12) | 0xAA0U)
#define XOSC_STARTUP_1_MS 47U /* of 256 cycles of 12 MHz */
#define XOSC_STABLE (1U << 31)

/* 12 MHz x 125 / 6 / 2 = 125 MHz. */
#define PLL_CS 0x40028000U
#define PLL_PWR 0x40028004U
#define PLL_FBDIV 0x40028008U
#define PLL_PRIM 0x4002800CU
#define PLL_LOCKED (1U << 31)
#define PLL_PWR_CORE_AND_VCO ((1U << 0) | (1U << 5))
#define PLL_PWR_DIVIDERS (1U << 3)
#define PLL_TIMES 125U
#define PLL_DIVIDED ((6U << 16) | (2U << 12))

#define GPIO0_CTRL 0x40014004U
#define GPIO1_CTRL 0x4001400CU
#define PADS_GPIO1 0x4001C008U
#define FUNCTION_UART 2U
#define PAD_PULLED_UP 0x5AU /* input on, Schmitt trigger, 4 mA */

#define UART_DR 0x40034000U
#define UART_FR 0x40034018U
#define UART_IBRD 0x40034024U
#define UART_FBRD 0x40034028U
#define UART_LCR_H 0x4003402CU
#define UART_CR 0x40034030U
#define FR_RECEIVE_EMPTY (1U << 4)
#define FR_SEND_FULL (1U << 5)
#define LCR_8_BITS_FIFO ((3U << 5) | (1U << 4))
#define CR_ON_BOTH_WAYS ((1U << 0) | (1U << 8) | (1U << 9))

#define CHIP_RESET 0x40064008U
#define CHIP_HAD_POWER_ON (1U << 8)
#define CHIP_HAD_RUN_PIN (1U << 16)
#define WATCHDOG_REASON 0x40058008U

#define CORE_HZ UINT32_C(125000000)
#define BAUD UINT32_C(115200)
#define DIVIDER_64THS ((CORE_HZ * 4U + BAUD / 2U) / BAUD) /* CORE_HZ / (16 * BAUD), with six binary places */

enum {
    WAIT_TRIES = 100000, /* some tens of ms at the first clock, 6 MHz; the crystal takes 1 ms, the PLL 0.1 */
    SEND_TRIES = 100000  /* a byte takes 87 us */
};

static bool wait_for(uintptr_t address, uint32_t bits)
{
    for (int i = 0; i < WAIT_TRIES; i++) {
        if ((AXE_REGISTER(address) & bits) == bits) {
            return true;
        }
    }
    return false;
}

static void take_out_of_reset(uint32_t blocks)
{
    AXE_REGISTER(RESETS_RESET + ALIAS_CLEAR) = blocks;
    wait_for(RESETS_DONE, blocks);
}

/* Where a clock never comes, the chip goes on with the one it has: then the line's rate is wrong, and the board is silent. */
static void clock_start(void)
{
    AXE_REGISTER(XOSC_STARTUP) = XOSC_STARTUP_1_MS;
    AXE_REGISTER(XOSC_CTRL) = XOSC_ON;
    if (!wait_for(XOSC_STATUS, XOSC_STABLE)) {
        return;
    }
    AXE_REGISTER(CLK_SYS_CTRL + ALIAS_CLEAR) = CLK_SYS_PLL; /* after a reset of the core alone the PLL is in use */
    wait_for(CLK_SYS_SELECTED, 1U);
    AXE_REGISTER(CLK_REF_CTRL) = CLK_REF_CRYSTAL;
    wait_for(CLK_REF_SELECTED, 1U << CLK_REF_CRYSTAL);
    AXE_REGISTER(RESETS_RESET + ALIAS_SET) = RESET_PLL_SYS;
    take_out_of_reset(RESET_PLL_SYS);
    AXE_REGISTER(PLL_CS) = 1;
    AXE_REGISTER(PLL_FBDIV) = PLL_TIMES;
    AXE_REGISTER(PLL_PWR + ALIAS_CLEAR) = PLL_PWR_CORE_AND_VCO;
    if (!wait_for(PLL_CS, PLL_LOCKED)) {
        return;
    }
    AXE_REGISTER(PLL_PRIM) = PLL_DIVIDED;
    AXE_REGISTER(PLL_PWR + ALIAS_CLEAR) = PLL_PWR_DIVIDERS;
    AXE_REGISTER(CLK_SYS_CTRL) = 0; /* the other input is PLL_SYS */
    AXE_REGISTER(CLK_SYS_CTRL + ALIAS_SET) = CLK_SYS_PLL;
    wait_for(CLK_SYS_SELECTED, 1U << CLK_SYS_PLL);
}

static void uart_start(void)
{
    AXE_REGISTER(CLK_PERI_CTRL) = CLK_PERI_ON;
    take_out_of_reset(RESET_IO_BANK0 | RESET_PADS_BANK0 | RESET_UART0);
    AXE_REGISTER(UART_IBRD) = DIVIDER_64THS / 64U;
    AXE_REGISTER(UART_FBRD) = DIVIDER_64THS % 64U;
    AXE_REGISTER(UART_LCR_H) = LCR_8_BITS_FIFO;
    AXE_REGISTER(UART_CR) = CR_ON_BOTH_WAYS;
    AXE_REGISTER(PADS_GPIO1) = PAD_PULLED_UP;
    AXE_REGISTER(GPIO0_CTRL) = FUNCTION_UART;
    AXE_REGISTER(GPIO1_CTRL) = FUNCTION_UART;
}

static enum axe_reset_cause reset_cause(void)
{
    const uint32_t chip = AXE_REGISTER(CHIP_RESET);
    const enum axe_reset_cause own = axe_cortex_m_take_cause();
    if (own != AXE_RESET_UNKNOWN) {
        return own;
    }
    if (AXE_REGISTER(WATCHDOG_REASON) != 0) {
        return AXE_RESET_WATCHDOG;
    }
    if ((chip & CHIP_HAD_RUN_PIN) != 0) {
        return AXE_RESET_PIN;
    }
    return (chip & CHIP_HAD_POWER_ON) != 0 ? AXE_RESET_POWER_ON : AXE_RESET_UNKNOWN;
}

void axe_board_init(axe_board *board)
{
    clock_start();
    uart_start();
    axe_systick_start();
    axe_cortex_m_memory(board);
    board->tick_source = AXE_TICKS_SYSTICK;
    board->tick_hz = CORE_HZ;
    board->reset_cause = reset_cause();
}

uint32_t axe_board_ticks(void)
{
    return axe_systick_ticks();
}

int axe_board_read(void)
{
    if ((AXE_REGISTER(UART_FR) & FR_RECEIVE_EMPTY) != 0) {
        return -1;
    }
    return (int)(AXE_REGISTER(UART_DR) & 0xFFU);
}

void axe_board_write(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        for (int wait = 0; wait < SEND_TRIES && (AXE_REGISTER(UART_FR) & FR_SEND_FULL) != 0; wait++) {
        }
        AXE_REGISTER(UART_DR) = bytes[i];
    }
}

void axe_board_idle(void)
{
}
