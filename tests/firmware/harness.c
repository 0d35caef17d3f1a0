/* An engine and a board that a test commands through ctypes, around the firmware's core.
 *
 * Engine: exact, gated and approximate add up the inputs, out[j] = sum + j; an input of 99 is out of domain, a negative first
 * input unsafe; 77 as first input makes the run fail. Codes: out[j] = in[0] + j, logit = in[codes - 1]. Ticks: each timed call
 * takes 10, of which reading the clock takes 3.
 */
#include <stdlib.h>
#include <string.h>

#include "axe_device.h"
#include "axe_timing.h"

enum { SENT_MAX = 1 << 20 };

static axe_engine_info info;
static axe_board board;
static axe_device device;
static axe_device_memory memory;
static int init_status;
static uint32_t clock_now;
static int is_masked;
static uint8_t sent[SENT_MAX];
static size_t sent_size;

const axe_engine_info *axe_engine_about(void)
{
    return &info;
}

int axe_engine_init(void)
{
    return init_status;
}

static int compute(const float *in, float *out, uint32_t *ticks, int writes_unsafe)
{
    float sum = 0.0F;
    const uint32_t start = axe_timing_begin();
    if (!is_masked) {
        abort(); /* timed with interrupts on */
    }
    clock_now += 7;
    *ticks = axe_timing_end(start);
    for (unsigned i = 0; i < info.inputs; i++) {
        if (in[i] == 99.0F) {
            return AXE_WIRE_OUT_OF_DOMAIN;
        }
        sum += in[i];
    }
    if (in[0] == 77.0F) {
        return AXE_ERROR_ENGINE_RUN;
    }
    for (unsigned j = 0; j < info.outputs && (in[0] >= 0.0F || writes_unsafe); j++) {
        out[j] = sum + (float)j;
    }
    return in[0] >= 0.0F ? AXE_WIRE_APPROXIMATED : AXE_WIRE_UNSAFE;
}

int axe_engine_gated(const float *in, float *out, uint32_t *ticks)
{
    return compute(in, out, ticks, info.has_exact);
}

int axe_engine_approximate(const float *in, float *out, uint32_t *ticks)
{
    return compute(in, out, ticks, 1);
}

int axe_engine_exact(const float *in, float *out, uint32_t *ticks)
{
    const int path = compute(in, out, ticks, 1);
    return path < 0 ? path : AXE_WIRE_UNSAFE;
}

int axe_engine_vector(const void *in, void *out, void *logit)
{
    for (unsigned j = 0; j < info.outputs; j++) {
        if (info.activation_bits == 16) {
            ((int16_t *)out)[j] = (int16_t)(((const int16_t *)in)[0] + (int16_t)j);
        } else {
            ((int8_t *)out)[j] = (int8_t)(((const int8_t *)in)[0] + (int8_t)j);
        }
    }
    if (info.activation_bits == 16) {
        *(int16_t *)logit = ((const int16_t *)in)[info.codes - 1];
    } else {
        *(int8_t *)logit = ((const int8_t *)in)[info.codes - 1];
    }
    return AXE_OK;
}

void axe_board_write(const uint8_t *bytes, size_t size)
{
    if (is_masked || sent_size + size > SENT_MAX) {
        abort();
    }
    memcpy(sent + sent_size, bytes, size);
    sent_size += size;
}

uint32_t axe_board_ticks(void)
{
    return clock_now += 3;
}

void axe_board_interrupts_off(void)
{
    is_masked = 1;
}

void axe_board_interrupts_on(void)
{
    is_masked = 0;
}

/* Power on with a fresh device; every buffer is exactly as large as it says. */
void harness_start(int inputs, int outputs, int codes, int bits, int engine, int has_exact, int status, int credit, int frame_max)
{
    free(memory.receive);
    free(memory.reply);
    free(memory.sample);
    free(memory.codes);
    memset(&info, 0, sizeof info);
    memset(&board, 0, sizeof board);
    info.board = "harness";
    info.kernel = "sum";
    info.hash = UINT64_C(0x0123456789abcdef);
    info.build_id = UINT64_C(0x1122334455667788);
    info.threshold = -5;
    info.eps = 0.25F;
    info.delta = 0.5F;
    info.calibration_count = 200000;
    info.arena_bytes = 4321;
    info.engine = (uint8_t)engine;
    info.activation_bits = (uint8_t)bits;
    info.inputs = (uint8_t)inputs;
    info.codes = (uint16_t)codes;
    info.outputs = (uint8_t)outputs;
    info.has_exact = has_exact != 0;
    init_status = status;
    board.tick_source = AXE_TICKS_TIMER;
    board.tick_hz = 1000;
    board.reset_cause = AXE_RESET_WATCHDOG;
    memory.receive = malloc((size_t)credit);
    memory.reply = malloc((size_t)frame_max);
    memory.sample = malloc(sizeof(float) * (size_t)(inputs + outputs));
    memory.codes = malloc(sizeof(int16_t) * (size_t)(codes + outputs));
    memory.credit = (uint16_t)credit;
    memory.frame_max = (uint16_t)frame_max;
    sent_size = 0;
    axe_device_init(&device, &board, &memory);
}

/* Receive bytes; return how many stand ready in `harness_sent`, and forget them. */
size_t harness_feed(const uint8_t *bytes, size_t size)
{
    sent_size = 0;
    for (size_t i = 0; i < size; i++) {
        axe_device_feed(&device, bytes[i]);
    }
    return sent_size;
}

const uint8_t *harness_sent(void)
{
    return sent;
}
