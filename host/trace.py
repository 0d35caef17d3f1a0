"""Every frame in words, one line each: what `--trace` writes."""

from __future__ import annotations

import time
from typing import TextIO

from axedge.host.frame import MORE, REPLY, Frame, FrameError
from axedge.host.link import Trace
from axedge.host.messages import ErrorReply, Hello, MessageError, Mode, Type


def describe(frame: Frame | FrameError) -> str:
    """Return one line that says what a frame holds, without its direction."""
    if isinstance(frame, FrameError):
        return f"damaged ({frame.kind})"
    head = f"{type_name(frame.type):14} seq {frame.seq:5} build {frame.build:08x}"
    return f"{head} {len(frame.payload):5} B  {_content(frame)}".rstrip()


def type_name(kind: int) -> str:
    """Return a type's name with its bits: RUN, RUN+more, RUN reply, ERROR, or type 0x07."""
    if kind == Type.ERROR:
        return "ERROR"
    base = kind & ~MORE & ~REPLY
    name = Type(base).name if base in set(Type) else f"type 0x{base:02x}"
    return name + ("+more" if kind & MORE else "") + (" reply" if kind & REPLY else "")


def _content(frame: Frame) -> str:
    payload, base = frame.payload, frame.type & ~MORE & ~REPLY
    try:
        if frame.type == Type.ERROR:
            refusal = ErrorReply.unpack(payload)
            return f"{refusal.name}: {refusal.text}; detail {refusal.detail:#x}"
        if frame.type == Type.HELLO | REPLY:
            hello = Hello.unpack(payload)
            return (
                f"{hello.board} runs {hello.kernel}, model {hello.model_hash_hex}, build {hello.build_id_hex}, "
                f"reset by {hello.reset_cause_name}, {hello.bad_frames} bad frames"
            )
        if base == Type.RUN:
            return f"{Mode(payload[0]).name.lower()}, {payload[1]} samples"
        if base == Type.VECTORS:
            return f"{payload[0]} vectors"
    except (MessageError, ValueError, IndexError):
        return f"unreadable: {payload[:16].hex(' ')}"
    return payload[:16].hex(" ")


def tracer(to: TextIO) -> Trace:
    """Return a trace that writes seconds since now, direction and frame, one line each, to `to`."""
    began = time.monotonic()

    def trace(direction: str, frame: Frame | FrameError) -> None:
        to.write(f"{time.monotonic() - began:10.6f} {direction} {describe(frame)}\n")

    return trace
