/* RUN: a batch of float inputs through the gated call, the network, the exact function, or both. */
#include <string.h>

#include "axe_bytes.h"
#include "requests.h"

#define QUIET_NAN_BITS UINT32_C(0x7FC00000)

typedef int (*timed_call)(const float *in, float *out, uint32_t *ticks);

static void fill_with_nan(float *values, unsigned count)
{
    const uint32_t bits = QUIET_NAN_BITS;
    for (unsigned i = 0; i < count; i++) {
        memcpy(values + i, &bits, sizeof bits);
    }
}

static uint8_t *put_values(uint8_t *at, const float *values, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        at = axe_put_f32(at, values[i]);
    }
    return at;
}

/* Run one sample: ticks go to `ticks`, outputs (NaN where the call left them alone) to `outputs`, little-endian.
 * Returns the path or a negative error.
 */
static int run_call(axe_device *device, timed_call call, uint8_t *ticks, uint8_t *outputs)
{
    uint32_t spent = 0;
    fill_with_nan(device->out, device->engine->outputs);
    const int path = call(device->in, device->out, &spent);
    axe_put_u32(ticks, spent);
    put_values(outputs, device->out, device->engine->outputs);
    return path;
}

/* Untimed, before the first sample of a batch is timed: else it would pay for cold caches. */
static void warm_up(axe_device *device, unsigned mode)
{
    uint32_t ignored;
    if (mode != AXE_MODE_EXACT) {
        (void)axe_engine_approximate(device->in, device->out, &ignored);
    }
    if (mode != AXE_MODE_APPROXIMATE) {
        (void)axe_engine_exact(device->in, device->out, &ignored);
    }
    if (mode == AXE_MODE_GATED) {
        (void)axe_engine_gated(device->in, device->out, &ignored);
    }
}

static int run_sample(axe_device *device, unsigned mode, uint8_t *record)
{
    const unsigned output_bytes = 4U * device->engine->outputs;
    switch (mode) {
    case AXE_MODE_GATED:
        return run_call(device, axe_engine_gated, record + 1, record + 5);
    case AXE_MODE_APPROXIMATE:
        return run_call(device, axe_engine_approximate, record + 1, record + 5);
    case AXE_MODE_EXACT:
        return run_call(device, axe_engine_exact, record + 1, record + 5);
    default: {
        const int path = run_call(device, axe_engine_approximate, record + 1, record + 9);
        const int exact = run_call(device, axe_engine_exact, record + 5, record + 9 + output_bytes);
        return exact < 0 ? exact : path;
    }
    }
}

static axe_outcome check(const axe_device *device, const axe_frame *request, unsigned record_bytes)
{
    const axe_engine_info *engine = device->engine;
    const unsigned mode = request->payload[0];
    const unsigned count = request->payload[1];
    const uint32_t expected = AXE_RUN_HEADER_BYTES + (uint32_t)count * 4U * engine->inputs;
    if (mode > AXE_MODE_BOTH) {
        return axe_refused(AXE_ERROR_BAD_MODE, mode);
    }
    if (request->size != expected) {
        return axe_refused(AXE_ERROR_BAD_LENGTH, expected);
    }
    if ((mode == AXE_MODE_EXACT || mode == AXE_MODE_BOTH) && !engine->has_exact) {
        return axe_refused(AXE_ERROR_NO_EXACT, mode);
    }
    if ((mode == AXE_MODE_APPROXIMATE || mode == AXE_MODE_BOTH) && engine->engine == AXE_WIRE_ENGINE_NONE) {
        return axe_refused(AXE_ERROR_NO_NETWORK, mode);
    }
    if (mode != AXE_MODE_EXACT && device->engine_status != AXE_OK) {
        return axe_refused(device->engine_status, engine->arena_bytes);
    }
    return axe_check_batch(device, AXE_RUN_HEADER_BYTES, count, record_bytes);
}

axe_outcome axe_answer_run(axe_device *device, const axe_frame *request, uint8_t *payload)
{
    if (request->size < AXE_RUN_HEADER_BYTES) {
        return axe_refused(AXE_ERROR_BAD_LENGTH, AXE_RUN_HEADER_BYTES);
    }
    const unsigned mode = request->payload[0];
    const unsigned count = request->payload[1];
    const unsigned output_bytes = 4U * device->engine->outputs;
    const unsigned record_bytes = mode == AXE_MODE_BOTH ? 9U + 2U * output_bytes : 5U + output_bytes;
    const axe_outcome refused = check(device, request, record_bytes);
    if (refused.error != AXE_OK) {
        return refused;
    }
    const uint8_t *from = request->payload + AXE_RUN_HEADER_BYTES;
    payload[0] = (uint8_t)mode;
    payload[1] = (uint8_t)count;
    uint8_t *record = payload + AXE_RUN_HEADER_BYTES;
    for (unsigned i = 0; i < count; i++) {
        for (unsigned j = 0; j < device->engine->inputs; j++, from += 4) {
            device->in[j] = axe_get_f32(from);
        }
        if (i == 0) {
            warm_up(device, mode);
        }
        const int path = run_sample(device, mode, record);
        if (path < 0) {
            return axe_refused(path, i);
        }
        record[0] = (uint8_t)path;
        record += record_bytes;
    }
    return axe_answered(record);
}
