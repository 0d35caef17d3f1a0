/* USART 0, timer 1, watchdog and stack guard of an ATmega. */
#include "avr.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/wdt.h>
#include <stdbool.h>

#include "axe_firmware.h"

#define GUARD UINT32_C(0x5AFE57AC)
#define FAULT_MARK UINT32_C(0xFA117ED5)

/* What the overflow's interrupt takes: 4 to be taken, 3 for the vector's jump, 34 for what stands in it. */
#define OVERFLOW_CYCLES 41

enum {
    GUARD_WORDS = 4,
    SEND_TRIES = 10000 /* several ms; a byte takes 87 us */
};

/* From sections.ld. */
extern volatile uint32_t axe_stack_guard[];
extern uint8_t axe_stack_bottom[], axe_stack_top[], axe_flash_size[], axe_ram_size[];

static volatile uint32_t base_ticks; /* at the timer's last overflow, without what its interrupts took */

__attribute__((section(".noinit"))) static volatile uint32_t fault_mark;
__attribute__((section(".noinit"))) static volatile uint8_t reset_flags;

void axe_avr_early(void);

/* Before main: a watchdog that has bitten goes on running, with its shortest time. */
__attribute__((naked, used, section(".init3"))) void axe_avr_early(void)
{
    reset_flags = MCUSR;
    MCUSR = 0;
    wdt_disable();
}

/* base_ticks += 65536 - OVERFLOW_CYCLES, in a time that never varies. */
ISR(TIMER1_OVF_vect, ISR_NAKED)
{
    __asm__ volatile(
        "push r24\n"
        "in r24, __SREG__\n"
        "push r24\n"
        "lds r24, base_ticks\n"
        "subi r24, lo8(-(%0))\n"
        "sts base_ticks, r24\n"
        "lds r24, base_ticks+1\n"
        "sbci r24, hi8(-(%0))\n"
        "sts base_ticks+1, r24\n"
        "lds r24, base_ticks+2\n"
        "sbci r24, hlo8(-(%0))\n"
        "sts base_ticks+2, r24\n"
        "lds r24, base_ticks+3\n"
        "sbci r24, hhi8(-(%0))\n"
        "sts base_ticks+3, r24\n"
        "pop r24\n"
        "out __SREG__, r24\n"
        "pop r24\n"
        "reti\n"
        :
        : "i"(65536L - OVERFLOW_CYCLES));
}

static void fault(void)
{
    cli();
    fault_mark = FAULT_MARK;
    wdt_enable(WDTO_15MS);
    for (;;) {
    }
}

/* An interrupt without a handler: a wild jump. */
ISR(BADISR_vect)
{
    fault();
}

static enum axe_reset_cause take_cause(void)
{
    const bool was_fault = fault_mark == FAULT_MARK;
    fault_mark = 0;
    if (was_fault) {
        return AXE_RESET_FAULT;
    }
    if ((reset_flags & (1 << WDRF)) != 0) {
        return AXE_RESET_WATCHDOG;
    }
    if ((reset_flags & ((1 << PORF) | (1 << BORF))) != 0) {
        return AXE_RESET_POWER_ON;
    }
    return (reset_flags & (1 << EXTRF)) != 0 ? AXE_RESET_PIN : AXE_RESET_UNKNOWN; /* a boot loader clears the flags */
}

void avr_start(axe_board *board, uint32_t core_hz, uint16_t divisor)
{
    for (uint8_t i = 0; i < GUARD_WORDS; i++) {
        axe_stack_guard[i] = GUARD;
    }
    TCCR1A = 0;
    TCNT1 = 0;
    TCCR1B = 1 << CS10;
    TIMSK1 = 1 << TOIE1;
    UBRR0 = divisor;
    UCSR0A = 1 << U2X0;
    UCSR0C = (1 << UCSZ01) | (1 << UCSZ00);
    UCSR0B = (1 << RXEN0) | (1 << TXEN0);
    board->tick_source = AXE_TICKS_TIMER;
    board->tick_hz = core_hz;
    board->reset_cause = take_cause();
    board->flash_bytes = (uint32_t)(uintptr_t)axe_flash_size;
    board->ram_bytes = (uint32_t)(uintptr_t)axe_ram_size;
    board->stack_bottom = axe_stack_bottom;
    board->stack_top = axe_stack_top;
    wdt_enable(WDTO_2S);
    sei();
}

int axe_board_read(void)
{
    return (UCSR0A & (1 << RXC0)) != 0 ? UDR0 : -1;
}

/* Nothing is sent by a program whose stack has grown into its variables. */
void axe_board_write(const uint8_t *bytes, size_t size)
{
    for (uint8_t i = 0; i < GUARD_WORDS; i++) {
        if (axe_stack_guard[i] != GUARD) {
            fault();
        }
    }
    wdt_reset();
    for (size_t i = 0; i < size; i++) {
        for (uint16_t wait = 0; wait < SEND_TRIES && (UCSR0A & (1 << UDRE0)) == 0; wait++) {
        }
        UDR0 = bytes[i];
    }
}

void axe_board_idle(void)
{
    wdt_reset();
}

/* Without a branch, so that an overflow does not change what a reading costs. */
uint32_t axe_board_ticks(void)
{
    const uint8_t status = SREG;
    cli();
    const uint16_t low = TCNT1;
    const uint8_t pending = (uint8_t)(TIFR1 & (uint8_t) ~(low >> 15) & (1 << TOV1)); /* `low` is from after the overflow */
    const uint32_t base = base_ticks;
    SREG = status;
    wdt_reset();
    return base + (((uint32_t)pending << 16) | low);
}

/* No interrupt is in use but the tick counter's own, and what that takes is not counted. */
void axe_board_interrupts_off(void)
{
}

void axe_board_interrupts_on(void)
{
}

int main(void)
{
    axe_firmware_run();
    return 0;
}
