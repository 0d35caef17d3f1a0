/* CRC-32 (polynomial 0x04C11DB7, reflected), by a table of 16 entries: 64 bytes of flash instead of 1 KB. */
#include "axe_crc32.h"

/* Entry i: the remainder of the nibble i, reflected polynomial 0xEDB88320. */
static const uint32_t nibble_table[16] = {
    UINT32_C(0x00000000), UINT32_C(0x1DB71064), UINT32_C(0x3B6E20C8), UINT32_C(0x26D930AC),
    UINT32_C(0x76DC4190), UINT32_C(0x6B6B51F4), UINT32_C(0x4DB26158), UINT32_C(0x5005713C),
    UINT32_C(0xEDB88320), UINT32_C(0xF00F9344), UINT32_C(0xD6D6A3E8), UINT32_C(0xCB61B38C),
    UINT32_C(0x9B64C2B0), UINT32_C(0x86D3D2D4), UINT32_C(0xA00AE278), UINT32_C(0xBDBDF21C),
};

uint32_t axe_crc32_step(uint32_t crc, uint8_t byte)
{
    crc ^= byte;
    crc = (crc >> 4) ^ nibble_table[crc & 15U];
    return (crc >> 4) ^ nibble_table[crc & 15U];
}

uint32_t axe_crc32(const uint8_t *bytes, size_t size)
{
    uint32_t crc = AXE_CRC32_INIT;
    for (size_t i = 0; i < size; i++) {
        crc = axe_crc32_step(crc, bytes[i]);
    }
    return ~crc;
}
