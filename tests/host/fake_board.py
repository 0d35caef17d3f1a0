"""A board in Python that speaks the wire and can misbehave, and a line to it on which time is a number.

It stays a test tool: nothing of it is installed. Its "network" is arithmetic that a test can redo: see `answers`.
"""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from faults import Injector

from axedge.host import frame as framing
from axedge.host import messages
from axedge.host.error_codes import error_code
from axedge.host.frame import MORE, REPLY, Decoder, Frame
from axedge.host.messages import ErrorReply, Hello, Mode, Type
from axedge.host.port_errors import LineLost

BUILD_ID = 0x1122334455667788
MODEL_HASH = 0x0123456789ABCDEF

HELLO = Hello(
    protocol=2,
    engine=0,
    activation_bits=8,
    inputs=2,
    outputs=2,
    has_exact=True,
    tick_source=3,
    reset_cause=1,
    tick_hz=16_000_000,
    tick_overhead=10,
    frame_max=256,
    credit=1024,
    model_hash=MODEL_HASH,
    build_id=BUILD_ID,
    threshold=12,
    eps=0.0625,
    delta=0.125,
    calibration_count=1000,
    flash_bytes=9000,
    ram_bytes=1500,
    stack_bytes=2048,
    stack_peak_bytes=600,
    arena_bytes=0,
    bad_frames=0,
    board="fake",
    kernel="inversek2j",
)


def answers(x, outputs=2):
    """Return path, approximate and exact outputs of inputs (n, inputs): what the fake board computes."""
    x = np.asarray(x, np.float32)
    total = np.where(np.isfinite(x), x, 0).sum(axis=1, dtype=np.float32)
    exact = np.stack([total + np.float32(j) for j in range(outputs)], axis=1)
    approximate = exact * np.float32(1.01)
    path = np.where(total > np.float32(1.0), 1, 0).astype(np.uint8)
    outside = ~np.isfinite(x).all(axis=1) | (np.abs(np.where(np.isfinite(x), x, 0)).max(axis=1) > 10)
    path[outside] = 2
    approximate[outside] = np.nan
    return path, approximate.astype(np.float32), exact.astype(np.float32)


def codes_answer(codes, outputs=2):
    """Return the answer codes (n, outputs) and logit codes (n,) of the fake network."""
    total = np.asarray(codes, np.int64).sum(axis=1)
    return np.stack([(total + j) % 100 for j in range(outputs)], axis=1).astype(np.int8), (total % 50).astype(np.int8)


