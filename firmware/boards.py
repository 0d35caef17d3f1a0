"""Boards as data: reads boards/<name>/board.toml.

A board is a folder: board.toml (what this module describes), C that implements axe_board.h, and nothing elsewhere.
Folders whose name starts with an underscore hold what several boards share.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from axedge.artifacts.errors import UsageError, did_you_mean

FIRMWARE = Path(__file__).resolve().parent
BOARDS = FIRMWARE / "boards"

UsbId = Annotated[str, Field(pattern=r"^[0-9a-f]{4}:[0-9a-f]{4}$")]


class BoardPart(BaseModel):
    """A table of board.toml: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Memory(BoardPart):
    """A memory of the part: where it starts and how large it is, in bytes."""

    start: int = Field(ge=0)
    size: int = Field(gt=0)


class Timer(BoardPart):
    """What counts the ticks of a timed call.

    Attributes:
        source: as `tick_source` of HELLO; where the firmware probes for a better one, the one it falls back to.
        hz: ticks a second.
        bits: width of the hardware counter; narrower ones than 32 are extended in software.
    """

    source: Literal["dwt", "systick", "timer", "mcycle", "host"]
    hz: int = Field(gt=0)
    bits: int = Field(default=32, ge=16, le=64)


class Link(BoardPart):
    """How the serial line is reached.

    Attributes:
        kind: "usb": the board's own USB port shows up as a serial port; "adapter": needs a USB-serial adapter on
            `pins`; "tcp": the emulator's or the process's socket is the only way.
        baud: bits a second, 8N1; 0 for a socket.
        pins: where an adapter goes, for people.
        frame_max: largest frame, encoded and with its 0x00, in bytes; raised by the build where a sample needs more.
        credit: bytes of frames that the host may send at once.
    """

    kind: Literal["usb", "adapter", "tcp"]
    baud: int = Field(ge=0)
    pins: str = ""
    frame_max: int = Field(ge=128, le=4096)
    credit: int = Field(ge=128, le=65535)


class QemuEmulator(BoardPart):
    """QEMU plays the board.

    Attributes:
        kind: says so.
        program: QEMU's, for the board's processor.
        machine: QEMU's -M.
        icount_shift: QEMU's -icount shift, an instruction takes 2^shift ns: the smallest that makes it a tick or more.
        tick_hz: rate of the ticks there, where it is not the part's.
        serial_index: which of QEMU's -serial options is the link.
    """

    kind: Literal["qemu"]
    program: str
    machine: str
    icount_shift: int = Field(ge=0, le=10)
    tick_hz: int | None = Field(default=None, gt=0)
    serial_index: int = Field(default=0, ge=0)


class ProgramEmulator(BoardPart):
    """A program of ours plays the board, with a simulator's library; docs/porting.md says what it must do.

    Attributes:
        kind: says so.
        program: its source, relative to the board's folder: C, or JavaScript for Node.
        machine: what the library calls the part; handed to the program.
        libraries: C: what it is linked with.
        modules: JavaScript: the npm packages that it needs, with their versions.
        needs: Debian packages that bring compiler headers or Node.
        ticks: what the board's ticks are in it.
    """

    kind: Literal["program"]
    program: str
    machine: str = ""
    libraries: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    needs: str = ""
    ticks: Literal["cycles"]
    icount_shift: None = None
    tick_hz: None = None


class ProcessEmulator(BoardPart):
    """The firmware is itself a program of this computer."""

    kind: Literal["process"]
    icount_shift: None = None
    tick_hz: None = None


Emulator = Annotated[QemuEmulator | ProgramEmulator | ProcessEmulator, Field(discriminator="kind")]
"""What plays the board on a computer."""


