"""The firmware's core in this process: a shared object whose undefined behaviour traps, driven by ctypes."""

from __future__ import annotations

import ctypes
import struct
import subprocess
import zlib
from pathlib import Path

from client import ERROR, frame
from cobs import cobs

from axedge.firmware.boards import FIRMWARE

BUILD_ID = 0x1122334455667788
BUILD = BUILD_ID & 0xFFFFFFFF
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wdouble-promotion", "-Werror")


def core_sources() -> list[Path]:
    return sorted((FIRMWARE / "core").glob("*.c"))


def build_harness(folder: Path) -> Harness:
    library = folder / "harness.so"
    command = [
        "cc",
        *STRICT,
        "-g",
        "-O1",
        "-shared",
        "-fPIC",
        "-fsanitize=undefined",
        "-fsanitize-undefined-trap-on-error",
    ]
    sources = [*core_sources(), Path(__file__).with_name("harness.c")]
    includes = [f"-I{FIRMWARE / 'include'}", f"-I{FIRMWARE / 'core'}"]
    subprocess.run([*command, *includes, *map(str, sources), "-o", str(library)], check=True)
    return Harness(library)


class Harness:
    """A device without a line: bytes in, bytes out."""

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library))
        self._library.harness_feed.restype = ctypes.c_size_t
        self._library.harness_feed.argtypes = (ctypes.c_char_p, ctypes.c_size_t)
        self._library.harness_sent.restype = ctypes.POINTER(ctypes.c_uint8)

    def start(
        self,
        inputs: int = 2,
        outputs: int = 2,
        *,
        codes: int | None = None,
        bits: int = 8,
        engine: int = 0,
        has_exact: bool = True,
        status: int = 0,
        credit: int = 1024,
        frame_max: int = 256,
    ) -> Harness:
        sizes = (inputs, outputs, codes or inputs, bits)
        self._library.harness_start(*sizes, engine, int(has_exact), status, credit, frame_max)
        return self

    def feed(self, data: bytes) -> bytes:
        """Return all bytes that the device sent while it received `data`."""
        size = self._library.harness_feed(data, len(data))
        return bytes(self._library.harness_sent()[:size])

    def ask(self, kind: int, payload: bytes = b"", seq: int = 7, build: int = BUILD) -> tuple[int, bytes]:
        """Return type and payload of the one reply to one request."""
        ((reply, answered, _, body),) = replies(self.feed(frame(kind, seq, build, payload)))
        assert answered == seq
        return reply, body

    def error(self, kind: int, payload: bytes = b"", build: int = BUILD) -> tuple[int, int, int]:
        """Return code, request type and detail of the ERROR that answers a request."""
        reply, body = self.ask(kind, payload, build=build)
        assert reply == ERROR
        return struct.unpack("<BBQ", body)


def replies(data: bytes) -> list[tuple[int, int, int, bytes]]:
    """Return type, seq, build and payload of every frame in `data`; each must be whole and good."""
    assert data == b"" or data.endswith(b"\0")
    found = []
    for encoded in data.split(b"\0")[:-1]:
        body = cobs.decode(encoded)
        assert zlib.crc32(body[:-4]) == struct.unpack("<I", body[-4:])[0]
        found.append((*struct.unpack("<BHI", body[:7]), body[7:-4]))
    return found
