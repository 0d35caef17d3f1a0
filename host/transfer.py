"""Many samples through a link: windows of frames up to the device's credit, until every sample is answered once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from axedge.artifacts.errors import DeviceError
from axedge.artifacts.progress import Progress, silent
from axedge.host.frame import OVERHEAD_BYTES, REPLY, Frame, encoded_bytes, payload_room
from axedge.host.link import Link
from axedge.host.messages import Hello, MessageError, Type
from axedge.host.port_errors import LineLost
from axedge.host.timing import LossEstimate, Patience

MOST_SAMPLES = 255
"""A request's count is one byte."""
_KICK_BYTES = encoded_bytes(0)
_LEAST_WINDOW_BYTES = 64
_REMEMBERED = 512
"""Requests given up whose late replies are still taken."""
_FRAMING_BYTES = 2 * (OVERHEAD_BYTES + 2)


class Job(Protocol):
    """Items 0..count-1 that are asked for and answered in slices.

    Attributes:
        type: request type.
        request_bytes: payload of a request: (fixed, for each item).
        reply_bytes: payload of its reply: (fixed, for each item).
    """

    type: Type
    request_bytes: tuple[int, int]
    reply_bytes: tuple[int, int]

    def open_slices(self) -> Iterable[tuple[int, int]]:
        """Return the half-open ranges of items that are not answered yet."""

    def name(self, item: int) -> str:
        """Return what a user calls an item."""

    def request(self, start: int, stop: int) -> bytes:
        """Return the payload that asks for items start..stop-1."""

    def accept(self, start: int, stop: int, payload: bytes) -> None:
        """Store the answers.

        Raises:
            MessageError: the payload is no answer to this request.
        """


@dataclass(frozen=True, slots=True)
class _Flight:
    """A request under way: its items, its payload's bytes, when it was sent, whether no other was under way with it."""

    start: int
    stop: int
    payload_bytes: int
    sent_at: float
    is_alone: bool = False


