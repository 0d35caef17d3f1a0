"""What `axedge build` leaves behind: one firmware image for one board, and what it costs there."""

from __future__ import annotations

from typing import ClassVar, Literal

from axedge.artifacts.records.base import Part, Record

PARTS = ("network", "fallback", "rest")
"""What an image is made of: the network with its engine, the exact function, and the firmware around them."""


class StackPart(Part):
    """What the compiler's call graph tells of a part's stack, in bytes.

    Attributes:
        entry_most_bytes: the callers' frames on the deepest way to the part.
        entry_least_bytes: on the shortest.
        own_bytes: deepest chain of our own frames below that; None: there is no bound.
        library_at_bytes: deepest of our own frames that calls library code; None: none does.
        library_least_bytes: the shallowest.
        library: names of what it calls.
        unbounded: why there is no bound; empty where there is one.
    """

    entry_most_bytes: int = 0
    entry_least_bytes: int = 0
    own_bytes: int | None = None
    library_at_bytes: int | None = None
    library_least_bytes: int | None = None
    library: tuple[str, ...] = ()
    unbounded: str = ""

    @property
    def is_bounded(self) -> bool:
        """Whether our own frames have a deepest chain."""
        return not self.unbounded


class StackUse(Part):
    """The stack by part, and what an exception pushes onto it."""

    network: StackPart
    fallback: StackPart
    rest: StackPart
    interrupt_bytes: int

    def part(self, name: str) -> StackPart:
        """Return the part of that name."""
        return {"network": self.network, "fallback": self.fallback, "rest": self.rest}[name]


class Footprint(Part):
    """What the image takes of the board's memories, in bytes.

    Attributes:
        flash_bytes: whole firmware: code, constants, and initial values of variables.
        ram_bytes: whole firmware: static variables, without the stack.
        stack_bytes: see `stack_is`.
        stack_is: "reserved": room that the linker keeps free; "host": the host's, not counted.
        engine_flash_bytes: flash over the same firmware (its exact function included) without a network.
        engine_ram_bytes: static RAM over the same firmware without a network.
        fallback_flash_bytes: flash that the exact function takes, its library code included: over the same firmware
            without network and exact function.
        fallback_ram_bytes: static RAM, likewise.
        stack: what the compiler tells of the stack; None where it tells nothing.
    """

    flash_bytes: int
    ram_bytes: int
    stack_bytes: int
    stack_is: Literal["reserved", "host"]
    engine_flash_bytes: int
    engine_ram_bytes: int
    fallback_flash_bytes: int = 0
    fallback_ram_bytes: int = 0
    stack: StackUse | None = None


class TflmFigures(Part):
    """TensorFlow Lite Micro in the image.

    Attributes:
        kernels: whose kernels its library holds: "reference" or "cmsis-nn".
        arena_bytes: working memory that the image gives the interpreter.
        arena_needed_bytes: the smallest in which the network runs, or an upper bound of it.
        arena_is: "measured" on an emulated core of the board's kind; "bound": from a 64-bit host; "given" by the user.
        stack_bytes: deepest stack while setting up and running, measured there; 0 where it was not.
    """

    kernels: Literal["reference", "cmsis-nn"]
    arena_bytes: int
    arena_needed_bytes: int
    arena_is: Literal["measured", "bound", "given"]
    stack_bytes: int


class BuildRecord(Record):
    """build.json.

    Attributes:
        kernel: name of the kernel.
        board: name of the board.
        engine: "aot", "tflm", or "none" for a firmware without a network.
        activations: "int8" or "int16".
        optimize: what the network's C was made for, and with the exact function compiled for: "speed", "balanced" or
            "size".
        model_hash: 16 hex digits, as in convert.json.
        build_id: 16 hex digits, hash of all that goes into the image, the compiler and its libraries included; the
            board's HELLO carries the same.
        footprint: what the image takes.
        frame_max: largest frame on the wire, in bytes.
        credit: bytes of frames that may be sent to the board at once.
        compiler: first line of the compiler's --version.
        flags: how the board's code is compiled, without paths.
        tflm: the engine tflm's figures, null for another engine.
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
    tflm: TflmFigures | None = None
    images: tuple[str, ...]

    @property
    def produced(self) -> tuple[str, ...]:
        """The images."""
        return self.images
