/* Little-endian numbers in unaligned bytes. Every put returns the byte after the last one written. */
#ifndef AXE_BYTES_H
#define AXE_BYTES_H

#include <stdint.h>

uint16_t axe_get_u16(const uint8_t *from);
uint32_t axe_get_u32(const uint8_t *from);
float axe_get_f32(const uint8_t *from);

uint8_t *axe_put_u16(uint8_t *to, uint16_t value);
uint8_t *axe_put_u32(uint8_t *to, uint32_t value);
uint8_t *axe_put_u64(uint8_t *to, uint64_t value);
uint8_t *axe_put_f32(uint8_t *to, float value);

#endif
