"""What stands in a frame's payload: HELLO, RUN, VECTORS and ERROR, as docs/protocol.md lays them out.

Batches are numpy structured arrays over the payload's bytes, so that a sample costs no Python object.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from axedge.host.error_codes import error_table

PROTOCOL = 2
MODEL_HASH_DIGITS = 16


class MessageError(ValueError):
    """A payload of the wrong length or content, although its CRC was right."""


class Type(IntEnum):
    """Message types, without their MORE and REPLY bits; ERROR is a reply only."""

    HELLO = 0x01
    RUN = 0x02
    VECTORS = 0x03
    ERROR = 0xFF


class Mode(IntEnum):
    """What RUN does with each input."""

    GATED = 0
    APPROXIMATE = 1
    EXACT = 2
    BOTH = 3


class Path(IntEnum):
    """Which way a sample took."""

    APPROXIMATED = 0
    UNSAFE = 1
    OUT_OF_DOMAIN = 2


ENGINES = ("aot", "tflm", "none")
TICK_SOURCES = ("none", "DWT cycle counter", "SysTick", "timer", "mcycle", "host clock")
RESET_CAUSES = ("unknown", "power-on", "pin", "software", "watchdog", "fault")

_HELLO = struct.Struct("<8B2I2H2Qi2f7I")


@dataclass(frozen=True)
class Hello:
    """A board's answer to HELLO.

    Attributes:
        protocol: version of the wire, 2.
        engine: index into ENGINES.
        activation_bits: 8 or 16.
        inputs: numbers a sample takes.
        outputs: numbers a sample gives.
        has_exact: whether the image holds the exact kernel.
        tick_source: index into TICK_SOURCES.
        reset_cause: index into RESET_CAUSES.
        tick_hz: ticks a second.
        tick_overhead: ticks that an empty call costs; not yet subtracted from a RUN's ticks.
        frame_max: largest frame on the line, its 0x00 included, either way, in bytes.
        credit: bytes of frames that may be under way to the device at once.
        model_hash: of the .tflite, 64 bits.
        build_id: of the image, 64 bits.
        threshold: smallest logit code that lets the network be used.
        eps: promised violation rate, 0 without a guarantee.
        delta: 1 - confidence of the promise, 0 without a guarantee.
        calibration_count: inputs that the promise was calibrated on, 0 without a guarantee.
        flash_bytes: the image's read-only size.
        ram_bytes: the image's static RAM, stack excluded.
        stack_bytes: room for the stack.
        stack_peak_bytes: most of it used since the reset.
        arena_bytes: TensorFlow Lite Micro's arena, 0 for generated C.
        bad_frames: frames that the device dropped since its reset.
        board: the board's name.
        kernel: the kernel's name.
    """

    protocol: int
    engine: int
    activation_bits: int
    inputs: int
    outputs: int
    has_exact: bool
    tick_source: int
    reset_cause: int
    tick_hz: int
    tick_overhead: int
    frame_max: int
    credit: int
    model_hash: int
    build_id: int
    threshold: int
    eps: float
    delta: float
    calibration_count: int
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int
    stack_peak_bytes: int
    arena_bytes: int
    bad_frames: int
    board: str
    kernel: str

    @property
    def build_low(self) -> int:
        """The low 32 bits of the build id, as frames carry them."""
        return self.build_id & 0xFFFFFFFF

    @property
    def model_hash_hex(self) -> str:
        """The model hash as every json writes it."""
        return f"{self.model_hash:016x}"

    @property
    def build_id_hex(self) -> str:
        """The build id as every json writes it."""
        return f"{self.build_id:016x}"

    @property
    def engine_name(self) -> str:
        """The engine in words."""
        return _named(ENGINES, self.engine, "engine")

    @property
    def tick_source_name(self) -> str:
        """The tick source in words."""
        return _named(TICK_SOURCES, self.tick_source, "source")

    @property
    def reset_cause_name(self) -> str:
        """The reset cause in words."""
        return _named(RESET_CAUSES, self.reset_cause, "cause")

    @property
    def has_crashed(self) -> bool:
        """Whether a fault or a watchdog made the last reset."""
        return self.reset_cause_name in ("fault", "watchdog")

    def pack(self) -> bytes:
        """Return the reply's payload."""
        numbers = [getattr(self, name) for name in _HELLO_FIELDS]
        names = (text.encode() for text in (self.board, self.kernel))
        return _HELLO.pack(*numbers) + b"".join(bytes([len(name)]) + name for name in names)

    @classmethod
    def unpack(cls, payload: bytes) -> Hello:
        """Return the reply held by `payload`.

        Raises:
            MessageError: it is too short, too long, of another protocol version, or nonsense.
        """
        if payload and payload[0] != PROTOCOL:
            raise MessageError(f"the board speaks version {payload[0]} of the wire, this axedge version {PROTOCOL}")
        try:
            numbers = dict(zip(_HELLO_FIELDS, _HELLO.unpack_from(payload), strict=True))
            board, rest = _take_text(payload[_HELLO.size :])
            kernel, rest = _take_text(rest)
        except (struct.error, IndexError, UnicodeDecodeError):
            raise MessageError(f"a HELLO of {len(payload)} bytes cannot be read") from None
        if rest:
            raise MessageError(f"a HELLO has {len(rest)} bytes too many")
        numbers["has_exact"] = bool(numbers["has_exact"])
        hello = cls(**numbers, board=board, kernel=kernel)
        hello._refuse_nonsense()
        return hello

    def _refuse_nonsense(self) -> None:
        """Raise MessageError where a value is none that a board can have: the rest of the host relies on it."""
        if not (self.inputs and self.outputs and self.tick_hz and self.activation_bits in (8, 16)):
            raise MessageError("a HELLO tells no network: no inputs, outputs or tick rate, or codes of an odd width")
        if not 0 < self.frame_max <= self.credit:
            raise MessageError(f"a HELLO tells frames of {self.frame_max} bytes and a credit of {self.credit}")
        if not (self.board + self.kernel).isprintable():
            raise MessageError("a HELLO tells names that are no text")


