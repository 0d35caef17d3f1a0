"""Building: what the record says, what repeats, what is refused and how."""

import shutil

import pytest
from standin import MODEL_HASH, convert_record, write_kernel, write_pair

from axedge.artifacts.errors import ArtifactError, BuildError, CheckFailed, ToolMissing, UsageError
from axedge.artifacts.records.build import BuildRecord
from axedge.firmware import toolchain
from axedge.firmware.boards import board_names, load_board
from axedge.firmware.build import build_firmware, build_inputs_digest

pytestmark = [pytest.mark.qemu, pytest.mark.xdist_group("firmware images")]


def test_the_record_beside_the_image(images):
    elf, record = images.get("microbit")
    assert BuildRecord.load(elf.parent) == record
    assert record.model_hash == MODEL_HASH
    assert (record.kernel, record.board, record.engine, record.activations) == ("standin", "microbit", "aot", "int8")
    assert record.build_id == record.inputs_digest[:16]
    assert record.images == ("firmware.elf", "firmware.hex", "firmware.bin")
    assert all((elf.parent / name).is_file() for name in (*record.images, "firmware.map", "build.log"))
    assert "-mcpu=cortex-m0" in record.flags and "-fno-move-loop-stores" in record.flags
    assert "arm-none-eabi-gcc" in record.compiler


def test_the_footprint_is_that_of_the_image(images):
    elf, record = images.get("microbit")
    taken = record.footprint
    assert taken.flash_bytes == (elf.parent / "firmware.bin").stat().st_size
    assert taken.stack_bytes == 2048 and taken.stack_is == "reserved"
    assert record.frame_max + record.credit < taken.ram_bytes < record.frame_max + record.credit + 512
    assert taken.engine_ram_bytes == 0
    _, empty = images.get("microbit", network=False)
    assert empty.engine == "none"
    assert taken.engine_flash_bytes == taken.flash_bytes - empty.footprint.flash_bytes > 0
    assert empty.footprint.engine_flash_bytes == 0


def test_the_bytes_do_not_depend_on_the_path(tmp_path, images):
    elf, record = images.get("microbit")
    there = tmp_path / "a very" / "different place"
    kernel, pair = write_kernel(there / "k"), write_pair(there / "c")
    again = build_firmware(pair, kernel, load_board("microbit"), there / "out")
    assert again == record
    assert (there / "out" / "firmware.bin").read_bytes() == (elf.parent / "firmware.bin").read_bytes()
    assert (there / "out" / "firmware.elf").read_bytes() == elf.read_bytes()


def test_what_goes_into_the_image_changes_its_id(tmp_path):
    kernel, pair, board = write_kernel(tmp_path / "k"), write_pair(tmp_path / "c"), load_board("microbit")
    digests = [build_inputs_digest(pair, kernel, board)]
    assert build_inputs_digest(pair, kernel, board) == digests[0]
    digests.append(build_inputs_digest(pair, kernel, board, optimize="size"))
    digests.append(build_inputs_digest(pair, kernel, board, network=False))
    digests.append(build_inputs_digest(pair, kernel, load_board("mps2-an386")))
    source = pair / "axnet_standin.c"
    source.write_text(source.read_text() + "\n")
    digests.append(build_inputs_digest(pair, kernel, board))
    (tmp_path / "k" / "standin.c").write_text((tmp_path / "k" / "standin.c").read_text() + "\n")
    digests.append(build_inputs_digest(pair, kernel, board))
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("board", board_names())
def test_every_board_builds_without_a_warning(images, board):
    elf, record = images.get(board)
    assert record.activations == "int8"
    assert "warning" not in (elf.parent / "build.log").read_text()


@pytest.mark.parametrize("board", ["microbit", "native"])
def test_two_byte_codes_build(images, board):
    _, record = images.get(board, bits=16)
    assert record.activations == "int16"


@pytest.mark.parametrize("optimize", ["balanced", "size"])
def test_optimisation_is_what_was_asked_for(images, optimize):
    _, record = images.get("microbit", optimize=optimize)
    assert record.flags[-1] == {"balanced": "-O2", "size": "-Os"}[optimize]
    assert record.footprint.engine_flash_bytes < images.get("microbit")[1].footprint.engine_flash_bytes


def test_an_image_that_does_not_fit_is_refused_with_the_numbers(tmp_path):
    kernel, pair = write_kernel(tmp_path / "k"), write_pair(tmp_path / "c")
    source = pair / "axnet_standin.c"
    source.write_text(
        source.read_text().replace(
            "typedef", "static const volatile char big[300000] = {1};\nstatic char wide[20000];\ntypedef", 1
        )
        + "const char *keep(int i);\nconst char *keep(int i)\n{\n    wide[i] = big[i];\n    return wide;\n}\n"
        "__attribute__((constructor)) static void pull(void)\n{\n    (void)keep(3);\n}\n"
    )
    with pytest.raises(CheckFailed) as caught:
        build_firmware(pair, kernel, load_board("microbit"), tmp_path / "out")
    text = str(caught.value)
    assert "does not fit microbit" in text
    assert "of flash" in text and "more than the 262144 there are" in text
    assert "of RAM (2048 of it for the stack)" in text and "more than the 16384 there are" in text
    assert not (tmp_path / "out" / "build.json").exists()


