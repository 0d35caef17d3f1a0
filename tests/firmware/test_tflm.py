"""The engine tflm without TFLM: what is said when it is missing, and which library would be taken."""

import subprocess

import pytest
from standin import write_kernel, write_pair

from axedge.artifacts.errors import ToolMissing, UsageError
from axedge.firmware.arena import MARGIN_BYTES, bound_arena, given_arena
from axedge.firmware.boards import FIRMWARE, load_board
from axedge.firmware.build import build_firmware
from axedge.firmware.model_header import read_pair, tflm_definition, tflm_header
from axedge.firmware.tflm import ARCHIVE, DOWNLOADS, MARK, find_tflm
from axedge.firmware.toolchain import find_toolchain

pytestmark = pytest.mark.qemu

CORES = {
    "cortex-m0": ("-mcpu=cortex-m0", "-mthumb", "-mfloat-abi=soft"),
    "cortex-m4": ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=soft"),
    "cortex-m4+fp": ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"),
}


@pytest.fixture
def tree(tmp_path):
    """A folder laid out as TFLM's: its marks, and no code."""
    root = tmp_path / "tflite-micro"
    (root / DOWNLOADS / "flatbuffers" / "include").mkdir(parents=True)
    (root / MARK).parent.mkdir(parents=True, exist_ok=True)
    (root / MARK).write_text("")
    return root


def archive(tree, name, core, function="nothing"):
    """Put a library of one function, compiled for a core, where TFLM's Makefile would."""
    folder = tree / "gen" / name / "lib"
    folder.mkdir(parents=True)
    made = folder / "one.o"
    source = f"float {function}(float x) {{ return x * x; }}"
    command = ["arm-none-eabi-gcc", *CORES[core], "-x", "c", "-c", "-", "-o", str(made)]
    subprocess.run(command, input=source, text=True, check=True)
    subprocess.run(["arm-none-eabi-ar", "r", str(folder / ARCHIVE), str(made)], check=True, capture_output=True)
    return folder.parent


def find(folder, board="microbit"):
    target = load_board(board)
    return find_tflm(folder, target, find_toolchain(target.toolchain))


def test_without_a_library_it_says_what_is_missing_and_where_to_get_it(tmp_path):
    kernel, pair = write_kernel(tmp_path / "k"), write_pair(tmp_path / "c")
    with pytest.raises(ToolMissing) as caught:
        build_firmware(pair, kernel, load_board("microbit"), tmp_path / "out", engine="tflm")
    assert "needs TensorFlow Lite Micro, built for the board's core" in caught.value.message
    assert "--tflm DIR" in caught.value.hint and "docs/tflm.md" in caught.value.hint
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_tflm_or_was_not_built_is_named(tree, tmp_path):
    for folder in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(UsageError, match="is no TensorFlow Lite Micro"):
            find(folder)
    with pytest.raises(UsageError, match="it is not built"):
        find(tree)
    (tree / DOWNLOADS / "flatbuffers" / "include").rmdir()
    with pytest.raises(UsageError, match="holds no flatbuffers"):
        find(tree)


def test_a_library_is_chosen_by_the_code_in_it_not_by_its_folder(tree):
    small = archive(tree, "one", "cortex-m0")
    fast = archive(tree, "two", "cortex-m4+fp", "arm_fully_connected_s8")
    archive(tree, "three", "cortex-m4")
    assert (find(tree).archive.parent.parent, find(tree).kernels) == (small, "reference")
    found = find(tree, "mps2-an386")
    assert (found.archive.parent.parent, found.kernels, found.root) == (fast, "cmsis-nn", tree)
    assert "CMSIS_NN" in found.definitions and "CMSIS_NN" not in find(tree).definitions
    assert find(fast, "mps2-an386") == found