_HELLO_FIELDS = tuple(name for name in Hello.__dataclass_fields__ if name not in ("board", "kernel"))


def _take_text(data: bytes) -> tuple[str, bytes]:
    length = data[0]
    if len(data) < 1 + length:
        raise IndexError
    return data[1 : 1 + length].decode(), data[1 + length :]


def _named(names: tuple[str, ...], index: int, what: str) -> str:
    return names[index] if index < len(names) else f"{what} {index}"


# RUN ------------------------------------------------------------------------------------------------------------------

RUN_HEADER_BYTES = 2


def run_request(mode: Mode, x: NDArray[np.float32]) -> bytes:
    """Return RUN's payload for inputs of shape (count, inputs), count at most 255."""
    return bytes([mode, len(x)]) + np.ascontiguousarray(x, "<f4").tobytes()


def record_dtype(mode: Mode, outputs: int) -> np.dtype:
    """Return the layout of one record of a RUN reply."""
    answer = ("<f4", (outputs,))
    if mode == Mode.BOTH:
        fields = [
            ("path", "u1"),
            ("ticks_approximate", "<u4"),
            ("ticks_exact", "<u4"),
            ("approximate", *answer),
            ("exact", *answer),
        ]
    else:
        fields = [("path", "u1"), ("ticks", "<u4"), ("outputs", *answer)]
    return np.dtype(fields)


def run_reply(mode: Mode, records: NDArray[np.void]) -> bytes:
    """Return the payload of a RUN reply, from records of `record_dtype`."""
    return bytes([mode, len(records)]) + records.tobytes()


def parse_run_reply(payload: bytes, mode: Mode, count: int, layout: np.dtype) -> NDArray[np.void]:
    """Return the records of a RUN reply, shape (count,).

    Raises:
        MessageError: it answers another mode or count, has the wrong length, or an unknown path.
    """
    head = bytes([mode, count])
    if payload[:RUN_HEADER_BYTES] != head or len(payload) != RUN_HEADER_BYTES + count * layout.itemsize:
        raise MessageError(
            f"a RUN of {count} samples was answered with {len(payload)} bytes {payload[:2].hex(' ')} ..."
        )
    records = np.frombuffer(payload, layout, offset=RUN_HEADER_BYTES)
    if records["path"].max(initial=0) > max(Path):
        raise MessageError(f"a RUN was answered with the unknown path {records['path'].max()}")
    return records


# VECTORS --------------------------------------------------------------------------------------------------------------

VECTORS_HEADER_BYTES = 1


def code_dtype(activation_bits: int) -> np.dtype:
    """Return the type of one code."""
    return np.dtype("<i2" if activation_bits == 16 else "i1")


def vectors_request(codes: NDArray[np.integer], activation_bits: int) -> bytes:
    """Return VECTORS' payload for codes of shape (count, inputs), count at most 255."""
    return bytes([len(codes)]) + np.ascontiguousarray(codes, code_dtype(activation_bits)).tobytes()


def vector_dtype(activation_bits: int, outputs: int) -> np.dtype:
    """Return the layout of one record of a VECTORS reply."""
    code = code_dtype(activation_bits)
    return np.dtype([("answer", code, (outputs,)), ("logit", code)])


def vectors_reply(records: NDArray[np.void]) -> bytes:
    """Return the payload of a VECTORS reply, from records of `vector_dtype`."""
    return bytes([len(records)]) + records.tobytes()


def parse_vectors_reply(payload: bytes, count: int, layout: np.dtype) -> NDArray[np.void]:
    """Return the records of a VECTORS reply, shape (count,).

    Raises:
        MessageError: it answers another count or has the wrong length.
    """
    if payload[:1] != bytes([count]) or len(payload) != VECTORS_HEADER_BYTES + count * layout.itemsize:
        raise MessageError(f"{count} vectors were answered with {len(payload)} bytes")
    return np.frombuffer(payload, layout, offset=VECTORS_HEADER_BYTES)


# ERROR ----------------------------------------------------------------------------------------------------------------

_ERROR = struct.Struct("<BBQ")


@dataclass(frozen=True)
class ErrorReply:
    """A board's refusal.

    Attributes:
        code: as in axe_errors.def.
        request: type of the request that was refused.
        detail: what the code says about it; for WRONG_IMAGE the device's build id.
    """

    code: int
    request: int
    detail: int = 0

    @property
    def name(self) -> str:
        """The code's name, such as WRONG_IMAGE."""
        return error_table().get(self.code, (f"ERROR {self.code}", ""))[0]

    @property
    def text(self) -> str:
        """What the code means."""
        return error_table().get(self.code, ("", "an error that this axedge does not know"))[1]

    def pack(self) -> bytes:
        """Return the reply's payload."""
        return _ERROR.pack(self.code, self.request, self.detail)

    @classmethod
    def unpack(cls, payload: bytes) -> ErrorReply:
        """Return the refusal held by `payload`.

        Raises:
            MessageError: it has the wrong length.
        """
        if len(payload) != _ERROR.size:
            raise MessageError(f"an ERROR of {len(payload)} bytes cannot be read")
        return cls(*_ERROR.unpack(payload))
