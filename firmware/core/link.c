/* Receiving: COBS, CRC and window, one byte at a time. */
#include "axe_link.h"

#include <string.h>

#include "axe_bytes.h"
#include "axe_crc32.h"
#include "axe_protocol.h"

enum { SIZE_BYTES = 2 }; /* the u16 before each stored frame */

static void start_frame(axe_link *link)
{
    link->size = 0;
    link->encoded = 0;
    link->code = 0;
    link->left = 0;
    link->is_bad = false;
    link->crc = AXE_CRC32_INIT;
}

void axe_link_init(axe_link *link, uint8_t *buffer, uint16_t credit, uint16_t frame_max)
{
    link->buffer = buffer;
    link->credit = credit;
    link->frame_max = frame_max;
    link->ready = 0;
    link->taken = 0;
    link->bad_frames = 0;
    start_frame(link);
}

/* The frames that wait belong to a window whose end was lost: drop them, keep the frame that is coming in. */
static void drop_waiting(axe_link *link)
{
    memmove(link->buffer + SIZE_BYTES, link->buffer + link->ready + SIZE_BYTES, link->size);
    link->ready = 0;
}

static void store(axe_link *link, uint8_t byte)
{
    if (link->ready + SIZE_BYTES + link->size >= link->credit) {
        if (link->ready == 0) { /* not reached while frame_max <= credit: such a frame is bad before it is that long */
            link->is_bad = true;
            return;
        }
        drop_waiting(link);
    }
    link->buffer[link->ready + SIZE_BYTES + link->size] = byte;
    link->size++;
    link->crc = axe_crc32_step(link->crc, byte);
}

/* Decode one byte that is not 0x00. A block is a code byte c and c - 1 bytes; a block that is not the last stands for its
 * bytes and, unless c is 255, a zero after them.
 */
static void decode(axe_link *link, uint8_t byte)
{
    if (link->left > 0) {
        link->left--;
        store(link, byte);
        return;
    }
    if (link->code != 0 && link->code != 0xFF) {
        store(link, 0);
    }
    link->code = byte;
    link->left = (uint8_t)(byte - 1U);
}

/* At 0x00: keep the frame if it is whole. Returns whether it completes a window. */
static bool end_frame(axe_link *link)
{
    const bool is_good = !link->is_bad && link->left == 0 && link->size >= AXE_HEADER_BYTES + AXE_CRC_BYTES &&
                         link->crc == AXE_CRC32_RESIDUE;
    bool is_last = false;
    if (is_good) {
        const uint16_t size = (uint16_t)(link->size - AXE_CRC_BYTES);
        uint8_t *stored = link->buffer + link->ready;
        axe_put_u16(stored, size);
        link->ready = (uint16_t)(link->ready + SIZE_BYTES + size);
        is_last = (stored[SIZE_BYTES] & AXE_TYPE_MORE) == 0;
    } else {
        link->bad_frames++;
    }
    start_frame(link);
    return is_last;
}

bool axe_link_feed(axe_link *link, uint8_t byte)
{
    if (byte == 0) {
        return link->encoded != 0 && end_frame(link); /* empty frames are the host's way to start afresh */
    }
    if (link->is_bad) {
        return false;
    }
    link->encoded++;
    if (link->encoded >= link->frame_max) { /* no room for its 0x00 */
        link->is_bad = true;
        return false;
    }
    decode(link, byte);
    return false;
}

bool axe_link_take(axe_link *link, axe_frame *frame)
{
    if (link->taken >= link->ready) {
        link->taken = 0;
        link->ready = 0;
        return false;
    }
    const uint8_t *stored = link->buffer + link->taken;
    const uint16_t size = axe_get_u16(stored);
    const uint8_t *header = stored + SIZE_BYTES;
    frame->type = (uint8_t)(header[0] & ~(unsigned)AXE_TYPE_MORE);
    frame->seq = axe_get_u16(header + 1);
    frame->build = axe_get_u32(header + 3);
    frame->payload = header + AXE_HEADER_BYTES;
    frame->size = (uint16_t)(size - AXE_HEADER_BYTES);
    link->taken = (uint16_t)(link->taken + SIZE_BYTES + size);
    return true;
}
