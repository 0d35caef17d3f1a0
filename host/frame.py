"""The frame codec: COBS( type | seq | build | payload | crc ) 0x00, and a decoder that survives any bytes.

Pure functions and one small state machine; nothing here reads a port or a clock. docs/protocol.md describes the bytes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from cobs import cobs

HEADER = struct.Struct("<BHI")
CRC = struct.Struct("<I")
OVERHEAD_BYTES = HEADER.size + CRC.size
DELIMITER = b"\x00"
MORE = 0x40
REPLY = 0x80
LONGEST_FRAME_BYTES = 0xFFFF
"""Largest frame that any device may announce: `frame_max` is a u16."""


class FrameError(ValueError):
    """Bytes between two delimiters that are no frame.

    Attributes:
        kind: "cobs", "short", "crc" or "long".
    """

    def __init__(self, kind: str) -> None:
        super().__init__(f"damaged frame ({kind})")
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, decoded.

    Attributes:
        type: message type with its MORE and REPLY bits, 0..255.
        seq: sequence number, 0..65535.
        build: low 32 bits of a build id.
        payload: the message's bytes.
    """

    type: int
    seq: int
    build: int
    payload: bytes = b""


def encode(frame: Frame) -> bytes:
    """Return the frame's bytes on the line, its 0x00 included.

    Raises:
        struct.error: a field is out of its range.
    """
    body = HEADER.pack(frame.type, frame.seq, frame.build) + frame.payload
    return cobs.encode(body + CRC.pack(zlib.crc32(body))) + DELIMITER


def decode(encoded: bytes) -> Frame:
    """Return the frame held by `encoded`, the bytes before a 0x00.

    Raises:
        FrameError: the bytes are no COBS, too short, or their CRC differs.
    """
    try:
        raw = cobs.decode(encoded)
    except cobs.DecodeError:
        raise FrameError("cobs") from None
    if len(raw) < OVERHEAD_BYTES:
        raise FrameError("short")
    body = raw[: -CRC.size]
    if CRC.unpack_from(raw, len(body))[0] != zlib.crc32(body):
        raise FrameError("crc")
    kind, seq, build = HEADER.unpack_from(body)
    return Frame(kind, seq, build, body[HEADER.size :])


def encoded_bytes(payload_bytes: int) -> int:
    """Return the most bytes that a frame with such a payload can take on the line, its 0x00 included."""
    raw = payload_bytes + OVERHEAD_BYTES
    return raw + raw // 254 + 2


def payload_room(frame_bytes: int) -> int:
    """Return the largest payload whose frame surely fits into `frame_bytes` on the line; negative if none does."""
    room = frame_bytes - OVERHEAD_BYTES - 2
    while room >= 0 and encoded_bytes(room) > frame_bytes:
        room -= 1
    return room


@dataclass
class Decoder:
    """Cuts a stream of bytes into frames; damaged ones are counted and dropped.

    Attributes:
        longest: bytes kept while waiting for a 0x00; a longer run is damage, so that chatter fills no memory.
        good: frames decoded.
        damaged: runs of bytes that were no frame.
    """

    longest: int = LONGEST_FRAME_BYTES
    good: int = 0
    damaged: int = 0
    _kept: bytearray = field(default_factory=bytearray, repr=False)
    _skipping: bool = field(default=False, repr=False)

    def feed(self, data: bytes) -> Iterator[Frame | FrameError]:
        """Yield, in order, the frames that `data` completes, and a FrameError for each damaged one.

        The whole of `data` is consumed only when the iterator is exhausted.
        """
        *ended, rest = data.split(DELIMITER)
        for piece in ended:
            self._keep(piece)
            outcome = self._end()
            if outcome is not None:
                yield outcome
        self._keep(rest)

    def _keep(self, piece: bytes) -> None:
        if self._skipping or len(self._kept) + len(piece) > self.longest:
            self._skipping = True
            self._kept.clear()
        else:
            self._kept += piece

    def _end(self) -> Frame | FrameError | None:
        encoded, too_long = bytes(self._kept), self._skipping
        self._kept.clear()
        self._skipping = False
        if not encoded and not too_long:
            return None
        try:
            if too_long:
                raise FrameError("long")
            frame = decode(encoded)
        except FrameError as error:
            self.damaged += 1
            return error
        self.good += 1
        return frame
