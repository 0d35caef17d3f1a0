"""Frames to a board and back, over a line that may lose, change, double or delay bytes, or vanish.

Every frame sent has a sequence number of its own, so that a late or doubled reply cannot be mistaken for another one,
and each wait has a deadline. How many samples get through, each once, is the business of transfer.py.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from axedge.artifacts.errors import DeviceError, PortError, WrongImage
from axedge.host import frame as framing
from axedge.host.frame import MORE, REPLY, Decoder, Frame, FrameError
from axedge.host.line import Line
from axedge.host.messages import ErrorReply, Hello, MessageError, Type
from axedge.host.port_errors import LineLost
from axedge.host.timing import Deadlines

_REOPEN_EVERY_S = 0.2
_HELLO_FIRST_S = 0.25
_HELLO_LAST_S = 0.6
_HELLO_BYTES = 160
"""Request and reply together, with names of an ordinary length."""
_WRITE_S = 5.0
REPLIES = {Type.HELLO | REPLY, Type.RUN | REPLY, Type.VECTORS | REPLY, int(Type.ERROR)}

_REMEDY = {
    "ENGINE_INIT": "Its arena has as many bytes as the detail says: build without --arena, or with a larger one.",
}
"""What to do about a refusal, by its name."""

Trace = Callable[[str, Frame | FrameError], None]
"""Called with ">" or "<" and every frame sent or received, damaged ones included."""


@dataclass
class Counters:
    """What happened on the line since the link was opened.

    Attributes:
        requests: frames sent that asked for samples or vectors.
        retries: requests sent again.
        crc_errors: damaged frames received.
        late: replies taken after their request was given up.
        stale: whole frames received that nobody waited for.
        payload_bytes: payload of the requests that were answered, and of the replies that were used.
        line_bytes: all bytes, both ways.
        reopened: times the port came back after it was lost.
    """

    requests: int = 0
    retries: int = 0
    crc_errors: int = 0
    late: int = 0
    stale: int = 0
    payload_bytes: int = 0
    line_bytes: int = 0
    reopened: int = 0


class Link:
    """One board at the other end of a line."""

    def __init__(
        self,
        opener: Callable[[], Line],
        *,
        deadlines: Deadlines | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        trace: Trace | None = None,
    ) -> None:
        """Open the line.

        Args:
            opener: opens the line, now and again after it was lost.
            deadlines: the waits.
            clock: seconds, monotonic.
            sleep: waits that many seconds.
            trace: sees every frame.

        Raises:
            PortError: the line cannot be opened.
        """
        self.deadlines = deadlines or Deadlines()
        self.clock = clock
        self.counters = Counters()
        self.build = 0
        self.last_hello: Hello | None = None
        self._opener = opener
        self._sleep = sleep
        self._trace = trace
        self._decoder = Decoder()
        self._arrived: deque[Frame] = deque()
        self._seq = 0
        self.received_bytes = 0
        self._clean = False
        self._line: Line | None = opener()

    @property
    def byte_s(self) -> float:
        """Seconds that a byte takes on the line, 0 where unknown."""
        return self._line.byte_s if self._line else 0.0

    def close(self) -> None:
        """Close the line."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def next_seq(self) -> int:
        """Return a sequence number that was not used for the last 65,535 frames."""
        self._seq = (self._seq + 1) & 0xFFFF
        return self._seq

    def doubt(self) -> None:
        """Note that the device may hold half a frame: the next one starts with a 0x00 of its own."""
        self._clean = False

    def send(self, frames: list[Frame]) -> None:
        """Send one window: every frame but the last is marked MORE.

        Raises:
            LineLost: the line is gone.
        """
        window = [Frame(f.type | MORE, f.seq, f.build, f.payload) for f in frames[:-1]] + frames[-1:]
        data = b"".join(map(framing.encode, window))
        if not self._clean:
            data = framing.DELIMITER + data
        if self._trace:
            for sent in window:
                self._trace(">", sent)
        self._live().write(data, _WRITE_S)
        self._clean = True
        self.counters.line_bytes += len(data)

    def receive(self, until: float) -> Frame | None:
        """Return the next whole reply, or None when the clock reaches `until`.

        Raises:
            LineLost: the line is gone.
        """
        while not self._arrived:
            left_s = until - self.clock()
            data = self._live().read(max(left_s, 0.0))
            self.counters.line_bytes += len(data)
            self.received_bytes += len(data)
            for outcome in self._decoder.feed(data):
                self._sort(outcome)
            if not self._arrived and left_s <= 0:
                return None
        return self._arrived.popleft()

    def hello(self, within_s: float | None = None) -> Hello:
        """Ask the board who it is, until it answers.

        Raises:
            DeviceError: no answer within `within_s` (default: the connect deadline), or twice that where at least some
                bytes came, as on a bad line; or one that cannot be read.
            WrongImage: a build is expected and another one answers.
            LineLost: the line is gone.
        """
        began = self.clock()
        until = began + (self.deadlines.connect_s if within_s is None else within_s)
        heard_before, wait_s = self.received_bytes, _HELLO_FIRST_S + self.byte_s * _HELLO_BYTES
        asked: set[int] = set()
        while True:
            asked.add(self.next_seq())
            self.doubt()
            self.send([Frame(Type.HELLO, self._seq, self.build)])
            reply = self._reply_to(asked, self.clock() + wait_s)
            if reply is not None:
                return self.read_hello(reply)
            wait_s = min(wait_s * 1.2, max(wait_s, _HELLO_LAST_S))
            heard = self.received_bytes > heard_before
            if self.clock() >= until + (heard * (until - began)):
                raise self._silence(self.clock() - began, heard)

    def read_hello(self, reply: Frame) -> Hello:
        """Return what a HELLO's reply says.

        Raises:
            WrongImage: a build is expected and another one answers.
            DeviceError: it refuses, or cannot be read.
        """
        self.check(reply)
        try:
            self.last_hello = Hello.unpack(reply.payload)
            return self.last_hello
        except MessageError as error:
            raise DeviceError(f"{error}.", "Build and flash with this axedge.") from None

    def check(self, reply: Frame) -> None:
        """Refuse a reply from another image than the expected one, and a reply that is an error.

        Raises:
            WrongImage: another image answers.
            DeviceError: the board refuses the request.
        """
        refusal = None
        if reply.type == Type.ERROR:
            try:
                refusal = ErrorReply.unpack(reply.payload)
            except MessageError as error:
                raise DeviceError(f"{error}.", "Build and flash with this axedge.") from None
        if self.build and (reply.build != self.build or (refusal and refusal.name.endswith("WRONG_IMAGE"))):
            other = f"...{reply.build:08x}" if refusal is None else f"{refusal.detail:016x}"
            raise WrongImage(
                f"the board now runs another image: build {other}, not ...{self.build:08x}.",
                "Run `axedge flash` again.",
            )
        if refusal:
            raise DeviceError(
                f"the board refused a request: {refusal.text} ({refusal.name}, detail {refusal.detail}).",
                _REMEDY.get(refusal.name, "Build and flash again; if it stays, run with --trace."),
            )

    def reopen(self, lost: LineLost) -> None:
        """Open the line anew after it was lost, and make sure that the same image answers.

        Raises:
            LineLost: it did not come back within the idle deadline.
            WrongImage: it came back with another image.
        """
        self.close()
        until = self.clock() + self.deadlines.idle_s
        while self.clock() < until:
            self._sleep(_REOPEN_EVERY_S)
            try:
                self._line = self._opener()
                self._decoder, self._arrived = Decoder(), deque()
                self.hello(min(self.deadlines.connect_s, max(until - self.clock(), 0.0)))
            except WrongImage:
                raise
            except (PortError, DeviceError):
                self.close()
                continue
            self.counters.reopened += 1
            return
        raise lost

    def _reply_to(self, asked: set[int], until: float) -> Frame | None:
        while (reply := self.receive(until)) is not None:
            if reply.seq in asked and reply.type in (Type.HELLO | REPLY, Type.ERROR):
                return reply
            self.counters.stale += 1
        return None

    def _sort(self, outcome: Frame | FrameError) -> None:
        if self._trace:
            self._trace("<", outcome)
        if isinstance(outcome, FrameError):
            self.counters.crc_errors += 1
        elif outcome.type in REPLIES:
            self._arrived.append(outcome)
        else:
            self.counters.stale += 1

    def _live(self) -> Line:
        if self._line is None:
            raise LineLost("the port is closed.")
        return self._line

    def _silence(self, waited_s: float, heard: bool) -> DeviceError:
        if heard:
            return DeviceError(
                f"the board sends bytes, but no answer to HELLO within {waited_s:.0f} s.",
                "Another firmware, or another baud rate? Flash it with `axedge flash`.",
            )
        return DeviceError(
            f"the board did not answer within {waited_s:.0f} s.",
            "Is it powered and flashed (`axedge flash`), and is this its port (`axedge ports --probe`)?",
        )
