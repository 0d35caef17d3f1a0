"""What `axedge size` leaves behind: what an image takes of a board's memories, by part, before it is flashed."""

from __future__ import annotations

from typing import ClassVar, Literal

from axedge.artifacts.records.base import Part, Record


class PartSize(Part):
    """One part of an image, in bytes.

    Attributes:
        name: network, fallback or rest.
        flash_bytes: code, constants and initial values.
        ram_bytes: static variables.
        stack_bytes: worst case below the part's entry; None: not known.
        stack_is: "static": by the compiler's call graph alone; "static + measured": our own frames by the call graph,
            library code by the painted stack plus a margin; "measured": the whole by the painted stack plus the margin,
            because the call graph has no bound or the compiler tells none; "unknown": neither is to be had.
        library_bytes: what library code takes of it, the margin included.
        why: why it is not static, for people.
    """

    name: str
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int | None
    stack_is: Literal["static", "static + measured", "measured", "unknown"]
    library_bytes: int
    why: str = ""


class SizeRecord(Record):
    """size.json.

    Attributes:
        kernel: name of the kernel.
        board: name of the board.
        engine: what executes the network.
        optimize: what the generated C was made for.
        build_id: of the image.
        parts: network, fallback and rest.
        interrupt_bytes: what an exception pushes on the running stack.
        flash_bytes: whole image.
        ram_bytes: static RAM of the whole image, without the stack.
        stack_bytes: worst case of the whole: the deepest part below its callers, and an exception; None: not known.
        flash_limit_bytes: what the board has; 0 for the host.
        ram_limit_bytes: what the board has; 0 for the host.
        stack_limit_bytes: what the linker keeps free for the stack, out of the RAM; 0 for the host.
        measured_on: the emulated board that library code was measured on; empty where it was not.
        measured_inputs: how many inputs ran there.
        margin: what was added to what was measured.
        problems: what does not fit, in words; empty where all fits.
    """

    VERB: ClassVar[str] = "size"
    FILE: ClassVar[str] = "size.json"

    kernel: str
    board: str
    engine: str
    optimize: str
    build_id: str
    parts: tuple[PartSize, ...]
    interrupt_bytes: int
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int | None
    flash_limit_bytes: int
    ram_limit_bytes: int
    stack_limit_bytes: int
    measured_on: str
    measured_inputs: int
    margin: float
    problems: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether the board has room for it."""
        return not self.problems
