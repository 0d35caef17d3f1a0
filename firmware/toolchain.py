"""The compilers that boards are built with: where they are, what brings them, and the flags that every build takes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from axedge.artifacts.errors import BuildError, ToolMissing
from axedge.artifacts.files import digest

ANSWER_TIMEOUT_S = 30

# Prefix of the programs -> Debian packages; the empty one is the computer's own.
PACKAGES = {
    "": "gcc libc6-dev",
    "arm-none-eabi": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "riscv64-unknown-elf": "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
    "avr": "gcc-avr avr-libc",
}

# The C++ library's headers: what the C++ of an image includes, though none of its code is linked.
CXX_PACKAGES = {"": "g++", "arm-none-eabi": "libstdc++-arm-none-eabi-newlib"}

SECTIONS = ("-ffunction-sections", "-fdata-sections")

# GCC 12 can duplicate a volatile store at the end of a loop, which sends a byte twice; the switch exists from 12 on.
NO_STORE_MOTION = "-fno-move-loop-stores"
STORE_MOTION_SINCE = 12
FILE_PREFIX_MAP_SINCE = 8

# GCC says who calls whom and what it takes of the stack; clang knows no such switch.
CALLGRAPH = "-fcallgraph-info=su"
CALLGRAPH_SINCE = 10

FLAGS = {
    "": SECTIONS,
    "arm-none-eabi": SECTIONS,
    "riscv64-unknown-elf": (*SECTIONS, "--specs=picolibc.specs"),
    "avr": SECTIONS,
}
LINK_FLAGS = {
    "": ("-Wl,--gc-sections",),
    "arm-none-eabi": ("-nostartfiles", "--specs=nano.specs", "-Wl,--gc-sections"),
    "riscv64-unknown-elf": ("-nostartfiles", "-Wl,--gc-sections"),
    "avr": ("-Wl,--gc-sections",),
}


@dataclass(frozen=True)
class Toolchain:
    """A compiler with its binary utilities.

    Attributes:
        prefix: key of PACKAGES.
        compiler: path of the C compiler.
    """

    prefix: str
    compiler: Path

    @cached_property
    def version(self) -> str:
        """First line of --version."""
        return ask([str(self.compiler), "--version"]).splitlines()[0].strip()

    @cached_property
    def flags(self) -> tuple[str, ...]:
        """Flags of every compilation, the core's selection aside."""
        is_new = self.prefix != "" and self._major >= STORE_MOTION_SINCE
        return (*FLAGS[self.prefix], NO_STORE_MOTION) if is_new else FLAGS[self.prefix]

    @cached_property
    def callgraph_flags(self) -> tuple[str, ...]:
        """Flags with which the compiler writes its call graph beside every object; () if it cannot."""
        return (CALLGRAPH,) if self._major >= CALLGRAPH_SINCE and "clang" not in self.version else ()

    @cached_property
    def _major(self) -> int:
        found = re.match(r"\d+", ask([str(self.compiler), "-dumpversion"]))
        return int(found.group()) if found else 0

    @property
    def prefix_map(self) -> str:
        """The option that takes this machine's paths out of an image."""
        can = self.prefix == "" or self._major >= FILE_PREFIX_MAP_SINCE
        return "-ffile-prefix-map" if can else "-fdebug-prefix-map"

    @property
    def link_flags(self) -> tuple[str, ...]:
        """Flags of every link, the core's selection aside."""
        return LINK_FLAGS[self.prefix]

    def libraries_digest(self, core_flags: tuple[str, ...]) -> str:
        """Return a hash of the C library, libm and libgcc that an image for this core is linked with."""
        if self.prefix == "":
            return "shared"
        parts: list[bytes | str] = []
        for name in ("libc_nano.a", "libc.a", "libm_nano.a", "libm.a", "libgcc.a"):
            path = Path(ask([str(self.compiler), *core_flags, *self.link_flags, f"-print-file-name={name}"]).strip())
            if path.is_file():
                parts += [name, path.read_bytes()]
        return digest(*parts)

    @property
    def cxx_compiler(self) -> Path:
        """Path of the C++ compiler beside the C compiler.

        Raises:
            ToolMissing: it is not installed.
        """
        name = self.compiler.name.replace("gcc", "g++").replace("clang", "clang++")
        return find_program("c++" if name == "cc" else name, CXX_PACKAGES.get(self.prefix, "g++"))

    def program(self, name: str) -> Path:
        """Return the path of a binary utility such as objcopy.

        Raises:
            ToolMissing: it is not installed.
        """
        return find_program(f"{self.prefix}-{name}" if self.prefix else name, "binutils")


def find_toolchain(prefix: str) -> Toolchain:
    """Find a board's compiler.

    Raises:
        ToolMissing: it is not installed.
    """
    names = ("cc", "gcc", "clang") if prefix == "" else (f"{prefix}-gcc",)
    for name in names:
        path = shutil.which(name)
        if path is not None:
            return Toolchain(prefix, Path(path))
    raise ToolMissing(f"the compiler {names[-1] if prefix else 'cc'} is not installed.", install(PACKAGES[prefix]))


def find_program(name: str, package: str) -> Path:
    """Return the path of a program: of the system's, or of the one that a Python package brought.

    Raises:
        ToolMissing: it is not installed; the Debian package is named.
    """
    path = shutil.which(name) or shutil.which(name, path=str(Path(sys.prefix) / "bin"))
    if path is None:
        raise ToolMissing(f"{name} is not installed.", install(package))
    return Path(path)


def install(packages: str) -> str:
    """Return the sentence that says how to install Debian packages."""
    return f"Install it: apt-get install {packages}"


def ask(command: list[str]) -> str:
    """Run a program of the toolchain and return what it printed.

    Raises:
        BuildError: it failed, or did not end in time.
    """
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_TIMEOUT_S, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise BuildError(f"{command[0]} does not answer {command[-1]}: {error}.") from None
