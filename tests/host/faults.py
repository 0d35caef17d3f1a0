"""Faults on a line, seeded: a stream of bytes goes in, pieces with a delay each come out."""

from collections.abc import Callable

import numpy as np

Pieces = list[tuple[float, bytes]]
"""(seconds to wait before it, bytes), in order."""

Fault = Callable[[np.random.Generator, float, bytes], Pieces]


def _hits(rng: np.random.Generator, rate: float, data: bytes) -> np.ndarray:
    return np.flatnonzero(rng.random(len(data)) < rate)


def flip(rng, rate, data):
    """One bit of a byte changes."""
    changed = np.frombuffer(data, np.uint8).copy()
    hits = _hits(rng, rate, data)
    changed[hits] ^= (1 << rng.integers(0, 8, len(hits))).astype(np.uint8)
    return [(0.0, changed.tobytes())]


def lose(rng, rate, data):
    """A byte is lost."""
    return [(0.0, np.delete(np.frombuffer(data, np.uint8), _hits(rng, rate, data)).tobytes())]


def double(rng, rate, data):
    """A byte comes twice."""
    hits = _hits(rng, rate, data)
    stream = np.frombuffer(data, np.uint8)
    return [(0.0, np.insert(stream, hits, stream[hits]).tobytes())]


def delay(rng, rate, data):
    """Everything from a byte on comes late: by 5 ms on average, at most 0.3 s."""
    edges = [0, *_hits(rng, rate, data).tolist(), len(data)]
    late = [0.0, *np.minimum(rng.exponential(0.005, len(edges) - 2), 0.3)]
    return [(wait, data[a:b]) for wait, a, b in zip(late, edges, edges[1:], strict=False)]


def burst(rng, rate, data):
    """Noise replaces up to 64 bytes."""
    changed = np.frombuffer(data, np.uint8).copy()
    for start in _hits(rng, rate / 8, data):
        length = min(int(rng.integers(1, 65)), len(data) - start)
        changed[start : start + length] = rng.integers(0, 256, length, np.uint8)
    return [(0.0, changed.tobytes())]


def half(rng, rate, data):
    """The rest of what was written is cut off."""
    hits = _hits(rng, rate / 8, data)
    return [(0.0, data[: hits[0]] if len(hits) else data)]


def chatter(rng, rate, data):
    """Bytes that nobody sent stand between the others, 0x00 among them."""
    hits = _hits(rng, rate, data)
    stream = np.frombuffer(data, np.uint8)
    return [(0.0, np.insert(stream, hits, rng.integers(0, 256, len(hits), np.uint8)).tobytes())]


def everything(rng, rate, data):
    """All of them, one after the other."""
    pieces = [(0.0, data)]
    for fault in (flip, lose, double, burst, half, chatter, delay):
        pieces = [
            (wait if index == 0 else extra, part)
            for wait, piece in pieces
            for index, (extra, part) in enumerate(fault(rng, rate / 7, piece))
        ]
    return pieces


FAULTS: dict[str, Fault] = {f.__name__: f for f in (flip, lose, double, delay, burst, half, chatter, everything)}


class Injector:
    """One direction of a bad line."""

    def __init__(self, fault: str | None = None, rate: float = 0.0, seed: int = 0) -> None:
        self._fault, self._rate = FAULTS.get(fault or ""), rate
        self._rng = np.random.default_rng(seed)

    def __call__(self, data: bytes) -> Pieces:
        if self._fault is None or not data:
            return [(0.0, data)]
        return self._fault(self._rng, self._rate, data)
