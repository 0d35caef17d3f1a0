"""What an emulated board holds in its memory: the image that `axedge flash` put there and `axedge bench` powers on."""

from __future__ import annotations

from typing import ClassVar

from axedge.artifacts.records.base import Record


class EmulatedBoard(Record):
    """state.json, beside the image; `inputs_digest` is the image's SHA-256.

    Attributes:
        board: name of the board.
        kernel: name of the kernel.
        model_hash: 16 hex digits.
        build_id: 16 hex digits.
        image: the image's file name.
    """

    VERB: ClassVar[str] = "flash"
    FILE: ClassVar[str] = "state.json"

    board: str
    kernel: str
    model_hash: str
    build_id: str
    image: str
