/* VECTORS: codes in, codes out, both heads, no gate and no clock: what shows that the network's bits are right. */
#include <string.h>

#include "axe_bytes.h"
#include "requests.h"

/* Little-endian codes between the wire and an array of int8_t or int16_t. */
static void get_codes(void *codes, const uint8_t *from, size_t count, size_t width)
{
    if (width == 1) {
        memcpy(codes, from, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const uint16_t bits = axe_get_u16(from + 2 * i);
        memcpy((uint8_t *)codes + 2 * i, &bits, sizeof bits);
    }
}

static uint8_t *put_codes(uint8_t *to, const void *codes, size_t count, size_t width)
{
    if (width == 1) {
        memcpy(to, codes, count);
        return to + count;
    }
    for (size_t i = 0; i < count; i++) {
        uint16_t bits;
        memcpy(&bits, (const uint8_t *)codes + 2 * i, sizeof bits);
        to = axe_put_u16(to, bits);
    }
    return to;
}

static axe_outcome check(const axe_device *device, const axe_frame *request, unsigned width)
{
    const axe_engine_info *engine = device->engine;
    if (request->size < AXE_VECTORS_HEADER_BYTES) {
        return axe_refused(AXE_ERROR_BAD_LENGTH, AXE_VECTORS_HEADER_BYTES);
    }
    const unsigned count = request->payload[0];
    const uint32_t expected = AXE_VECTORS_HEADER_BYTES + (uint32_t)count * engine->codes * width;
    if (request->size != expected) {
        return axe_refused(AXE_ERROR_BAD_LENGTH, expected);
    }
    if (engine->engine == AXE_WIRE_ENGINE_NONE) {
        return axe_refused(AXE_ERROR_NO_NETWORK, 0);
    }
    if (device->engine_status != AXE_OK) {
        return axe_refused(device->engine_status, engine->arena_bytes);
    }
    return axe_check_batch(device, AXE_VECTORS_HEADER_BYTES, count, (engine->outputs + 1U) * width);
}

axe_outcome axe_answer_vectors(axe_device *device, const axe_frame *request, uint8_t *payload)
{
    const axe_engine_info *engine = device->engine;
    const unsigned width = engine->activation_bits == 16 ? 2 : 1;
    const axe_outcome refused = check(device, request, width);
    if (refused.error != AXE_OK) {
        return refused;
    }
    const unsigned count = request->payload[0];
    const uint8_t *from = request->payload + AXE_VECTORS_HEADER_BYTES;
    uint8_t *at = payload;
    *at++ = (uint8_t)count;
    for (unsigned i = 0; i < count; i++) {
        int16_t logit = 0; /* holds an int8_t too */
        get_codes(device->in_codes, from, engine->codes, width);
        const int error = axe_engine_vector(device->in_codes, device->out_codes, &logit);
        if (error != AXE_OK) {
            return axe_refused(error, i);
        }
        at = put_codes(at, device->out_codes, engine->outputs, width);
        at = put_codes(at, &logit, 1, width);
        from += (size_t)engine->codes * width;
    }
    return axe_answered(at);
}
