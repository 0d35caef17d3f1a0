/* Sending: a frame is built decoded in a buffer, then goes out COBS-encoded, block by block, without a second buffer. */
#ifndef AXE_REPLY_H
#define AXE_REPLY_H

#include <stddef.h>
#include <stdint.h>

/* Return the largest payload whose frame is at most `frame_max` bytes on the line, whatever its content. */
uint16_t axe_reply_payload_max(uint16_t frame_max);

/* Write the header to `frame`; returns where the payload begins. */
uint8_t *axe_reply_begin(uint8_t *frame, uint8_t type, uint16_t seq, uint32_t build);

/* Append the CRC at `end` (room for AXE_CRC_BYTES) and send everything from `frame` on. */
void axe_reply_send(uint8_t *frame, uint8_t *end);

#endif
