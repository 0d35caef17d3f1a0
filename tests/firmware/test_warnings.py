"""The firmware's C is clean under every compiler and checker that is here, not only under the one that builds it."""

import shutil
import subprocess

import pytest
from harness import STRICT, core_sources

from axedge.firmware.boards import FIRMWARE

pytestmark = pytest.mark.cc

INCLUDES = [f"-I{FIRMWARE / 'include'}", f"-I{FIRMWARE / 'core'}"]
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


def test_cppcheck_finds_nothing():
    assert shutil.which("cppcheck"), "install cppcheck"
    checks = ["--enable=warning,performance,portability", "--suppress=missingIncludeSystem", "--error-exitcode=1"]
    command = ["cppcheck", "--quiet", "--std=c99", *checks, *INCLUDES, str(FIRMWARE / "core")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_clang_tidy_finds_nothing():
    assert shutil.which("clang-tidy"), "install clang-tidy"
    sources = [*core_sources(), FIRMWARE / "boards" / "native" / "board.c"]
    config = f"--config-file={FIRMWARE.parent / '.clang-tidy'}"
    flags = ["-std=c99", "-D_POSIX_C_SOURCE=200809L", *INCLUDES]
    command = ["clang-tidy", "--quiet", config, *map(str, sources), "--", *flags]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
