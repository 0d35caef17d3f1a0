/* The device as the host sees it: answers the requests of docs/protocol.md.
 *
 * The caller owns all memory. Requests are stateless: nothing that a request says outlives its reply.
 */
#ifndef AXE_DEVICE_H
#define AXE_DEVICE_H

#include <stdint.h>

#include "axe_board.h"
#include "axe_engine.h"
#include "axe_link.h"

/* Memory that the caller lends for good.
 *
 * receive: credit bytes. reply: frame_max bytes. Of the engine's model, sample: inputs + outputs; codes: its codes + outputs.
 * frame_max: at least 128, at most credit, and large enough for a HELLO and for one sample in any mode.
 */
typedef struct axe_device_memory {
    uint8_t *receive;
    uint8_t *reply;
    float *sample;
    int16_t *codes; /* int8_t where a code has 8 bits */
    uint16_t credit;
    uint16_t frame_max;
} axe_device_memory;

typedef struct axe_device {
    axe_link link;
    const axe_board *board;
    const axe_engine_info *engine;
    uint8_t *reply;
    float *in;
    float *out;
    void *in_codes;
    void *out_codes;
    uint32_t tick_overhead;
    uint16_t payload_max;
    int engine_status; /* of axe_engine_init */
} axe_device;

/* Set the engine up, measure the timer's own cost, and get ready. */
void axe_device_init(axe_device *device, const axe_board *board, const axe_device_memory *memory);

/* Take in one received byte; if it ends a window, answer all of it. */
void axe_device_feed(axe_device *device, uint8_t byte);

#endif
