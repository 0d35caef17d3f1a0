"""The engine tflm in an export, as far as it goes without TFLM: test_built_tflm.py runs it with one."""

from __future__ import annotations

import os
import re
from pathlib import Path
from unittest import mock

import pytest
import yaml
from dropin_kit import WARNINGS, run

from axedge.convert.dropin import FORMS

pytestmark = [pytest.mark.train, pytest.mark.cc, pytest.mark.xdist_group("dropin")]

# Stands in for interpreter and library: sets up where told to, and answers codes that make any input safe.
STAND_IN = """
#include <stddef.h>
#include <stdint.h>
static int is_open;
int axe_inversek2j_tflm_open(void *arena, size_t bytes);
int32_t axe_inversek2j_tflm_run(const int8_t *in, int8_t *out, int32_t least);
int axe_inversek2j_tflm_open(void *arena, size_t bytes)
{
    is_open = TROUBLE == 0 && (uintptr_t)arena % 16 == 0 && bytes >= 512;
    return is_open ? 0 : -1;
}
int32_t axe_inversek2j_tflm_run(const int8_t *in, int8_t *out, int32_t least)
{
    if (!is_open) {
        return -(1 << 24);
    }
    out[0] = in[0];
    out[1] = in[1];
    return least + 1000;
}
"""


@pytest.mark.parametrize("form", FORMS)
def test_the_folder_holds_all_that_it_names(exported, form: str) -> None:
    folder, one = exported("inversek2j", form, "tflm"), FORMS[form]
    c_files = [path for path in folder.rglob("*") if path.suffix in (".c", ".cc", ".cpp", ".h", ".ino")]
    for path in c_files:
        for name in re.findall(r'#include ["<]((?:axnet|axe|number)[\w./]*)[">]', path.read_text()):
            assert any((place / name).is_file() for place in (path.parent, folder / one.headers)), (path, name)
    sources = folder / one.sources
    assert {path.name for path in sources.glob("*.cc")} == {"axnet_inversek2j_tflite.cc", "axnet_inversek2j_tflm.cc"}
    assert (
        (sources / "axnet_inversek2j.c")
        .read_text()
        .startswith("#define AXE_INVERSEK2J_NETWORK axe_inversek2j_tflm_run\n")
    )
    readme = (folder / "README.md").read_text()
    arena = re.search(r"_ARENA_BYTES (\d+)", (folder / one.headers / "axnet_inversek2j_tflm.h").read_text())[1]
    assert f"an arena of {arena} bytes" in readme and "axe_inversek2j_tflm_open(arena" in readme
    assert int(arena) % 16 == 0


@pytest.mark.parametrize("trouble", [0, 1])
def test_the_example_says_when_it_cannot_be_set_up(exported, tmp_path: Path, trouble: int) -> None:
    folder = exported("inversek2j", "c", "tflm")
    (tmp_path / "stand_in.c").write_text(STAND_IN)
    files = (*(folder / name for name in ("example.c", "axnet_inversek2j.c", "inversek2j.c")), tmp_path / "stand_in.c")
    run("gcc", "-std=c99", *WARNINGS, f"-DTROUBLE={trouble}", *files, "-lm", "-o", tmp_path / "x", "-I", folder)
    printed = run(tmp_path / "x").splitlines()
    assert ("TensorFlow Lite Micro cannot be set up: -1" in printed) == bool(trouble)
    way = "the predictor said no, so the exact function answered" if trouble else "the network answered"
    assert printed[-3] == f"inversek2j: {way}"


def test_the_esp_idf_component_needs_espressifs_tflm(exported) -> None:
    from idf_component_tools.manager import ManifestManager

    folder = exported("inversek2j", "esp-idf", "tflm")
    with mock.patch.dict(os.environ, {"IDF_COMPONENT_OVERWRITE_MANAGED_COMPONENTS": "0"}):
        manifest = ManifestManager(str(folder), name=folder.name, upload_mode="component").load()
    (needed,) = manifest.requirements
    assert needed.name == "espressif/esp-tflite-micro"
    assert "PRIV_REQUIRES esp-tflite-micro" in (folder / "CMakeLists.txt").read_text()


def test_the_zephyr_module_needs_zephyrs_tflm(exported) -> None:
    folder = exported("inversek2j", "zephyr", "tflm")
    assert "depends on TENSORFLOW_LITE_MICRO" in (folder / "zephyr" / "Kconfig").read_text()
    settings = (folder / "samples" / "one_result" / "prj.conf").read_text().split()
    assert {"CONFIG_TENSORFLOW_LITE_MICRO=y", "CONFIG_AXNET_INVERSEK2J=y"} <= set(settings)
    assert yaml.safe_load((folder / "zephyr" / "module.yml").read_text())["name"] == "axnet_inversek2j"
