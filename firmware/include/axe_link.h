/* Receiving: bytes in, a window of checked frames out. Nothing that comes in can do more than be dropped and counted.
 *
 * Each byte is decoded and checked as it arrives, in constant time but for the rare drop of a stale window, so that a polled
 * UART without a FIFO keeps up. Frames stand decoded in one buffer of `credit` bytes, each after a u16 with its size;
 * that never needs more than the same frames took on the line.
 *
 * Invariants, which tests/fuzz checks: ready + 2 + size <= credit; encoded <= frame_max; no byte outside the buffer is
 * written; bytes after the next 0x00 are understood whatever came before it.
 */
#ifndef AXE_LINK_H
#define AXE_LINK_H

#include <stdbool.h>
#include <stdint.h>

/* A checked request. `payload` points into the link's buffer and holds `size` bytes. */
typedef struct axe_frame {
    uint8_t type; /* without MORE */
    uint16_t seq;
    uint32_t build;
    const uint8_t *payload;
    uint16_t size;
} axe_frame;

typedef struct axe_link {
    uint8_t *buffer;
    uint16_t credit;     /* bytes of buffer, at least frame_max */
    uint16_t frame_max;  /* bytes, encoded and with the 0x00 */
    uint16_t ready;      /* bytes taken by whole frames, from the buffer's start */
    uint16_t taken;      /* of these, bytes that axe_link_take has handed out */
    uint16_t size;       /* decoded bytes of the frame that is coming in */
    uint16_t encoded;    /* bytes on the line of that frame */
    uint8_t code;        /* COBS: code byte of the current block; 0 before the first */
    uint8_t left;        /* COBS: bytes still to come in it */
    bool is_bad;         /* the frame is being skipped up to its 0x00 */
    uint32_t crc;        /* running CRC of the decoded bytes */
    uint32_t bad_frames; /* dropped since start */
} axe_link;

/* `buffer` holds `credit` bytes and belongs to the link from now on. frame_max <= credit. */
void axe_link_init(axe_link *link, uint8_t *buffer, uint16_t credit, uint16_t frame_max);

/* Take in one byte. Returns whether it completed a window: a good frame without MORE. */
bool axe_link_feed(axe_link *link, uint8_t byte);

/* Hand out the window's frames in order; false after the last, when the buffer is empty again. Its payload is valid until
 * the next call of any function with this link.
 */
bool axe_link_take(axe_link *link, axe_frame *frame);

#endif
