/* libFuzzer target for frames and commands: any bytes on the line, and any well-framed requests, under ASan and UBSan.
 *
 * Input: 4 bytes choose model and link, the rest is the line. If bit 0 of the first is set, the rest is a list of requests
 * (size u8, then that many bytes of header and payload) that are given their CRC, COBS and, where bit 1 is set, the right
 * build id here: a fuzzer does not guess a CRC. Checked are the invariants of axe_link.h, that every reply is a whole frame of
 * at most frame_max bytes, and that the device answers a HELLO afterwards, whatever came before.
 */
#include "../firmware/harness.c"

#include <stdio.h>

#include "axe_bytes.h"
#include "axe_crc32.h"

enum { CHOICES = 4, PART = 64, REQUEST_MAX = 255 + AXE_CRC_BYTES, LINE_MAX = REQUEST_MAX + 4 };

static void require(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "does not hold: %s\n", what);
        abort();
    }
}

/* Every reply is one frame; returns the type byte's place of the last, NULL without any. */
static const uint8_t *check_replies(size_t size)
{
    const uint8_t *last = NULL;
    size_t start = 0;
    require(size == 0 || sent[size - 1] == 0, "replies end with 0x00");
    for (size_t i = 0; i < size; i++) {
        if (sent[i] == 0) {
            require(i - start >= AXE_HEADER_BYTES + AXE_CRC_BYTES, "a reply has header and CRC");
            require(i + 1 - start <= memory.frame_max, "a reply is at most frame_max bytes");
            last = sent + start + 1;
            start = i + 1;
        }
    }
    return last;
}

static void feed(const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size; at += PART) {
        const size_t part = size - at < PART ? size - at : PART;
        check_replies(harness_feed(bytes + at, part));
        const axe_link *link = &device.link;
        require((size_t)link->ready + 2U + link->size <= link->credit || link->size == 0, "ready + 2 + size <= credit");
        require(link->encoded <= link->frame_max, "encoded <= frame_max");
        require(link->ready <= link->credit && link->taken == 0, "nothing is left half taken");
    }
}

/* COBS by the book, with a 0x00 at the end; returns the size. */
static size_t encode(const uint8_t *from, size_t size, uint8_t *to)
{
    size_t code_at = 0;
    size_t end = 1;
    uint8_t code = 1;
    for (size_t i = 0; i < size; i++) {
        if (from[i] != 0) {
            to[end++] = from[i];
            code++;
        }
        if (from[i] == 0 || (code == 0xFF && i + 1 < size)) {
            to[code_at] = code;
            code = 1;
            code_at = end++;
        }
    }
    to[code_at] = code;
    to[end++] = 0;
    return end;
}

static void feed_request(const uint8_t *bytes, size_t size, int has_right_build)
{
    uint8_t body[REQUEST_MAX];
    uint8_t line[LINE_MAX];
    memcpy(body, bytes, size);
    if (has_right_build && size >= AXE_HEADER_BYTES) {
        axe_put_u32(body + 3, (uint32_t)(info.build_id & UINT32_MAX));
    }
    axe_put_u32(body + size, axe_crc32(body, size));
    feed(line, encode(body, size + AXE_CRC_BYTES, line));
}

static void start(const uint8_t *choice)
{
    static const int frames[4] = {128, 140, 256, 1024};
    const int frame_max = frames[choice[3] & 3];
    const int credit = frame_max + (choice[3] >> 2) * 16;
    const int inputs = 1 + (choice[1] & 15);
    const int outputs = 1 + ((choice[1] >> 4) & 3);
    const int engine = (choice[2] & 2) != 0 ? AXE_WIRE_ENGINE_NONE : AXE_WIRE_ENGINE_AOT;
    const int status = (choice[2] & 8) != 0 ? AXE_ERROR_ENGINE_INIT : AXE_OK;
    const int codes = inputs << ((choice[2] >> 4) & 1); /* one or two bytes an input */
    harness_start(inputs, outputs, codes, (choice[2] & 1) != 0 ? 16 : 8, engine, (choice[2] & 4) != 0, status, credit,
                  frame_max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t hello[] = {AXE_TYPE_HELLO, 9, 0, 0, 0, 0, 0};
    static const uint8_t delimiter = 0;
    if (size < CHOICES) {
        return 0;
    }
    start(data);
    if ((data[0] & 1) == 0) {
        feed(data + CHOICES, size - CHOICES);
    } else {
        for (size_t at = CHOICES; at < size; at += 1U + data[at]) {
            const size_t left = size - at - 1;
            feed_request(data + at + 1, data[at] < left ? data[at] : left, (data[0] & 2) != 0);
        }
    }
    feed(&delimiter, 1);
    uint8_t body[sizeof hello + AXE_CRC_BYTES];
    uint8_t line[LINE_MAX];
    memcpy(body, hello, sizeof hello);
    axe_put_u32(body + sizeof hello, axe_crc32(hello, sizeof hello));
    const uint8_t *last = check_replies(harness_feed(line, encode(body, sizeof body, line)));
    require(last != NULL && *last == (AXE_TYPE_HELLO | AXE_TYPE_REPLY), "a HELLO is answered last");
    return 0;
}
