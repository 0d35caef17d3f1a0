"""A board as an object: who it is, and what it answers to floats and to codes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import DeviceError, UsageError
from axedge.artifacts.progress import Progress, silent
from axedge.host import messages
from axedge.host.line import BAUD, Line, SerialLine
from axedge.host.link import Counters, Link, Trace
from axedge.host.messages import Hello, Mode, Type
from axedge.host.timing import Deadlines
from axedge.host.transfer import Job, Pace, Transfer


def _open_slices(answered: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([True], answered, [True]))))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


@dataclass
class RunResult:
    """Answers to a batch of inputs; it may be partial, and be continued.

    Attributes:
        mode: what was asked.
        records: structured array, shape (samples,), as `messages.record_dtype` lays it out: `path`, `ticks` and
            `outputs`, or for mode BOTH `path`, `ticks_approximate`, `ticks_exact`, `approximate` and `exact`. Ticks are
            raw.
        answered: shape (samples,), which of them are filled in.
    """

    mode: Mode
    records: NDArray[np.void]
    answered: NDArray[np.bool_]

    @classmethod
    def empty(cls, mode: Mode, samples: int, outputs: int) -> Self:
        """Return a result that still waits for all its answers."""
        return cls(mode, np.zeros(samples, messages.record_dtype(mode, outputs)), np.zeros(samples, bool))

    def __getitem__(self, name: str) -> NDArray:
        """Return one field of the records, shape (samples,) or (samples, outputs)."""
        return self.records[name]

    @property
    def complete(self) -> bool:
        """Whether every input is answered."""
        return bool(self.answered.all())


@dataclass
class VectorsResult:
    """Answers to codes: `answer`, shape (count, outputs), and `logit`, shape (count,)."""

    records: NDArray[np.void]
    answered: NDArray[np.bool_] = field(repr=False)

    @property
    def answer(self) -> NDArray[np.integer]:
        """Codes of y', shape (count, outputs)."""
        return self.records["answer"]

    @property
    def logit(self) -> NDArray[np.integer]:
        """Codes of the safe logit, shape (count,)."""
        return self.records["logit"]


class _RunJob:
    type = Type.RUN

    def __init__(self, x: NDArray[np.float32], result: RunResult) -> None:
        self._x, self._result = x, result
        self._layout = result.records.dtype
        self.request_bytes = (messages.RUN_HEADER_BYTES, 4 * x.shape[1])
        self.reply_bytes = (messages.RUN_HEADER_BYTES, self._layout.itemsize)

    def open_slices(self) -> Iterator[tuple[int, int]]:
        return _open_slices(self._result.answered)

    def name(self, item: int) -> str:
        return f"the input {self._x[item].tolist()}"

    def request(self, start: int, stop: int) -> bytes:
        return messages.run_request(self._result.mode, self._x[start:stop])

    def accept(self, start: int, stop: int, payload: bytes) -> None:
        records = messages.parse_run_reply(payload, self._result.mode, stop - start, self._layout)
        self._result.records[start:stop] = records
        self._result.answered[start:stop] = True


class _VectorsJob:
    type = Type.VECTORS

    def __init__(self, codes: NDArray[np.integer], bits: int, result: VectorsResult) -> None:
        self._codes, self._bits, self._result = codes, bits, result
        self._layout = result.records.dtype
        self.request_bytes = (messages.VECTORS_HEADER_BYTES, codes.shape[1] * messages.code_dtype(bits).itemsize)
        self.reply_bytes = (messages.VECTORS_HEADER_BYTES, self._layout.itemsize)

    def open_slices(self) -> Iterator[tuple[int, int]]:
        return _open_slices(self._result.answered)

    def name(self, item: int) -> str:
        return f"the codes {self._codes[item].tolist()}"

    def request(self, start: int, stop: int) -> bytes:
        return messages.vectors_request(self._codes[start:stop], self._bits)

    def accept(self, start: int, stop: int, payload: bytes) -> None:
        self._result.records[start:stop] = messages.parse_vectors_reply(payload, stop - start, self._layout)
        self._result.answered[start:stop] = True


