"""A client written from docs/protocol.md alone: it shares no code with axedge.host, so that one can check the other."""

from __future__ import annotations

import socket
import struct
import time
import zlib

from cobs import cobs

HELLO, RUN, VECTORS, MORE, ERROR = 0x01, 0x02, 0x03, 0x40, 0xFF
GATED, APPROXIMATE, EXACT, BOTH = range(4)
DEADLINE_S = 20.0
MEETING_S = 0.5

HELLO_FIELDS = (  # noqa: SIM905
    "protocol engine activation_bits inputs outputs has_exact tick_source reset_cause tick_hz tick_overhead frame_max "
    "credit model_hash build_id threshold eps delta calibration_count flash_bytes ram_bytes stack_bytes "
    "stack_peak_bytes arena_bytes bad_frames"
).split()
HELLO_LAYOUT = struct.Struct("<8B II HH QQ i ff 7I".replace(" ", ""))


def frame(kind: int, seq: int, build: int, payload: bytes = b"") -> bytes:
    body = struct.pack("<BHI", kind, seq, build) + payload
    return cobs.encode(body + struct.pack("<I", zlib.crc32(body))) + b"\0"


class Client:
    """One connection to a device.

    Args:
        port: TCP port on this computer.
    """

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.seq = 0
        self.build = 0
        self.cut_frames = 0

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self, timeout_s: float = DEADLINE_S) -> tuple[int, int, int, bytes]:
        """Return type, seq, build and payload of the next good frame."""
        deadline = time.monotonic() + timeout_s
        while b"\0" not in self.buffer:
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the device hung up")
            self.buffer += data
        encoded, self.buffer = self.buffer.split(b"\0", 1)
        body = cobs.decode(encoded)
        assert zlib.crc32(body[:-4]) == struct.unpack("<I", body[-4:])[0], "a reply's CRC is wrong"
        return *struct.unpack("<BHI", body[:7]), body[7:-4]

    def ask(self, kind: int, payload: bytes = b"", build: int | None = None) -> bytes:
        """Send one request; return the reply's payload. An ERROR reply raises DeviceRefused."""
        self.seq = (self.seq + 1) & 0xFFFF
        self.send(frame(kind, self.seq, self.build if build is None else build, payload))
        reply, seq, _, answer = self.receive()
        assert seq == self.seq
        if reply == ERROR:
            raise DeviceRefused(*struct.unpack("<BBQ", answer))
        assert reply == kind | 0x80
        return answer

    def hello(self, build: int = 0) -> dict[str, object]:
        payload = self.ask(HELLO, build=build)
        values = dict(zip(HELLO_FIELDS, HELLO_LAYOUT.unpack_from(payload), strict=True))
        rest = payload[HELLO_LAYOUT.size :]
        for name in ("board", "kernel"):
            values[name], rest = rest[1 : 1 + rest[0]].decode(), rest[1 + rest[0] :]
        assert rest == b""
        self.build = values["build_id"] & 0xFFFFFFFF
        return values

    def meet(self) -> None:
        """Say HELLO until the board answers: bytes that come before its UART is on are lost on some.

        How many of these frames the UART's start cut in two, and the board called bad, is in `cut_frames` then: 0 or 1.
        """
        deadline = time.monotonic() + DEADLINE_S
        while True:
            self.seq += 1
            self.send(b"\0" + frame(HELLO, self.seq, 0))
            try:
                while self.receive(MEETING_S)[1] != self.seq:
                    continue
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise
                continue
            self.cut_frames = self.hello()["bad_frames"]
            assert self.cut_frames <= 1
            return

    def run(self, mode: int, rows: list[tuple[float, ...]], outputs: int = 2) -> list[tuple]:
        """Return a list of (path, ticks, outputs) or, in mode BOTH, (path, ticks, ticks, outputs, outputs)."""
        numbers = b"".join(struct.pack(f"<{len(row)}f", *row) for row in rows)
        reply = self.ask(RUN, bytes([mode, len(rows)]) + numbers)
        assert reply[:2] == bytes([mode, len(rows)])
        width = "<BII" if mode == BOTH else "<BI"
        layout = struct.Struct(width + f"{outputs * (2 if mode == BOTH else 1)}f")
        assert len(reply) == 2 + len(rows) * layout.size
        found = []
        for values in layout.iter_unpack(reply[2:]):
            if mode == BOTH:
                found.append((*values[:3], values[3 : 3 + outputs], values[3 + outputs :]))
            else:
                found.append((*values[:2], values[2:]))
        return found

    def vectors(
        self, rows: list[tuple[int, ...]], outputs: int = 2, bits: int = 8
    ) -> list[tuple[tuple[int, ...], int]]:
        """Return (output codes, logit code) of each row of input codes."""
        letter = {8: "b", 16: "h"}[bits]
        numbers = b"".join(struct.pack(f"<{len(row)}{letter}", *row) for row in rows)
        reply = self.ask(VECTORS, bytes([len(rows)]) + numbers)
        assert reply[0] == len(rows)
        return [(row[:-1], row[-1]) for row in struct.iter_unpack(f"<{outputs + 1}{letter}", reply[1:])]


class DeviceRefused(Exception):
    """An ERROR reply."""

    def __init__(self, code: int, request: int, detail: int) -> None:
        super().__init__(f"error {code} for request {request:#x}, detail {detail:#x}")
        self.code = code
        self.request = request
        self.detail = detail