class Pace:
    """What was learnt about a board and its line; later transfers of the same kind start from there.

    Attributes:
        patience: how long replies take.
        loss: how often frames are lost.
        growing: samples that a frame may hold so far: 1 at first, doubled whenever that many came back, halved when the
            board was reset.
        window_bytes: of frames that are sent at once: the credit at first, halved when a window's end is lost, doubled
            when one was answered.
    """

    def __init__(self, link: Link, credit: int) -> None:
        self.patience = Patience(link.deadlines, link.byte_s)
        self.loss = LossEstimate()
        self.growing = 1
        self.window_bytes = credit

    def start_smaller(self) -> None:
        """Ask for one frame, and half as many samples: if one of them crashes the board, the others get through."""
        self.growing = max(self.growing // 2, 1)
        self.window_bytes = _LEAST_WINDOW_BYTES


class Transfer:
    """Carries one job through a link."""

    def __init__(
        self,
        link: Link,
        hello: Hello,
        job: Job,
        *,
        pace: Pace | None = None,
        overall_s: float | None = None,
        progress: Progress = silent,
    ) -> None:
        """Prepare; `run` does the work.

        Args:
            link: to the board whose HELLO is `hello`.
            hello: tells frame size and credit.
            job: what to ask.
            pace: what earlier transfers of such jobs learnt.
            overall_s: give up after this many seconds; default by the number of items.
            progress: told the answered and all items.
        """
        self._link, self._job, self._progress = link, job, progress
        self._todo: deque[tuple[int, int]] = deque(job.open_slices())
        self._total = sum(stop - start for start, stop in self._todo)
        self._answered = 0
        self._given_up: dict[int, _Flight] = {}
        self._todo_is_stale = False
        line_s = 2 * link.byte_s * (job.request_bytes[1] + job.reply_bytes[1])
        self._overall_s = 120 + (0.2 + line_s) * self._total if overall_s is None else overall_s
        self._frame_max, self._credit = min(hello.frame_max, hello.credit - 1), hello.credit
        self._room = self._largest_count()
        self._pace = pace or Pace(link, hello.credit)
        self._began = self._progressed = link.clock()
        self._bytes_then = link.received_bytes

    def run(self) -> None:
        """Ask until every item is answered; what was answered before an error stays in the job.

        Raises:
            DeviceError: the board refuses, falls silent, or the overall deadline passed.
            WrongImage: it came back with another image.
            PortError: the port went away and did not return.
        """
        while self._todo:
            self._check_deadlines()
            flights = self._next_window()
            try:
                self._carry(flights)
            except LineLost as lost:
                self._link.reopen(lost)
                self._pace.start_smaller()
            self._give_up(flights)
            self._progress(self._answered, self._total, self._rate())

    # sizes ------------------------------------------------------------------------------------------------------------

    def _largest_count(self) -> int:
        """Return how many items fit into a frame, both ways."""
        room = payload_room(self._frame_max)
        counts = [(room - fixed) // each for fixed, each in (self._job.request_bytes, self._job.reply_bytes)]
        count = min(*counts, MOST_SAMPLES)
        if count < 1:
            raise DeviceError(
                f"one sample does not fit into the board's frames of {self._frame_max} bytes.",
                "Build with a larger frame.",
            )
        return count

    def _count(self) -> int:
        """Return how many items to put into the next frame: by room, loss, the board's pace, and a slow start."""
        each = self._job.request_bytes[1] + self._job.reply_bytes[1]
        fixed = self._job.request_bytes[0] + self._job.reply_bytes[0] + _FRAMING_BYTES
        count = min(self._pace.loss.best_count(each, fixed, self._room), self._pace.growing)
        if self._pace.patience.sample_s:
            count = min(count, max(1, int(self._link.deadlines.frame_s / self._pace.patience.sample_s)))
        return count

    def _next_window(self) -> dict[int, _Flight]:
        """Take the next requests off the list, together no larger than the credit."""
        count, fixed, each = self._count(), *self._job.request_bytes
        budget = min(self._pace.window_bytes, self._credit - 1 - _KICK_BYTES)
        flights: dict[int, _Flight] = {}
        while self._todo:
            start, stop = self._todo[0]
            taken = min(count, stop - start)
            size = fixed + taken * each
            if flights and encoded_bytes(size) > budget:
                break
            budget -= encoded_bytes(size)
            self._todo.popleft()
            if start + taken < stop:
                self._todo.appendleft((start + taken, stop))
            flights[self._link.next_seq()] = _Flight(start, start + taken, size, self._link.clock())
            if count == self._pace.growing < self._room:
                break  # still finding out what the board can take
        if len(flights) == 1:
            flights = {seq: replace(flight, is_alone=True) for seq, flight in flights.items()}
        return flights

    # one window -------------------------------------------------------------------------------------------------------

    def _carry(self, flights: dict[int, _Flight]) -> None:
        """Send a window and take its replies; what stays in `flights` was not answered."""
        link, job = self._link, self._job
        link.send(
            [
                Frame(job.type, seq, link.build, job.request(flight.start, flight.stop))
                for seq, flight in flights.items()
            ]
        )
        link.counters.requests += len(flights)
        last, is_alone = next(reversed(flights)), len(flights) == 1
        kick, heard = 0, False
        asked, bytes_before = link.clock(), link.received_bytes
        ahead = sum(encoded_bytes(flight.payload_bytes) for flight in flights.values())
        while flights:
            self._check_deadlines()
            reply = link.receive(asked + self._wait_s(flights, ahead, alone=is_alone))
            if reply is None:
                link.doubt()
                self._pace.patience.quiet(heard=link.received_bytes > bytes_before)
                if heard or is_alone:
                    return
                self._pace.window_bytes = max(self._pace.window_bytes // 2, _LEAST_WINDOW_BYTES)
                kick, ahead = self._kick(), _KICK_BYTES
                asked, bytes_before = link.clock(), link.received_bytes
            elif reply.seq in flights and reply.type in (job.type | REPLY, Type.ERROR):
                gap_s = None if kick else link.clock() - asked
                self._take(flights.pop(reply.seq), reply, gap_s, ahead)
                heard, ahead, asked = True, 0, link.clock()
                if reply.seq == last:
                    self._pace.window_bytes = min(2 * self._pace.window_bytes, self._credit)
                    return
            elif reply.seq == kick and reply.type in (Type.HELLO | REPLY, Type.ERROR):
                if link.read_hello(reply).has_crashed:
                    self._pace.start_smaller()
                return
            elif reply.seq in self._given_up and reply.type == job.type | REPLY:
                self._take_late(self._given_up.pop(reply.seq), reply)
            else:
                link.counters.stale += 1

    def _wait_s(self, flights: dict[int, _Flight], ahead_bytes: int, *, alone: bool) -> float:
        """Return how long the next reply may take, `ahead_bytes` being still on their way to the board."""
        samples = max(flight.stop - flight.start for flight in flights.values())
        fixed, each = self._job.reply_bytes
        return self._pace.patience.limit_s(ahead_bytes + encoded_bytes(fixed + samples * each), alone=alone)

    def _kick(self) -> int:
        """Send a HELLO: a board that waits for the lost end of a window starts on what it has; return its number."""
        seq = self._link.next_seq()
        self._link.counters.retries += 1
        self._link.send([Frame(Type.HELLO, seq, self._link.build)])
        return seq

    def _take(self, flight: _Flight, reply: Frame, gap_s: float | None, ahead_bytes: int) -> None:
        """Take a reply; `gap_s` after the one before it, or None where that says nothing about the board's pace."""
        self._accept(flight, reply)
        count = flight.stop - flight.start
        reply_bytes = encoded_bytes(len(reply.payload))
        self._answered += count
        if gap_s is not None:
            self._pace.patience.heard(gap_s, ahead_bytes + reply_bytes, count)
        self._pace.loss.frame(encoded_bytes(flight.payload_bytes) + reply_bytes, lost=False)
        if count >= self._pace.growing:
            self._pace.growing = min(2 * self._pace.growing, self._room)

    def _take_late(self, flight: _Flight, reply: Frame) -> None:
        """Take the reply to a request that was given up: the board is slower than was thought."""
        self._accept(flight, reply)
        self._link.counters.late += 1
        if flight.is_alone:
            line_bytes = encoded_bytes(flight.payload_bytes) + encoded_bytes(len(reply.payload))
            self._pace.patience.heard(self._link.clock() - flight.sent_at, line_bytes, flight.stop - flight.start)
        self._todo_is_stale = True

    def _accept(self, flight: _Flight, reply: Frame) -> None:
        self._link.check(reply)
        try:
            self._job.accept(flight.start, flight.stop, reply.payload)
        except MessageError as error:
            raise DeviceError(f"{error}.", "Build and flash with this axedge; --trace shows the frames.") from None
        self._link.counters.payload_bytes += flight.payload_bytes + len(reply.payload)
        self._progressed, self._bytes_then = self._link.clock(), self._link.received_bytes

    def _give_up(self, lost: dict[int, _Flight]) -> None:
        """Note that requests were not answered in time, and see what is still to be asked."""
        fixed, each = self._job.reply_bytes
        for flight in lost.values():
            reply_bytes = fixed + (flight.stop - flight.start) * each
            self._pace.loss.frame(encoded_bytes(flight.payload_bytes) + encoded_bytes(reply_bytes), lost=True)
        self._link.counters.retries += len(lost)
        self._given_up |= lost
        for seq in list(self._given_up)[:-_REMEMBERED]:
            del self._given_up[seq]
        if lost or self._todo_is_stale:
            self._todo = deque(self._job.open_slices())
            self._answered = self._total - sum(stop - start for start, stop in self._todo)
            self._todo_is_stale = False

    # ends -------------------------------------------------------------------------------------------------------------

    def _check_deadlines(self) -> None:
        now, deadlines = self._link.clock(), self._link.deadlines
        silent_s = now - self._progressed
        noisy = self._link.received_bytes > self._bytes_then
        if silent_s > (deadlines.noisy_s if noisy and not self._crash() else deadlines.idle_s):
            raise self._stopped(silent_s, noisy)
        if now - self._began > self._overall_s:
            raise DeviceError(
                f"the board is too slow: {self._where()} the limit of {self._overall_s:.0f} s is reached.",
                "Use fewer --samples, or `--resume` to go on from here.",
            )

    def _where(self) -> str:
        return f"after {self._answered} of {self._total} samples"

    def _crash(self) -> str:
        """Return the cause if the board's last words were that it crashed, else nothing."""
        hello = self._link.last_hello
        return hello.reset_cause_name if hello and hello.has_crashed else ""

    def _stopped(self, silent_s: float, noisy: bool) -> DeviceError:
        what = f"the board stopped answering {self._where()}; {silent_s:.0f} s without a reply"
        if cause := self._crash():
            first = min(start for start, _ in self._job.open_slices())
            return DeviceError(
                f"{what}, and its last reset was by a {cause}.",
                f"Does the function crash, or never end, on {self._job.name(first)} or on one soon after?",
            )
        if noisy:
            hint = "Bytes do come: is the line bad, or does each request reset the board? `--resume` goes on from here."
        else:
            hint = "Is the cable loose, or did the board reset? `--resume` goes on from here."
        return DeviceError(f"{what}.", hint)

    def _rate(self) -> str:
        seconds = self._link.clock() - self._began
        return f"{self._answered / seconds:,.0f} samples/s" if seconds > 0 else ""