def test_libraries_that_do_not_fit_or_are_one_too_many_are_listed(tree):
    first = archive(tree, "soft floats", "cortex-m4")
    with pytest.raises(UsageError, match="no library .* is for mps2-an386 .*: soft floats") as caught:
        find(tree, "mps2-an386")
    assert "docs/tflm.md" in caught.value.hint
    with pytest.raises(UsageError, match=r"is for native \(this computer\): soft floats"):
        find(tree, "native")
    for name in ("a", "b"):
        archive(tree, name, "cortex-m0")
    with pytest.raises(UsageError, match=r"several libraries fit microbit: .*gen/a, .*gen/b") as caught:
        find(tree)
    assert "--tflm" in caught.value.hint
    assert find(tree / "gen" / "a").archive.parent.parent == tree / "gen" / "a" != first


def test_a_damaged_library_is_refused(tree):
    (archive(tree, "a", "cortex-m0") / "lib" / ARCHIVE).write_bytes(b"!<arch>\nnot one")
    with pytest.raises(Exception, match="libtensorflow-microlite.a"):
        find(tree)


def test_the_header_says_which_model_and_leaves_out_a_head_that_is_not_there(tmp_path):
    pair = read_pair(write_pair(tmp_path), "standin")
    header, source = pair.arrays
    with pytest.raises(Exception, match=r"axnet_standin_tflite\.h is missing"):
        tflm_header(pair)
    source.write_text("")
    header.write_text("#define AXNET_STANDIN_TFLITE_LOGIT_OUTPUT 0\n")
    text = tflm_header(pair)
    assert "#define AXE_TFLM_LOGIT AXNET_STANDIN_TFLITE_LOGIT_OUTPUT" in text
    assert f"#define AXE_TFLM_RUN {tflm_definition(pair).split('=')[1]}\n" in text
    header.write_text("\n")
    assert "AXE_TFLM_LOGIT" not in tflm_header(pair)


def test_arenas_that_were_not_measured_say_so():
    assert (given_arena(2001).bytes, given_arena(2001).how) == (2000, "given")
    with pytest.raises(UsageError, match="an arena of 8 bytes is none"):
        given_arena(8)
    bound = bound_arena(3297)
    assert (bound.needed_bytes, bound.how) == (3312, "bound")
    assert bound.bytes == 4976 + MARGIN_BYTES and bound.bytes % 16 == 0
    with pytest.raises(ToolMissing, match="cannot be measured here"):
        bound_arena(None)


def test_the_probe_and_the_boards_start_need_nothing_but_the_interpreter(tmp_path):
    """What a full build links, but for TFLM: a name that the boards' start wants and the probe lacks shows here."""
    pair = read_pair(write_pair(tmp_path), "standin")
    pair.arrays[0].write_text("")
    pair.arrays[1].write_text("")
    (tmp_path / "axe_tflm_model.h").write_text(tflm_header(pair))
    engine, shared = FIRMWARE / "engines" / "tflm", FIRMWARE / "boards" / "_cortex_m"
    folders = [f"-I{path}" for path in (tmp_path, engine, shared, FIRMWARE / "include")]
    strict = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O2", "-DAXE_PROBE_ARENA_BYTES=4096")
    made = []
    for source in (engine / "probe" / "probe.c", engine / "axe_tflm_runtime.c", shared / "startup.c"):
        made.append(str(tmp_path / f"{source.stem}.o"))
        command = ["arm-none-eabi-gcc", *CORES["cortex-m0"], *strict, *folders, "-c", str(source), "-o", made[-1]]
        subprocess.run(command, check=True)
    whole = str(tmp_path / "whole.o")
    subprocess.run(["arm-none-eabi-ld", "-r", *made, "-o", whole], check=True)
    wanted = subprocess.check_output(["arm-none-eabi-nm", "-u", whole], text=True).split()[1::2]
    known = {"axe_standin_tflm_open", "axe_standin_tflm_run", "memcmp", "memset", "memcpy"}
    script = (shared / "sections.ld").read_text()
    assert {name for name in wanted if name not in known and name not in script and "aeabi" not in name} == set()
