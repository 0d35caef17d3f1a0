/* Little-endian numbers in unaligned bytes, on any machine. */
#include "axe_bytes.h"

#include <string.h>

typedef char float_is_binary32[sizeof(float) == sizeof(uint32_t) ? 1 : -1];

uint16_t axe_get_u16(const uint8_t *from)
{
    return (uint16_t)(from[0] | ((uint16_t)from[1] << 8));
}

uint32_t axe_get_u32(const uint8_t *from)
{
    return (uint32_t)axe_get_u16(from) | ((uint32_t)axe_get_u16(from + 2) << 16);
}

float axe_get_f32(const uint8_t *from)
{
    const uint32_t bits = axe_get_u32(from);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

uint8_t *axe_put_u16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)(value & 0xFFU);
    to[1] = (uint8_t)(value >> 8);
    return to + 2;
}

uint8_t *axe_put_u32(uint8_t *to, uint32_t value)
{
    return axe_put_u16(axe_put_u16(to, (uint16_t)(value & 0xFFFFU)), (uint16_t)(value >> 16));
}

uint8_t *axe_put_u64(uint8_t *to, uint64_t value)
{
    return axe_put_u32(axe_put_u32(to, (uint32_t)(value & UINT32_C(0xFFFFFFFF))), (uint32_t)(value >> 32));
}

uint8_t *axe_put_f32(uint8_t *to, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return axe_put_u32(to, bits);
}
