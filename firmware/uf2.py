"""UF2 files: an image in blocks of 512 bytes, as a boot loader takes them from what looks like a drive.

Source: the format's description by Microsoft (github.com/microsoft/uf2).
"""

from __future__ import annotations

import struct

from axedge.artifacts.errors import BuildError

_MAGIC_FIRST, _MAGIC_SECOND, _MAGIC_LAST = 0x0A324655, 0x9E5D5157, 0x0AB16F30
_HAS_FAMILY = 0x2000
_BLOCK_BYTES, _PAYLOAD_BYTES, _DATA_BYTES = 512, 256, 476

RP2040_FAMILY = 0xE48BFF56
BOOT2_BYTES = 256


def uf2_file(image: bytes, start: int, family: int) -> bytes:
    """Return the UF2 file of an image.

    Args:
        image: bytes of the flash, from `start` on.
        start: address of the first byte, a multiple of 256.
        family: which chips may take it.

    Raises:
        BuildError: the family is RP2040's and the image would not boot.
    """
    if family == RP2040_FAMILY:
        check_boot2(image)
    padded = image + b"\0" * (-len(image) % _PAYLOAD_BYTES)
    count = len(padded) // _PAYLOAD_BYTES
    blocks = []
    for number in range(count):
        offset = number * _PAYLOAD_BYTES
        numbers = (_MAGIC_FIRST, _MAGIC_SECOND, _HAS_FAMILY, start + offset, _PAYLOAD_BYTES, number, count, family)
        head = struct.pack("<8I", *numbers)
        data = padded[offset : offset + _PAYLOAD_BYTES].ljust(_DATA_BYTES, b"\0")
        blocks.append(head + data + struct.pack("<I", _MAGIC_LAST))
    return b"".join(blocks)


def check_boot2(image: bytes) -> None:
    """Check the CRC without which an RP2040 does not start (RP2040 Datasheet, 2.8.1.3.1).

    Raises:
        BuildError: it is wrong.
    """
    wanted, found = crc32_mpeg2(image[: BOOT2_BYTES - 4]), struct.unpack_from("<I", image, BOOT2_BYTES - 4)[0]
    if wanted != found:
        raise BuildError(
            f"the image's second boot stage has the CRC {found:#010x} instead of {wanted:#010x}: it would not start.",
            "Write the right one at the end of boot2.S.",
        )


def crc32_mpeg2(data: bytes) -> int:
    """Return the CRC-32 with polynomial 0x04C11DB7, not reflected, from all ones, not inverted at the end."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc
