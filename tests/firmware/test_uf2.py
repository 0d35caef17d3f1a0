"""UF2 files, read back as a boot loader reads them, and the RP2040's own checks."""

import struct
import zlib

import pytest

from axedge.artifacts.errors import BuildError
from axedge.firmware.boards import load_board
from axedge.firmware.uf2 import BOOT2_BYTES, RP2040_FAMILY, check_boot2, crc32_mpeg2, uf2_file

pytestmark = pytest.mark.host


def read_back(data: bytes) -> tuple[int, bytes, set[int]]:
    """Return start, image and families of a UF2 file; every block is looked at."""
    assert len(data) % 512 == 0
    image, families, start = b"", set(), None
    for index in range(len(data) // 512):
        block = data[512 * index : 512 * index + 512]
        first, second, flags, address, size, number, count, family = struct.unpack("<8I", block[:32])
        assert (first, second, struct.unpack("<I", block[508:])[0]) == (0x0A324655, 0x9E5D5157, 0x0AB16F30)
        assert (flags, size, number, count) == (0x2000, 256, index, len(data) // 512)
        start = address if start is None else start
        assert address == start + len(image)
        image += block[32 : 32 + size]
        families.add(family)
    return start, image, families


@pytest.mark.parametrize("size", [1, 255, 256, 257, 5000])
def test_an_image_comes_back_from_its_blocks(size):
    image = bytes(range(256)) * 20
    start, found, families = read_back(uf2_file(image[:size], 0x08000000, 0x57755A57))
    assert (start, families) == (0x08000000, {0x57755A57})
    assert found == image[:size].ljust(-(-size // 256) * 256, b"\0")


def test_the_crc_is_the_one_of_the_catalogue():
    assert crc32_mpeg2(b"123456789") == 0x0376E6E7  # the check value of CRC-32/MPEG-2
    mirrored = bytes(int(f"{byte:08b}"[::-1], 2) for byte in b"axedge")
    reflected = int(f"{zlib.crc32(mirrored) ^ 0xFFFFFFFF:032b}"[::-1], 2)
    assert crc32_mpeg2(b"axedge") == reflected


def test_an_rp2040_that_would_not_start_is_refused():
    boot2 = bytes(range(252))
    good = boot2 + struct.pack("<I", crc32_mpeg2(boot2))
    check_boot2(good + b"more")
    with pytest.raises(BuildError, match="second boot stage has the CRC"):
        uf2_file(b"\1" + good[1:], 0x10000000, RP2040_FAMILY)


@pytest.mark.qemu
@pytest.mark.xdist_group("firmware images")
def test_the_picos_image_boots_by_its_own_stage(images):
    elf, record = images.get("rpi-pico")
    assert "firmware.uf2" in record.images
    start, image, families = read_back((elf.parent / "firmware.uf2").read_bytes())
    assert (start, families) == (0x10000000, {load_board("rpi-pico").uf2_family}) == (0x10000000, {0xE48BFF56})
    assert image.startswith((elf.parent / "firmware.bin").read_bytes())
    stack_top, reset = struct.unpack_from("<2I", image, BOOT2_BYTES)
    assert 0x20000000 < stack_top <= 0x20040000 and stack_top % 8 == 0
    assert 0x10000100 < reset < 0x10000000 + len(image) and reset & 1