class FakeBoard:
    """The device's side of docs/protocol.md.

    Attributes:
        violations: what the host did that the page forbids; a test expects none.
        served: samples answered, repeated ones included.
    """

    def __init__(self, hello: Hello = HELLO, *, sample_s: float = 1e-5, wrong_vector: int | None = None) -> None:
        self.hello = hello
        self.sample_s = sample_s
        self.wrong_vector = wrong_vector
        self.violations: list[str] = []
        self.served = 0
        self.power_on()

    def power_on(self, hello: Hello | None = None) -> None:
        """Reset: everything received so far is forgotten."""
        self.hello = hello or self.hello
        self._decoder = Decoder(longest=self.hello.frame_max)
        self._window: list[Frame] = []
        self._window_bytes = 0

    def receive(self, data: bytes) -> list[tuple[float, bytes]]:
        """Take bytes from the line; return (seconds of work, reply) in order."""
        replies = []
        for outcome in self._decoder.feed(data):
            if isinstance(outcome, framing.FrameError):
                continue
            size = len(framing.encode(outcome))
            if self._window_bytes + size > self.hello.credit:
                self.violations.append(f"{self._window_bytes + size} bytes, credit {self.hello.credit}")
                continue
            self._window.append(outcome)
            self._window_bytes += size
            if not outcome.type & MORE:
                replies += [self._answer(frame) for frame in self._window]
                self._window, self._window_bytes = [], 0
        return replies

    def _answer(self, frame: Frame) -> tuple[float, bytes]:
        kind = frame.type & ~MORE
        work_s, reply_type, payload = 0.0, kind | REPLY, b""
        if frame.build != self.hello.build_low and not (kind == Type.HELLO and frame.build == 0):
            reply_type, payload = Type.ERROR, self._refuse("WRONG_IMAGE", kind, self.hello.build_id)
        elif kind == Type.HELLO:
            payload = self.hello.pack()
        elif kind == Type.RUN:
            work_s, reply_type, payload = self._run(frame.payload)
        elif kind == Type.VECTORS:
            payload = self._vectors(frame.payload)
        else:
            reply_type, payload = Type.ERROR, self._refuse("BAD_TYPE", kind, kind)
        reply = framing.encode(Frame(reply_type, frame.seq, self.hello.build_low, payload))
        if len(reply) > self.hello.frame_max:
            self.violations.append(f"the reply has {len(reply)} bytes, frame_max {self.hello.frame_max}")
        return work_s, reply

    def _refuse(self, name: str, request: int, detail: int) -> bytes:
        return ErrorReply(error_code(name), request, detail).pack()

    def _run(self, payload: bytes) -> tuple[float, int, bytes]:
        mode, count = Mode(payload[0]), payload[1]
        if mode in (Mode.EXACT, Mode.BOTH) and not self.hello.has_exact:
            return 0.0, Type.ERROR, self._refuse("NO_EXACT", Type.RUN, mode)
        x = np.frombuffer(payload, "<f4", offset=2).reshape(count, self.hello.inputs)
        self.served += count
        return count * self.sample_s, Type.RUN | REPLY, messages.run_reply(mode, self.records(x, mode))

    def records(self, x, mode):
        """Return the records that RUN gives for inputs x."""
        path, approximate, exact = answers(x, self.hello.outputs)
        records = np.zeros(len(x), messages.record_dtype(mode, self.hello.outputs))
        records["path"] = path
        if mode == Mode.BOTH:
            records["ticks_approximate"], records["ticks_exact"] = 110, 1010
            records["approximate"], records["exact"] = approximate, exact
        elif mode == Mode.GATED:
            records["ticks"] = np.where(path == 0, 110, 1110)
            fallback = exact if self.hello.has_exact else np.full_like(exact, np.nan)
            records["outputs"] = np.where((path == 0)[:, None], approximate, fallback)
        else:
            records["ticks"] = 110 if mode == Mode.APPROXIMATE else 1010
            records["outputs"] = approximate if mode == Mode.APPROXIMATE else exact
        return records

    def _vectors(self, payload: bytes) -> bytes:
        code = messages.code_dtype(self.hello.activation_bits)
        codes = np.frombuffer(payload, code, offset=1).reshape(payload[0], self.hello.inputs)
        records = np.zeros(len(codes), messages.vector_dtype(self.hello.activation_bits, self.hello.outputs))
        records["answer"], records["logit"] = codes_answer(codes, self.hello.outputs)
        if self.wrong_vector is not None:
            records["logit"][np.flatnonzero(codes[:, 0] == self.wrong_vector)] += 1
        return messages.vectors_reply(records)


class Clock:
    """Seconds that pass only when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class VirtualLine:
    """A line to a fake board, with faults either way; waiting moves the clock.

    Args:
        board: at the other end.
        clock: the time.
        up: faults towards the board.
        down: faults towards the host.
        byte_s: seconds that a byte takes.
        on_write: called before each write with the number of writes so far; may reset the board or lose the line.
    """

    def __init__(
        self,
        board: FakeBoard,
        clock: Clock,
        up: Injector | None = None,
        down: Injector | None = None,
        byte_s: float = 0.0,
        on_write: Callable[[int], None] | None = None,
    ) -> None:
        self.board, self.clock, self.byte_s = board, clock, byte_s
        self._up, self._down = up or Injector(), down or Injector()
        self._on_write = on_write
        self._count = itertools.count()
        self._coming: list[tuple[float, int, bytes]] = []
        self._order = itertools.count()
        self._free_at = 0.0
        self.lost = False

    def write(self, data: bytes, timeout_s: float) -> None:
        if self._on_write:
            self._on_write(next(self._count))
        self._check()
        at = self.clock.now
        for wait, piece in self._up(data):
            at += wait + len(piece) * self.byte_s
            for work, reply in self.board.receive(piece):
                self._schedule(max(at, self._free_at) + work, reply)

    def _schedule(self, at: float, reply: bytes) -> None:
        for wait, piece in self._down(reply):
            at += wait + len(piece) * self.byte_s
            heapq.heappush(self._coming, (at, next(self._order), piece))
        self._free_at = at

    def say(self, data: bytes, after_s: float = 0.0) -> None:
        """Let the board say something unasked."""
        heapq.heappush(self._coming, (self.clock.now + after_s, next(self._order), data))

    def read(self, timeout_s: float) -> bytes:
        self._check()
        until = self.clock.now + timeout_s
        if not self._coming or self._coming[0][0] > until:
            self.clock.now = until
            return b""
        self.clock.now = max(self.clock.now, self._coming[0][0])
        data = b""
        while self._coming and self._coming[0][0] <= self.clock.now:
            data += heapq.heappop(self._coming)[2]
        return data

    def close(self) -> None:
        self.lost = True

    def _check(self) -> None:
        if self.lost:
            raise LineLost("fake went away while it was in use.")


def other_image(hello: Hello = HELLO) -> Hello:
    """Return the HELLO of another image for the same board."""
    return replace(hello, build_id=0x99AABBCCDDEEFF00)
