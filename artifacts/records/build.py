"""What `axedge build` leaves behind: one firmware image for one board, and what it costs there."""

from __future__ import annotations

from typing import ClassVar, Literal

from axedge.artifacts.records.base import Part, Record


class Footprint(Part):
    """What the image takes of the board's memories, in bytes.

    Attributes:
        flash_bytes: whole firmware: code, constants, and initial values of variables.
        ram_bytes: whole firmware: static variables, without the stack.
        stack_bytes: see `stack_is`.
        stack_is: "reserved": room that the linker keeps free; "host": the host's, not counted.
        engine_flash_bytes: flash over the same firmware (its exact function included) without a network.
        engine_ram_bytes: static RAM over the same firmware without a network.
    """

    flash_bytes: int
    ram_bytes: int
    stack_bytes: int
    stack_is: Literal["reserved", "host"]
    engine_flash_bytes: int
    engine_ram_bytes: int


class BuildRecord(Record):
    """build.json.

    Attributes:
        kernel: name of the kernel.
        board: name of the board.
        engine: "aot", "tflm", or "none" for a firmware without a network.
        activations: "int8" or "int16".
        optimize: "speed", "balanced" or "size".
        model_hash: 16 hex digits, as in convert.json.
        build_id: 16 hex digits, hash of all that goes into the image, the compiler and its libraries included; the
            board's HELLO carries the same.
        footprint: what the image takes.
        frame_max: largest frame on the wire, in bytes.
        credit: bytes of frames that may be sent to the board at once.
        compiler: first line of the compiler's --version.
        flags: how the board's code is compiled, without paths.
        images: names of the image files beside this record, of: firmware.elf, firmware.hex, firmware.bin.
    """

    VERB: ClassVar[str] = "build"
    FILE: ClassVar[str] = "build.json"

    kernel: str
    board: str
    engine: Literal["aot", "tflm", "none"]
    activations: Literal["int8", "int16"]
    optimize: Literal["speed", "balanced", "size"]
    model_hash: str
    build_id: str
    footprint: Footprint
    frame_max: int
    credit: int
    compiler: str
    flags: tuple[str, ...]
    images: tuple[str, ...]
