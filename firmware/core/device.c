/* Requests in, replies out: HELLO, dispatch and refusals. RUN is in run.c, VECTORS in vectors.c. */
#include "axe_device.h"

#include <string.h>

#include "axe_bytes.h"
#include "axe_reply.h"
#include "axe_stack.h"
#include "axe_timing.h"
#include "requests.h"

void axe_device_init(axe_device *device, const axe_board *board, const axe_device_memory *memory)
{
    device->board = board;
    device->engine = axe_engine_about();
    device->reply = memory->reply;
    device->in = memory->sample;
    device->out = memory->sample + device->engine->inputs;
    device->in_codes = memory->codes;
    device->out_codes = memory->codes + device->engine->codes;
    device->payload_max = axe_reply_payload_max(memory->frame_max);
    axe_link_init(&device->link, memory->receive, memory->credit, memory->frame_max);
    device->engine_status = axe_engine_init();
    device->tick_overhead = axe_timing_overhead();
}

axe_outcome axe_check_batch(const axe_device *device, unsigned header, unsigned count, unsigned record)
{
    const unsigned largest = (device->payload_max - header) / record;
    return count > largest ? axe_refused(AXE_ERROR_REPLY_TOO_LARGE, largest) : axe_answered(NULL);
}

static uint8_t *put_name(uint8_t *at, const char *name)
{
    const size_t length = strlen(name); /* the build sees to it that both names fit */
    *at++ = (uint8_t)length;
    memcpy(at, name, length);
    return at + length;
}

static axe_outcome answer_hello(axe_device *device, const axe_frame *request, uint8_t *at)
{
    const axe_engine_info *engine = device->engine;
    const axe_board *board = device->board;
    if (request->size != 0) {
        return axe_refused(AXE_ERROR_BAD_LENGTH, 0);
    }
    *at++ = AXE_PROTOCOL_VERSION;
    *at++ = engine->engine;
    *at++ = engine->activation_bits;
    *at++ = engine->inputs;
    *at++ = engine->outputs;
    *at++ = engine->has_exact ? 1 : 0;
    *at++ = (uint8_t)board->tick_source;
    *at++ = (uint8_t)board->reset_cause;
    at = axe_put_u32(at, board->tick_hz);
    at = axe_put_u32(at, device->tick_overhead);
    at = axe_put_u16(at, device->link.frame_max);
    at = axe_put_u16(at, device->link.credit);
    at = axe_put_u64(at, engine->hash);
    at = axe_put_u64(at, engine->build_id);
    at = axe_put_u32(at, (uint32_t)engine->threshold);
    at = axe_put_f32(at, engine->eps);
    at = axe_put_f32(at, engine->delta);
    at = axe_put_u32(at, engine->calibration_count);
    at = axe_put_u32(at, board->flash_bytes);
    at = axe_put_u32(at, board->ram_bytes);
    at = axe_put_u32(at, (uint32_t)((uintptr_t)board->stack_top - (uintptr_t)board->stack_bottom));
    at = axe_put_u32(at, axe_stack_peak(board->stack_bottom, board->stack_top));
    at = axe_put_u32(at, engine->arena_bytes);
    at = axe_put_u32(at, device->link.bad_frames);
    return axe_answered(put_name(put_name(at, engine->board), engine->kernel));
}

static axe_outcome dispatch(axe_device *device, const axe_frame *request, uint8_t *payload)
{
    const bool is_open_hello = request->type == AXE_TYPE_HELLO && request->build == 0;
    if (!is_open_hello && request->build != (uint32_t)(device->engine->build_id & UINT32_MAX)) {
        return axe_refused(AXE_ERROR_WRONG_IMAGE, device->engine->build_id);
    }
    switch (request->type) {
    case AXE_TYPE_HELLO:
        return answer_hello(device, request, payload);
    case AXE_TYPE_RUN:
        return axe_answer_run(device, request, payload);
    case AXE_TYPE_VECTORS:
        return axe_answer_vectors(device, request, payload);
    default:
        return axe_refused(AXE_ERROR_BAD_TYPE, request->type);
    }
}

static void answer(axe_device *device, const axe_frame *request)
{
    const uint32_t build = (uint32_t)(device->engine->build_id & UINT32_MAX);
    const uint8_t type = (uint8_t)(request->type | AXE_TYPE_REPLY);
    uint8_t *payload = axe_reply_begin(device->reply, type, request->seq, build);
    const axe_outcome outcome = dispatch(device, request, payload);
    uint8_t *end = outcome.end;
    if (outcome.error != AXE_OK) {
        device->reply[0] = AXE_TYPE_ERROR;
        payload[0] = (uint8_t)-outcome.error;
        payload[1] = request->type;
        end = axe_put_u64(payload + 2, outcome.detail);
    }
    axe_reply_send(device->reply, end);
}

void axe_device_feed(axe_device *device, uint8_t byte)
{
    axe_frame request;
    if (!axe_link_feed(&device->link, byte)) {
        return;
    }
    while (axe_link_take(&device->link, &request)) {
        answer(device, &request);
    }
}
