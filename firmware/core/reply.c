/* Sending: header, CRC, COBS. */
#include "axe_reply.h"

#include "axe_board.h"
#include "axe_bytes.h"
#include "axe_crc32.h"
#include "axe_protocol.h"

enum { BLOCK_MAX = 254 }; /* bytes that one COBS code byte can announce */

uint16_t axe_reply_payload_max(uint16_t frame_max)
{
    const unsigned fixed = AXE_HEADER_BYTES + AXE_CRC_BYTES;
    unsigned size = frame_max; /* decoded; on the line at most size + size / 254 + 1, and the 0x00 */
    while (size > 0 && size + size / BLOCK_MAX + 2U > frame_max) {
        size--;
    }
    return (uint16_t)(size > fixed ? size - fixed : 0U);
}

uint8_t *axe_reply_begin(uint8_t *frame, uint8_t type, uint16_t seq, uint32_t build)
{
    frame[0] = type;
    return axe_put_u32(axe_put_u16(frame + 1, seq), build);
}

/* Return the number of bytes before the next zero, at most BLOCK_MAX. */
static size_t run_length(const uint8_t *at, const uint8_t *end)
{
    size_t length = 0;
    while (length < BLOCK_MAX && at + length < end && at[length] != 0) {
        length++;
    }
    return length;
}

void axe_reply_send(uint8_t *frame, uint8_t *end)
{
    static const uint8_t delimiter = 0;
    const uint8_t *at = frame;
    end = axe_put_u32(end, axe_crc32(frame, (size_t)(end - frame)));
    for (;;) {
        const size_t length = run_length(at, end);
        const uint8_t code = (uint8_t)(length + 1U);
        axe_board_write(&code, 1);
        axe_board_write(at, length);
        at += length;
        if (at == end) {
            break;
        }
        if (length < BLOCK_MAX) {
            at++; /* the zero that the block's end stands for; if it was the last byte, an empty block follows */
        }
    }
    axe_board_write(&delimiter, 1);
}