class FlashMethod(BoardPart):
    """One way to put an image onto the part.

    Attributes:
        method: "emulator", "drive", "openocd", "pyocd" or "avrdude".
        image: which image file it takes.
        label: drive: the volume's name.
        configs: openocd: configuration files in order.
        target: pyocd: target name; avrdude: part.
        programmer: avrdude: programmer type.
        baud: avrdude: bits a second that the boot loader speaks.
        family: uf2: the chips that may take it.
        needs: what must be there besides the tool, for people (a pyOCD pack).
    """

    method: Literal["emulator", "drive", "openocd", "pyocd", "avrdude"]
    image: Literal["elf", "hex", "bin", "uf2"]
    label: str = ""
    configs: tuple[str, ...] = ()
    target: str = ""
    programmer: str = ""
    baud: int = Field(default=0, ge=0)
    family: int | None = Field(default=None, ge=0, le=0xFFFFFFFF)
    needs: str = ""

    @model_validator(mode="after")
    def _complete(self) -> FlashMethod:
        if (self.image == "uf2") != (self.family is not None):
            raise ValueError("a uf2 image, and no other, needs its family")
        return self


class Memories(BoardPart):
    """Flash that the image runs from, and RAM."""

    flash: Memory
    ram: Memory


class Board(BoardPart):
    """A target that can be built for, and how to reach it.

    Attributes:
        name: the folder's name.
        title: for people.
        core: "cortex-m0", "cortex-m4f", ..., "avr", "rv32imac" or "host".
        toolchain: prefix of the compiler's programs, "arm-none-eabi"; empty for the host's own compiler.
        flags: what selects the core, for compiling and linking.
        link_flags: what is needed for linking only.
        sources: C files relative to the board's folder.
        linker_script: relative to the board's folder; empty where the toolchain's own is used.
        memories: None for the host.
        stack_bytes: room that the linker keeps free for the stack; 0 for the host.
        timer: what counts ticks.
        link: the serial line.
        emulator: None where there is none.
        flash_methods: in the order in which they are tried.
        usb: ids "vvvv:pppp" under which its serial port may show up.
        tried: where this very image was run, in plain words.
        notes: what a user must know, one line each.
    """

    name: str
    title: str
    core: str
    toolchain: str
    flags: tuple[str, ...] = ()
    link_flags: tuple[str, ...] = ()
    sources: tuple[str, ...] = Field(min_length=1)
    linker_script: str = ""
    memories: Memories | None = None
    stack_bytes: int = Field(default=0, ge=0)
    timer: Timer
    link: Link
    emulator: Emulator | None = None
    flash_methods: tuple[FlashMethod, ...] = Field(default=(), alias="flash")
    usb: tuple[UsbId, ...] = ()
    tried: str
    notes: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where board.toml is."""
        return BOARDS / self.name

    @property
    def is_host(self) -> bool:
        """Whether the firmware is a program of this computer."""
        return self.toolchain == ""

    @property
    def uf2_family(self) -> int | None:
        """The family of its UF2 image; None where no flash method takes one."""
        return next((method.family for method in self.flash_methods if method.image == "uf2"), None)

    @property
    def is_emulated_only(self) -> bool:
        """Whether there is no way to put the image onto a real part."""
        return all(one.method == "emulator" for one in self.flash_methods)

    @model_validator(mode="after")
    def _complete(self) -> Board:
        if not self.is_host and (self.memories is None or self.stack_bytes == 0):
            raise ValueError("a microcontroller needs memories and stack_bytes")
        if self.link.credit < self.link.frame_max:
            raise ValueError("link.credit must hold at least one frame of link.frame_max bytes")
        missing = [name for name in self.sources if not (self.folder / name).is_file()]
        if missing:
            raise ValueError(f"sources not found: {', '.join(missing)}")
        return self


def board_names() -> list[str]:
    """Return the names of all boards, sorted."""
    return sorted(path.parent.name for path in BOARDS.glob("*/board.toml") if not path.parent.name.startswith("_"))


def load_board(name: str) -> Board:
    """Read a board's description.

    Args:
        name: its folder's name.

    Raises:
        UsageError: there is no such board, or its board.toml cannot be used.
    """
    if name not in board_names():
        raise UsageError(f"there is no board {name!r}.", did_you_mean(name, board_names()))
    path = BOARDS / name / "board.toml"
    try:
        return Board.model_validate(tomllib.loads(path.read_text(encoding="utf-8")) | {"name": name})
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"boards/{name}/board.toml is not TOML: {error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"]) or "the whole"
        raise UsageError(f"boards/{name}/board.toml, {where}: {first['msg']}.") from None
