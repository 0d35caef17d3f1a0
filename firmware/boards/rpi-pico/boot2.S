/* The second stage of the RP2040's boot: its ROM copies these 256 bytes to the RAM and runs them if the CRC at their end is right.
 * They let the flash be read as memory, and go on to the firmware behind them.
 *
 * The flash is read by the plain serial command 03h, which every chip knows, at a quarter of the core's clock; the cache holds
 * all that is used often. Sources: RP2040 Datasheet, 2.8.1 (boot sequence), 4.10 (SSI), 2.4.8 (VTOR).
 */
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .equ SSI, 0x18000000
    .equ SSI_CTRLR0, 0x00
    .equ SSI_CTRLR1, 0x04
    .equ SSI_SSIENR, 0x08
    .equ SSI_BAUDR, 0x14
    .equ SSI_SPI_CTRLR0, 0xf4
    .equ READ_32_BITS, (31 << 16) | (3 << 8)               /* standard SPI, frames of 32 bits, send then receive */
    .equ COMMAND_03H, (0x03 << 24) | (2 << 8) | (6 << 2)   /* 8 bits of command, 24 of address */
    .equ CLOCK_DIVIDER, 4
    .equ VTOR, 0xe000ed08
    .equ VECTORS, 0x10000100

    .section .boot2, "ax"
boot2:
    ldr r3, =SSI
    movs r1, #0
    str r1, [r3, #SSI_SSIENR]
    movs r1, #CLOCK_DIVIDER
    str r1, [r3, #SSI_BAUDR]
    ldr r1, =READ_32_BITS
    str r1, [r3, #SSI_CTRLR0]
    movs r1, #0
    str r1, [r3, #SSI_CTRLR1]
    ldr r1, =COMMAND_03H
    movs r0, #SSI_SPI_CTRLR0
    str r1, [r3, r0]
    movs r1, #1
    str r1, [r3, #SSI_SSIENR]
    ldr r0, =VECTORS
    ldr r1, =VTOR
    str r0, [r1]
    ldmia r0!, {r1, r2}
    msr msp, r1
    bx r2
    .ltorg
    .balign 4
    .fill (252 - (. - boot2)) / 4, 4, 0
    .word 0x75d47bc3 /* CRC-32/MPEG-2 of the 252 bytes above; the build checks it */
