"""Everything that goes into an image, and how CMake and the linker are told of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from axedge.artifacts.errors import UsageError
from axedge.firmware.boards import FIRMWARE, Board
from axedge.firmware.model_header import GeneratedPair, WireSizes, tflm_definition
from axedge.firmware.tflm import CXX_FLAGS, Tflm
from axedge.firmware.toolchain import Toolchain

SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
HOST_DEFINITIONS = ("_POSIX_C_SOURCE=200809L",)

#: How many times its memories the linker is told a board has.
ROOM = 64
CODE_SUFFIXES = frozenset({".c", ".h", ".cc", ".ld", ".def", ".toml", ".S"})


@dataclass(frozen=True)
class BuildInputs:
    """A build, decided in full but for the compiler.

    Attributes:
        board: what for.
        pair: the network's C.
        kernel_sources: the exact function's C; empty without one.
        kernel_includes: where it looks for headers.
        has_exact: whether there is an exact function.
        engine: a folder of firmware/engines.
        optimize: the compiler's flag for network and kernel.
        optimize_name: what the user calls it.
        sanitize: whether to build with sanitizers.
        wire: sizes of the link's buffers.
        tflm: TensorFlow Lite Micro, for the engine of that name.
    """

    board: Board
    pair: GeneratedPair
    kernel_sources: tuple[Path, ...]
    kernel_includes: tuple[Path, ...]
    has_exact: bool
    engine: str
    optimize: str
    optimize_name: str
    sanitize: bool
    wire: WireSizes
    tflm: Tflm | None = None

    def compile_flags(self, toolchain: Toolchain) -> tuple[str, ...]:
        """Return the flags of every compilation and of the link, without paths."""
        return (*self.board.flags, *toolchain.flags, *(SANITIZE if self.sanitize else ()))

    def link_flags(self, toolchain: Toolchain) -> tuple[str, ...]:
        """Return the further flags of the link, without paths."""
        reserve = () if self.board.is_host else (f"-Wl,--defsym=axe_stack_reserve={self.board.stack_bytes}",)
        return (*toolchain.link_flags, *self.board.link_flags, *reserve)

    @property
    def linker_script(self) -> Path | None:
        """The board's linker script, or None where the toolchain's own is used."""
        return (self.board.folder / self.board.linker_script).resolve() if self.board.linker_script else None

    def files(self) -> Iterator[Path]:
        """Yield every file but the kernel's that the image is made of, in a fixed order."""
        yield FIRMWARE / "main.c"
        yield FIRMWARE / "CMakeLists.txt"
        yield FIRMWARE / "toolchain.cmake"
        own = (self.board.folder / name for name in (*self.board.sources, self.board.linker_script))
        folders = {self.board.folder, *(path.resolve().parent for path in own)}
        engines = FIRMWARE / "engines"
        shared = (FIRMWARE / "include", FIRMWARE / "core", engines / "_shared", engines / self.engine)
        shared_headers = (path.parent for path in (FIRMWARE / "boards").glob("_*/*.h"))
        for folder in sorted({*shared, *folders, *shared_headers}):
            yield from sorted(path for path in folder.iterdir() if path.suffix in CODE_SUFFIXES)
        yield self.pair.header
        yield self.pair.source
        if self.tflm is not None:
            yield from sorted((FIRMWARE / "engines" / "tflm" / "probe").iterdir())
            yield from self.pair.arrays


def cmake_inputs(inputs: BuildInputs, toolchain: Toolchain, work: Path) -> str:
    """Return the text of inputs.cmake.

    Args:
        inputs: the build.
        toolchain: with what.
        work: the folder in which axe_model.h and memory.ld are written, and in which CMake builds.
    """
    board, script = inputs.board, inputs.linker_script
    maps = {work: "build", FIRMWARE: "firmware", inputs.pair.folder.resolve(): "network"}
    maps |= dict.fromkeys(inputs.kernel_includes, "kernel")
    maps |= {} if inputs.tflm is None else {inputs.tflm.root: "tflm"}
    scripted = () if script is None else (f"-L{work}", "-T", str(script))
    variables: dict[str, Iterable[str | Path]] = {
        "AXE_FLAGS": inputs.compile_flags(toolchain),
        "AXE_LINK_FLAGS": (*inputs.link_flags(toolchain), *scripted),
        "AXE_CALLGRAPH": () if board.is_host else toolchain.callgraph_flags,
        "AXE_PREFIX_MAPS": [f"{toolchain.prefix_map}={path}={name}" for path, name in maps.items()],
        "AXE_LINKER_SCRIPT": () if script is None else (script,),
        "AXE_BOARD_SOURCES": [(board.folder / name).resolve() for name in board.sources],
        "AXE_BOARD_DEFINITIONS": HOST_DEFINITIONS if board.is_host else (),
        "AXE_KERNEL_SOURCES": inputs.kernel_sources,
        "AXE_KERNEL_INCLUDES": inputs.kernel_includes,
        "AXE_NETWORK_DIR": (inputs.pair.folder.resolve(),),
        "AXE_NETWORK_SOURCES": _network_sources(inputs),
        "AXE_ENGINE": (inputs.engine,),
        "AXE_OPTIMIZE": (inputs.optimize,),
        **_tflm_variables(inputs),
    }
    return "".join(
        f"set({name}{''.join(' ' + _quoted(value) for value in values)})\n" for name, values in variables.items()
    )


def _network_sources(inputs: BuildInputs) -> tuple[Path, ...]:
    source = inputs.pair.source.resolve()
    return (source,) if inputs.tflm is None else (source, inputs.pair.arrays[1].resolve())


def _tflm_variables(inputs: BuildInputs) -> dict[str, Iterable[str | Path]]:
    tflm = inputs.tflm
    if tflm is None:
        return {}
    return {
        "AXE_TFLM_INCLUDES": tflm.includes,
        "AXE_TFLM_DEFINITIONS": (*tflm.definitions, tflm_definition(inputs.pair)),
        "AXE_TFLM_FLAGS": CXX_FLAGS,
        "AXE_TFLM_ARCHIVE": (tflm.archive,),
    }


def memory_script(board: Board) -> str:
    """Return the text of memory.ld: the MEMORY command for the board's memories.

    They are given more room than there is: whether the image fits is judged after it was measured (footprint.py), so
    that what does not fit is refused with all the numbers.
    """
    assert board.memories is not None, "a microcontroller has memories"
    rows = (("FLASH", "rx", board.memories.flash), ("RAM", "rwx", board.memories.ram))
    regions = [f"  {name} ({how}) : ORIGIN = {one.start:#x}, LENGTH = {one.size * ROOM}\n" for name, how, one in rows]
    return f"MEMORY\n{{\n{''.join(regions)}}}\n"


def _quoted(value: str | Path) -> str:
    """Return a CMake string literal.

    Raises:
        UsageError: it holds a semicolon, which separates the elements of CMake's lists.
    """
    if ";" in str(value):
        raise UsageError(f"the path {value} holds a semicolon, which CMake cannot take.", "Move the files elsewhere.")
    text = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{text}"'
