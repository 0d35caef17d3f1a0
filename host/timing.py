"""How long to wait for a reply, and how large a frame to send: both learnt from the line, both pure arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass

_BACKOFF, _LONGEST_BACKOFF = 1.5, 8.0


@dataclass(frozen=True)
class Deadlines:
    """The waits of a link, in seconds; every one ends.

    Attributes:
        connect_s: for a board to answer the first HELLO (it may still be booting).
        idle_s: without one newly answered sample and in silence, before the board is given up.
        noisy_s: the same where bytes do come, but no answers: a bad line may yet let one through.
        first_s: for the first reply, when nothing is known about the board's speed.
        floor_s: a reply is never waited for less long than this (USB adapters hold bytes back for 16 ms).
        frame_s: samples are put into one frame only as far as the board needs no longer for it.
    """

    connect_s: float = 5.0
    idle_s: float = 10.0
    noisy_s: float = 30.0
    first_s: float = 0.5
    floor_s: float = 0.1
    frame_s: float = 0.5


class Patience:
    """Tells how long to wait for a reply, from how long earlier ones took: mean and deviation, as TCP does.

    Jacobson, "Congestion avoidance and control", SIGCOMM 1988; here for each byte that goes over the line, request and
    reply, since frames differ in size. What the board computes is in it too: its work grows with the bytes.
    """

    def __init__(self, deadlines: Deadlines, byte_s: float = 0.0) -> None:
        """Start without knowledge; `byte_s` is the time that a byte needs on the line at least."""
        self._deadlines = deadlines
        self._byte_s = byte_s
        self._mean_s: float | None = None
        self._deviation_s = 0.0
        self._sample_s = 0.0
        self._backoff = 1.0

    @property
    def sample_s(self) -> float:
        """Seconds from reply to reply for each sample, 0 while unknown."""
        return self._sample_s

    def heard(self, gap_s: float, line_bytes: int, samples: int) -> None:
        """Learn from a reply to `samples` that came `gap_s` after the one before it, or after the request.

        Args:
            gap_s: seconds.
            line_bytes: that went over the line meanwhile, both ways.
            samples: in the reply.
        """
        each_s = max(gap_s, 0.0) / line_bytes
        if self._mean_s is None:
            self._mean_s, self._deviation_s = each_s, each_s / 2
            self._sample_s = gap_s / samples
        else:
            self._deviation_s += (abs(each_s - self._mean_s) - self._deviation_s) / 4
            self._mean_s += (each_s - self._mean_s) / 8
            self._sample_s += (gap_s / samples - self._sample_s) / 8
        self._backoff = 1.0

    def quiet(self, *, heard: bool) -> None:
        """Learn that a wait was in vain: the next is half as long again, unless bytes showed loss."""
        if not heard:
            self._backoff = min(_BACKOFF * self._backoff, _LONGEST_BACKOFF)

    def limit_s(self, line_bytes: int, *, alone: bool = True) -> float:
        """Return how long to wait for a reply before which `line_bytes` go over the line, both ways.

        At most the idle deadline, where earlier replies let expect so much and the request is `alone`; else at most a
        third of it, so that there is time to ask again.
        """
        if self._mean_s is None:
            wait_s = self._deadlines.first_s
        else:
            wait_s = self._deadlines.floor_s + line_bytes * (self._mean_s + 4 * self._deviation_s)
        third_s = self._deadlines.idle_s / 3
        longest_s = max(third_s, min(wait_s, 3 * third_s)) if alone else third_s
        return min(wait_s * self._backoff, longest_s) + line_bytes * self._byte_s


class LossEstimate:
    """Estimates how often a byte of the line damages its frame, and which frame size then carries most."""

    MEMORY = 0.97
    """Weight that the past keeps with every frame: about the last 30 frames count."""

    def __init__(self) -> None:
        self._lost = 0.0
        self._bytes = 0.0

    def frame(self, line_bytes: int, *, lost: bool) -> None:
        """Learn the fate of a request and its reply, `line_bytes` together."""
        self._lost = self._lost * self.MEMORY + lost
        self._bytes = self._bytes * self.MEMORY + line_bytes

    @property
    def per_byte(self) -> float:
        """Losses a byte on the line, 0 to 1."""
        return min(self._lost / self._bytes, 1.0) if self._bytes else 0.0

    def best_count(self, sample_bytes: int, overhead_bytes: int, most: int) -> int:
        """Return the number of samples a frame, 1 to `most`, for the best goodput.

        With loss q a byte, n items of s bytes and h bytes of overhead, goodput is n s / (n s + h) * exp(-q (n s + h)),
        whose derivative is zero at n s = (sqrt(h^2 + 4 h / q) - h) / 2.
        """
        rate, h = self.per_byte, overhead_bytes
        if rate == 0.0:
            return most
        best = (math.sqrt(h * h + 4 * h / rate) - h) / (2 * sample_bytes)
        return max(1, min(most, round(best)))