class Device:
    """A connected board, a context manager.

    Attributes:
        link: the way to it.
        hello: what it said about itself when it was connected.
    """

    def __init__(self, link: Link, *, build_id: int | None = None) -> None:
        """Ask the board who it is.

        Args:
            link: to the board; closed when the board does not answer.
            build_id: the image that must be on it, None for any.

        Raises:
            DeviceError: no answer.
            WrongImage: another image answers.
        """
        self.link = link
        self._paces: defaultdict[tuple[int, int], Pace] = defaultdict(lambda: Pace(link, self.hello.credit))
        link.build = 0 if build_id is None else build_id & 0xFFFFFFFF
        try:
            self.hello: Hello = link.hello()
        except BaseException:
            link.close()
            raise
        link.build = self.hello.build_low

    @classmethod
    def connect(
        cls,
        port: str | Callable[[], Line],
        *,
        baud: int = BAUD,
        deadlines: Deadlines | None = None,
        trace: Trace | None = None,
        build_id: int | None = None,
    ) -> Self:
        """Open `port` (a device node, a pyserial URL, or a function that opens a line) and ask the board who it is.

        Raises:
            PortError: the port cannot be opened.
            DeviceError: no answer, or from another image.
        """
        opener = (lambda: SerialLine(port, baud)) if isinstance(port, str) else port
        return cls(Link(opener, deadlines=deadlines, trace=trace), build_id=build_id)

    @property
    def counters(self) -> Counters:
        """What happened on the line so far."""
        return self.link.counters

    def run(
        self,
        x: NDArray[np.floating],
        mode: Mode = Mode.GATED,
        *,
        into: RunResult | None = None,
        overall_s: float | None = None,
        progress: Progress = silent,
    ) -> RunResult:
        """Run inputs on the board.

        Args:
            x: shape (samples, inputs); may hold NaN and infinities, which the board calls out of domain.
            mode: what to do with each.
            into: a partial result of the same inputs to complete; it holds what was answered also when this raises.
            overall_s: give up after so many seconds; default by the number of samples.
            progress: told the samples answered.

        Returns:
            The answers, complete.

        Raises:
            UsageError: x has the wrong shape.
            DeviceError: the board refuses or falls silent.
        """
        x = np.asarray(x, np.float32)
        if x.ndim != 2 or x.shape[1] != self.hello.inputs:
            raise UsageError(
                f"the board takes {self.hello.inputs} inputs a sample, received an array of shape {x.shape}."
            )
        if mode in (Mode.EXACT, Mode.BOTH) and not self.hello.has_exact:
            raise DeviceError("the board's image has no exact function to run.", "Give the kernel its C source.")
        result = RunResult.empty(mode, len(x), self.hello.outputs) if into is None else into
        if result.mode != mode or len(result.records) != len(x):
            raise UsageError("the partial result belongs to another batch of inputs.")
        self._carry(_RunJob(x, result), overall_s, progress)
        return result

    def vectors(self, codes: NDArray[np.integer], *, progress: Progress = silent) -> VectorsResult:
        """Run the bare network, without gate and float conversion, on codes of shape (count, codes).

        It takes one code an input or, in two-byte form, two; a board refuses what is not its network's.

        Raises:
            UsageError: codes has the wrong shape.
            DeviceError: the board refuses or falls silent.
        """
        codes = np.asarray(codes)
        inputs = self.hello.inputs
        if codes.ndim != 2 or codes.shape[1] not in (inputs, 2 * inputs):
            raise UsageError(f"the board takes {inputs} or {2 * inputs} codes a vector, received shape {codes.shape}.")
        layout = messages.vector_dtype(self.hello.activation_bits, self.hello.outputs)
        result = VectorsResult(np.zeros(len(codes), layout), np.zeros(len(codes), bool))
        job = _VectorsJob(codes, self.hello.activation_bits, result)
        self._carry(job, None, progress)
        return result

    def _carry(self, job: Job, overall_s: float | None, progress: Progress) -> None:
        pace = self._paces[job.type, job.reply_bytes[1]]
        Transfer(self.link, self.hello, job, pace=pace, overall_s=overall_s, progress=progress).run()

    def close(self) -> None:
        """Close the link."""
        self.link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
