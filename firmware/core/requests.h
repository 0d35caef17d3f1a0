/* Between the files of the command core: how a request is answered. */
#ifndef AXE_REQUESTS_H
#define AXE_REQUESTS_H

#include <stddef.h>
#include <stdint.h>

#include "axe_device.h"

/* error: AXE_OK, or why the request is refused, with `detail` as axe_errors.def says. end: of the reply's payload. */
typedef struct axe_outcome {
    int error;
    uint64_t detail;
    uint8_t *end;
} axe_outcome;

static inline axe_outcome axe_refused(int error, uint64_t detail)
{
    const axe_outcome outcome = {error, detail, NULL};
    return outcome;
}

static inline axe_outcome axe_answered(uint8_t *end)
{
    const axe_outcome outcome = {AXE_OK, 0, end};
    return outcome;
}

/* Refuse a batch whose `count` replies of `record` bytes after `header` bytes do not fit, naming the count that would. */
axe_outcome axe_check_batch(const axe_device *device, unsigned header, unsigned count, unsigned record);

/* Each writes a reply's payload to `payload`, where device->payload_max bytes are free. */
axe_outcome axe_answer_run(axe_device *device, const axe_frame *request, uint8_t *payload);
axe_outcome axe_answer_vectors(axe_device *device, const axe_frame *request, uint8_t *payload);

#endif
