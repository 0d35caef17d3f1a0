"""Exports with the TensorFlow Lite Micro that TFLM names: each form compiled, linked, run on an emulated Cortex-M4F."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dropin_kit import HERE, check_printed, run
from test_bare_metal import CORE, LINK, check, emulate

from axedge.convert.dropin import FORMS
from axedge.firmware.boards import load_board
from axedge.firmware.tflm import CXX_FLAGS, Tflm, fitting_tflm
from axedge.firmware.toolchain import find_toolchain

pytestmark = [
    *(pytest.mark.train, pytest.mark.qemu, pytest.mark.xdist_group("dropin"), pytest.mark.timeout(3600)),
    pytest.mark.skipif("TFLM" not in os.environ, reason="needs a built TensorFlow Lite Micro, named by TFLM=DIR"),
]

BARE, ARDUINO = HERE / "bare", HERE / "arduino" / "cores" / "arduino"
STRICT = ("-Wall", "-Wextra", "-Werror", "-ffunction-sections")
ON_ARDUINO = ("-x", "c++", "-I", ARDUINO, "-include", ARDUINO / "Arduino.h", "-DARDUINO=10800")
#: Of each form and way: its example, what it is compiled with, and what else makes it a program.
EXAMPLES = {
    "c": ("example.c", (), None),
    "cmake": ("example/main.c", (), None),
    "arduino": ("examples/OneResult/OneResult.ino", ON_ARDUINO, ARDUINO / "main.cpp"),
    "platformio": ("examples/one_result/src/main.cpp", (), None),
    "platformio arduino": ("examples/one_result/src/main.cpp", ON_ARDUINO, ARDUINO / "main.cpp"),
    "zephyr": ("samples/one_result/src/main.c", (), None),
    "esp-idf": (
        "examples/one_result/main/main.c",
        (),
        "void app_main(void);\nint main(void) { app_main(); return 0; }\n",
    ),
}
CROSS = """
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_CXX_COMPILER arm-none-eabi-g++)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(core "-mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard")
set(CMAKE_C_FLAGS_INIT "${core}")
set(CMAKE_CXX_FLAGS_INIT "${core}")
set(CMAKE_EXE_LINKER_FLAGS_INIT "--specs=nosys.specs")
"""


@pytest.fixture(scope="module")
def tflm() -> Tflm:
    """The first library that fits."""
    board = load_board("mps2-an386")
    return fitting_tflm(Path(os.environ["TFLM"]), board, find_toolchain(board.toolchain))[0]


def compiled(source: Path, made: Path, tflm: Tflm, *flags: object) -> Path:
    """Compile C or, by the name or by `-x c++`, C++ as TFLM's users do; warnings in our own files are errors."""
    is_cxx = source.suffix != ".c"
    options: tuple[object, ...] = ("-std=c99",)
    if is_cxx:
        headers = [word for path in tflm.includes for word in ("-isystem", path)]
        options = ("-std=c++17", *CXX_FLAGS, *(f"-D{name}" for name in tflm.definitions), *headers)
    compiler = "arm-none-eabi-g++" if is_cxx else "arm-none-eabi-gcc"
    run(compiler, *CORE, "-O2", *STRICT, *options, *flags, "-c", source, "-o", made)
    return made


@pytest.mark.parametrize("way", EXAMPLES)
def test_every_form_is_compiled_linked_and_run_with_built_tflm(converted, exported, tmp_path: Path, tflm, way) -> None:
    form = FORMS[way.split()[0]]
    folder, (example, flags, rest) = exported("inversek2j", form.name, "tflm"), EXAMPLES[way]
    sources = folder / form.sources
    files = [*sources.glob("*.cc"), *(sources / name for name in ("axnet_inversek2j.c", "inversek2j.c"))]
    if isinstance(rest, str):
        (tmp_path / "caller.c").write_text(rest)
        rest = tmp_path / "caller.c"
    include = ("-I", folder / form.headers)
    objects = [compiled(source, tmp_path / f"{source.name}.o", tflm, *include) for source in files]
    objects.append(compiled(folder / example, tmp_path / "example.o", tflm, *flags, *include))
    more = [BARE / "start.c", BARE / "console.c", BARE / "cxx_runtime.c", *([rest] if rest else [])]
    objects += [compiled(source, tmp_path / f"{source.name}.more.o", tflm, "-I", ARDUINO) for source in more]
    linking = (*CORE, *LINK, "--specs=nosys.specs", "-Wl,--defsym=end=bss_end", "-T", BARE / "link.ld")
    run("arm-none-eabi-g++", *linking, *objects, tflm.archive, "-lm", "-o", tmp_path / "firmware.elf")
    check_printed(emulate(tmp_path / "firmware.elf"), converted("inversek2j"))


def test_a_firmware_around_the_c_files_answers_bit_for_bit_with_built_tflm(converted, exported, tmp_path, tflm) -> None:
    def link_with(folder: Path, flags: tuple[str, ...]) -> list[object]:
        names = ("axnet_inversek2j_tflite", "axnet_inversek2j_tflm")
        objects = [compiled(folder / f"{name}.cc", folder / f"{name}.o", tflm, "-I", folder) for name in names]
        c_files = [folder / "axnet_inversek2j.c", folder / "inversek2j.c", BARE / "cxx_runtime.c"]
        return ["-DENGINE_TFLM", *c_files, *objects, tflm.archive]

    check(converted("inversek2j"), link_with, tmp_path / "firmware", exported("inversek2j", "c", "tflm"))


def test_the_cmake_package_links_with_built_tflm(exported, tmp_path: Path, tflm) -> None:
    cmsis = 'string(APPEND CMAKE_CXX_FLAGS_INIT " -DCMSIS_NN")\n' if tflm.kernels == "cmsis-nn" else ""
    (tmp_path / "cross.cmake").write_text(CROSS + cmsis)
    names = (f"-DAXNET_INVERSEK2J_TFLM={tflm.root}", f"-DAXNET_INVERSEK2J_TFLM_LIBRARY={tflm.archive}")
    toolchain = f"-DCMAKE_TOOLCHAIN_FILE={tmp_path / 'cross.cmake'}"
    folder, build = exported("inversek2j", "cmake", "tflm"), tmp_path / "build"
    run("cmake", "-G", "Ninja", "-S", folder, "-B", build, toolchain, *names)
    run("cmake", "--build", build)
    assert "MicroInterpreter" in run("arm-none-eabi-nm", "-C", build / "example_inversek2j")