def test_a_mistake_in_the_kernel_shows_the_compilers_first_error(tmp_path, images):
    kernel, pair = write_kernel(tmp_path / "k"), write_pair(tmp_path / "c")
    build_firmware(pair, kernel, load_board("native"), tmp_path / "out")
    (tmp_path / "k" / "standin.c").write_text("void standin(const float in[2], float out[2]) { out[0] = inn[0]; }")
    with pytest.raises(BuildError) as caught:
        build_firmware(pair, kernel, load_board("native"), tmp_path / "out")
    assert "standin.c:1:" in caught.value.message and "inn" in caught.value.message
    assert str(tmp_path / "out" / "build.log") in caught.value.hint
    assert not (tmp_path / "out" / "build.json").exists(), "the record of an older image was left beside a failed build"


def test_a_function_that_is_not_there_is_named(tmp_path):
    kernel, pair = write_kernel(tmp_path / "k"), write_pair(tmp_path / "c")
    (tmp_path / "k" / "standin.c").write_text("int nothing;\n")
    with pytest.raises(BuildError, match="undefined reference to `standin'"):
        build_firmware(pair, kernel, load_board("microbit"), tmp_path / "out")


def test_a_path_that_cmake_cannot_hold_is_refused(tmp_path):
    kernel, pair = write_kernel(tmp_path / "k;l"), write_pair(tmp_path / "c")
    with pytest.raises(UsageError, match="semicolon"):
        build_firmware(pair, kernel, load_board("native"), tmp_path / "out")


def test_missing_tools_name_their_package(tmp_path, monkeypatch):
    kernel, pair = write_kernel(tmp_path / "k"), write_pair(tmp_path / "c")
    which = shutil.which
    for program, package in (
        ("arm-none-eabi-gcc", "gcc-arm-none-eabi libnewlib-arm-none-eabi"),
        ("cmake", "cmake"),
        ("ninja", "ninja-build"),
    ):
        monkeypatch.setattr(
            toolchain.shutil,
            "which",
            lambda name, path=None, gone=program: None if name == gone else which(name, path=path),
        )
        with pytest.raises(ToolMissing) as caught:
            build_firmware(pair, kernel, load_board("microbit"), tmp_path / "out")
        assert program in caught.value.message and f"apt-get install {package}" in caught.value.hint


def test_files_of_another_model_are_refused(tmp_path):
    kernel, pair = write_kernel(tmp_path / "k"), write_pair(tmp_path / "c")
    board = load_board("native")
    convert_record().model_copy(update={"model_hash": "f" * 16}).save(pair)
    with pytest.raises(ArtifactError, match=r"is of model 0123456789abcdef, convert.json of f{16}"):
        build_firmware(pair, kernel, board, tmp_path / "out")
    convert_record().model_copy(update={"kernel": "other"}).save(pair)
    with pytest.raises(ArtifactError, match="holds kernel other, not standin"):
        build_firmware(pair, kernel, board, tmp_path / "out")
    (pair / "axnet_standin.h").write_text("nothing\n")
    with pytest.raises(ArtifactError, match="is not a header that this version of axedge generates"):
        build_firmware(pair, kernel, board, tmp_path / "out")
    (pair / "axnet_standin.h").unlink()
    with pytest.raises(ArtifactError, match=r"axnet_standin\.h is missing"):
        build_firmware(pair, kernel, board, tmp_path / "out")


def test_unknown_options_are_refused(tmp_path):
    kernel, pair = write_kernel(tmp_path / "k"), write_pair(tmp_path / "c")
    for options, text in (
        ({"engine": "aott"}, "there is no engine 'aott'. Did you mean aot"),
        ({"optimize": "sped"}, "there is no optimisation 'sped'. Did you mean speed"),
        ({"sanitize": True}, "cannot run the sanitizers"),
    ):
        with pytest.raises(UsageError, match=text):
            build_firmware(pair, kernel, load_board("microbit"), tmp_path / "out", **options)


def test_the_frame_grows_where_a_sample_needs_more(tmp_path):
    from axedge.firmware.model_header import GeneratedPair, frame_bytes, wire_sizes

    for inputs, outputs in ((1, 1), (64, 64), (255, 255)):
        pair = GeneratedPair("wide", tmp_path, MODEL_HASH, inputs, outputs, inputs, 8)
        sizes = wire_sizes(pair, "microbit", 512, 2048)
        assert sizes.frame_max == max(512, frame_bytes(2 + 9 + 8 * outputs), frame_bytes(2 + 4 * inputs))
        assert sizes.credit == max(2048, sizes.frame_max)
