"""TensorFlow Lite Micro as its own Makefile leaves it: which of the libraries built there fits a board."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from axedge.artifacts.errors import ArtifactError, ToolMissing, UsageError
from axedge.artifacts.files import digest
from axedge.firmware.boards import Board
from axedge.firmware.toolchain import Toolchain, ask

ARCHIVE = "libtensorflow-microlite.a"
DOWNLOADS = Path("tensorflow/lite/micro/tools/make/downloads")
MARK = Path("tensorflow/lite/micro/micro_interpreter.h")

# As TFLM's Makefile compiles what includes its headers; the first two change the layout of its classes.
DEFINITIONS = ("TF_LITE_STATIC_MEMORY", "TF_LITE_DISABLE_X86_NEON", "TF_LITE_STRIP_ERROR_STRINGS", "NDEBUG")
CXX_FLAGS = ("-fno-rtti", "-fno-exceptions", "-fno-threadsafe-statics", "-fno-unwind-tables")

_HOW = "docs/tflm.md says how to build it."
_ATTRIBUTES = re.compile(r"Tag_(?:CPU_arch|ABI_VFP_args): *(?P<value>.+)")


@dataclass(frozen=True)
class Tflm:
    """A built TensorFlow Lite Micro.

    Attributes:
        root: the source tree, with the third-party code that its Makefile downloads.
        archive: libtensorflow-microlite.a.
        kernels: "cmsis-nn" or "reference": whose kernels are in it.
    """

    root: Path
    archive: Path
    kernels: Literal["reference", "cmsis-nn"]

    @property
    def folder(self) -> Path:
        """The folder below gen/ that names this library alone."""
        return self.archive.parent.parent

    @property
    def includes(self) -> tuple[Path, ...]:
        """Folders of headers."""
        downloads = self.root / DOWNLOADS
        return (self.root, downloads / "flatbuffers" / "include", downloads / "gemmlowp", downloads / "ruy")

    @property
    def definitions(self) -> tuple[str, ...]:
        """What must be defined where its headers are included."""
        return (*DEFINITIONS, "CMSIS_NN") if self.kernels == "cmsis-nn" else DEFINITIONS

    @cached_property
    def digest(self) -> str:
        """Hash of the library and of the headers' version."""
        return digest(self.archive.read_bytes(), (self.root / MARK).read_bytes())


def find_tflm(folder: Path | None, board: Board, toolchain: Toolchain) -> Tflm:
    """Find the library that fits a board.

    Args:
        folder: TFLM's source tree, or one of the folders below its gen/, where several libraries fit.
        board: what for.
        toolchain: the board's.

    Raises:
        ToolMissing: no folder was named.
        UsageError: it holds no TFLM, no library, none that fits, or several that do.
    """
    if folder is None:
        raise ToolMissing(
            "the engine tflm needs TensorFlow Lite Micro, built for the board's core, and none was named.",
            f"Name its folder with --tflm DIR; {_HOW}",
        )
    found = fitting_tflm(folder, board, toolchain)
    if len(found) > 1:
        names = ", ".join(str(one.folder) for one in found)
        raise UsageError(f"several libraries fit {board.name}: {names}.", "Name one of these folders with --tflm.")
    return found[0]


def fitting_tflm(folder: Path, board: Board, toolchain: Toolchain) -> list[Tflm]:
    """Return every library that fits a board, at least one; see `find_tflm`.

    Raises:
        UsageError: the folder holds no TFLM, no library, or none that fits.
    """
    whole = folder.expanduser().resolve()
    root = next((path for path in (whole, *whole.parents) if (path / MARK).is_file()), None)
    if root is None:
        raise UsageError(f"{folder} is no TensorFlow Lite Micro: there is no {MARK} in it.", _HOW)
    if not (root / DOWNLOADS / "flatbuffers" / "include").is_dir():
        raise UsageError(f"{root / DOWNLOADS} holds no flatbuffers, which TFLM's Makefile downloads.", _HOW)
    found = sorted((root / "gen" if whole == root else whole).rglob(ARCHIVE))
    if not found:
        raise UsageError(f"there is no {ARCHIVE} in {folder}: it is not built.", f"Run TFLM's Makefile; {_HOW}")
    wanted = _core_of_flags(board, toolchain)
    fitting = [archive for archive in found if _core_of(archive, toolchain) == wanted]
    if not fitting:
        raise UsageError(
            f"no library in {folder} is for {board.name} ({' '.join(board.flags) or 'this computer'}): "
            f"{', '.join(archive.parent.parent.name for archive in found)}.",
            f"Build one; {_HOW}",
        )
    return [Tflm(root, archive, _kernels_of(archive, toolchain)) for archive in fitting]


def _core_of(archive: Path, toolchain: Toolchain) -> frozenset[str]:
    """Return architecture and float calling convention of the code in an archive or object.

    Raises:
        ArtifactError: it is damaged.
    """
    said = ask([str(toolchain.program("readelf")), "-hA", str(archive)])
    machines = set(re.findall(r"^ *Machine: *(.+)$", said, re.M))
    if len(machines) != 1:
        raise ArtifactError(f"{archive} is no library of one machine's code.", _HOW)
    return frozenset(machines | {match.group().strip() for match in _ATTRIBUTES.finditer(said)})


def _core_of_flags(board: Board, toolchain: Toolchain) -> frozenset[str]:
    """Return the same of what the board's flags compile to."""
    with tempfile.TemporaryDirectory(prefix="axedge-core-") as scratch:
        source = Path(scratch) / "empty.c"
        source.write_text("int empty(void);\nint empty(void)\n{\n    return 0;\n}\n", encoding="utf-8")
        made = source.with_suffix(".o")
        ask([str(toolchain.compiler), *board.flags, "-c", str(source), "-o", str(made)])
        return _core_of(made, toolchain)


def _kernels_of(archive: Path, toolchain: Toolchain) -> Literal["reference", "cmsis-nn"]:
    symbols = ask([str(toolchain.program("nm")), "--defined-only", "--quiet", str(archive)])
    return "cmsis-nn" if " arm_fully_connected_s8" in symbols else "reference"
