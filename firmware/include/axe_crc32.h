/* CRC-32 as in zlib, a byte at a time. */
#ifndef AXE_CRC32_H
#define AXE_CRC32_H

#include <stddef.h>
#include <stdint.h>

#define AXE_CRC32_INIT UINT32_C(0xFFFFFFFF)

/* What the running value is after data followed by the data's own CRC, little-endian. */
#define AXE_CRC32_RESIDUE UINT32_C(0xDEBB20E3)

/* Return the running value after one more byte. */
uint32_t axe_crc32_step(uint32_t crc, uint8_t byte);

/* Return the CRC of `size` bytes, final inversion included. */
uint32_t axe_crc32(const uint8_t *bytes, size_t size);

#endif
