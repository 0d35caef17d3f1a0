"""The firmware's C is clean under every compiler and checker that is here, not only under the one that builds it."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness import STRICT, core_sources
from standin import NAME, write_pair

from axedge.firmware.boards import FIRMWARE, Board, board_names, load_board
from axedge.firmware.model_header import model_header, read_pair, tflm_header, wire_sizes
from axedge.firmware.toolchain import find_toolchain

pytestmark = pytest.mark.cc

INCLUDES = [f"-I{FIRMWARE / 'include'}", f"-I{FIRMWARE / 'core'}"]
CLANG_TARGETS = {"arm-none-eabi": "arm-none-eabi", "riscv64-unknown-elf": "riscv32-unknown-elf"}
#: avr-libc's headers hold assembly that clang 14 does not take.
CLANG_BOARDS = [name for name in board_names() if load_board(name).toolchain != "avr"]
HEADERS = sorted((FIRMWARE / "include").glob("*.h"))


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_the_core_and_the_native_board_compile_without_a_warning(compiler):
    sources = [*core_sources(), FIRMWARE / "boards" / "native" / "board.c"]
    command = [compiler, *STRICT, "-O2", "-fsyntax-only", "-D_POSIX_C_SOURCE=200809L", *INCLUDES, *map(str, sources)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("header", HEADERS, ids=lambda path: path.name)
def test_each_header_stands_alone_in_c_and_in_cpp(header, tmp_path):
    for language, standard in (("c", "c99"), ("c++", "c++17")):
        command = [
            "cc",
            "-x",
            language,
            f"-std={standard}",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            "-fsyntax-only",
        ]
        source = tmp_path / f"one.{language}"
        source.write_text(f'#include "{header.name}"\n')
        done = subprocess.run([*command, *INCLUDES, str(source)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_the_core_includes_nothing_but_the_four_portable_headers():
    allowed = {"<stdbool.h>", "<stddef.h>", "<stdint.h>", "<string.h>"}
    for path in [*core_sources(), *HEADERS, FIRMWARE / "main.c"]:
        lines = [line.split()[1] for line in path.read_text().splitlines() if line.startswith("#include <")]
        assert set(lines) <= allowed, path.name


def test_the_core_keeps_no_state_and_takes_no_heap(tmp_path):
    """No mutable variables in any object of the core, and no call of an allocator."""
    for source in core_sources():
        made = tmp_path / f"{source.stem}.o"
        subprocess.run(["cc", "-std=c99", "-Os", "-c", *INCLUDES, str(source), "-o", str(made)], check=True)
        names = [line.split()[-2:] for line in subprocess.check_output(["nm", str(made)], text=True).splitlines()]
        assert not [name for kind, name in names if kind in "bBdDC"], f"{source.name} has variables"
        assert not {name for kind, name in names if kind == "U"} & {"malloc", "calloc", "realloc", "free", "printf"}


@dataclass(frozen=True)
class Firmware:
    """All C of a board's firmware around the stand-in network, and the words that clang needs to read it."""

    sources: list[str]
    includes: list[str]
    words: list[str]


def firmware_of(board: Board, folder: Path) -> Firmware:
    write_pair(folder)
    pair = read_pair(folder, NAME)
    wire = wire_sizes(pair, board.name, board.link.frame_max, board.link.credit)
    (folder / "axe_model.h").write_text(model_header(pair, board.name, True, "0" * 64, wire, 16))
    for path in pair.arrays:
        path.write_text("#define AXNET_STANDIN_TFLITE_LOGIT_OUTPUT 1\n")
    (folder / "axe_tflm_model.h").write_text(tflm_header(pair))
    engines = sorted(FIRMWARE.glob("engines/*/*.c"))
    own = [(board.folder / name).resolve() for name in board.sources if name.endswith(".c")]
    folders = [FIRMWARE / "engines" / name for name in ("_shared", "tflm")] + [folder]
    words = ["-std=c99", "-DAXE_ENGINE=AXE_WIRE_ENGINE_AOT", "-D_POSIX_C_SOURCE=200809L"]
    if not board.is_host:
        flags = [flag for flag in board.flags if not flag.startswith("-misa-spec")]  # of gcc alone
        words = [*words[:2], f"--target={CLANG_TARGETS[board.toolchain]}", *flags, *libc_of(board)]
    sources = [FIRMWARE / "main.c", *engines, *own]
    return Firmware([str(path) for path in sources], [*INCLUDES, *(f"-I{path}" for path in folders)], words)


def libc_of(board: Board) -> list[str]:
    """Return words that show clang the headers of the C library that gcc takes for this board, without gcc's own."""
    toolchain = find_toolchain(board.toolchain)
    command = [str(toolchain.compiler), *board.flags, *toolchain.flags, "-E", "-Wp,-v", "-xc", "/dev/null"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    paths = [line.strip() for line in said.splitlines() if line.startswith(" /")]
    return [word for path in paths if "/gcc/" not in path for word in ("-isystem", path)]


@pytest.mark.parametrize("name", CLANG_BOARDS)
def test_the_whole_firmware_of_a_board_is_clean_under_clang_and_clang_tidy(tmp_path, name):
    made = firmware_of(load_board(name), tmp_path)
    command = ["clang", *STRICT, "-fsyntax-only", *made.words, *made.includes, *made.sources]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    config = f"--config-file={FIRMWARE.parent / '.clang-tidy'}"
    command = ["clang-tidy", "--quiet", config, *made.sources, "--", *made.words, *made.includes]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_cppcheck_finds_nothing(tmp_path):
    assert shutil.which("cppcheck"), "install cppcheck"
    checks = ["--enable=warning,performance,portability", "--suppress=missingIncludeSystem", "--error-exitcode=1"]
    folders = [FIRMWARE / name for name in ("core", "boards", "engines", "main.c")]
    made = firmware_of(load_board("native"), tmp_path)
    command = ["cppcheck", "--quiet", "--std=c99", *checks, *made.includes, *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_clang_tidy_finds_nothing_in_the_core():
    assert shutil.which("clang-tidy"), "install clang-tidy"
    config = f"--config-file={FIRMWARE.parent / '.clang-tidy'}"
    command = ["clang-tidy", "--quiet", config, *map(str, core_sources()), "--", "-std=c99", *INCLUDES]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
