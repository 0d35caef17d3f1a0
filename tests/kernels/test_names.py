"""A kernel's name becomes part of many generated ones: none of them may be another kernel's, or the firmware's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from axedge.convert import emit
from axedge.firmware.boards import FIRMWARE
from axedge.kernels.names import ENDINGS, check_function_name, check_kernel_name

TEMPLATES = Path(emit.__file__).parent / "templates"
PAIR = "".join((TEMPLATES / f"axnet.{kind}.j2").read_text(encoding="utf-8") for kind in "hc")
HEADERS = (FIRMWARE / "model_header.py").read_text(encoding="utf-8")


def refused(name: str) -> bool:
    try:
        check_kernel_name(name)
    except ValueError:
        return True
    return False


def firmware_code() -> str:
    files = [path for path in FIRMWARE.rglob("*") if path.suffix in {".c", ".h", ".cc", ".def", ".S", ".ld"}]
    assert len(files) > 50
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", "\n".join(path.read_text("utf-8") for path in files), flags=re.S)


@pytest.mark.parametrize("name", ["arm_exact", "arm_q", "arm_net", "arm_approximate", "arm_tflm_run", "board_ticks"])
def test_a_name_that_would_meet_another_is_refused(name: str) -> None:
    check_function_name(name)
    assert refused(name)


@pytest.mark.parametrize("name", ["arm", "exact", "net", "q", "inexact", "barcode", "linkage", "my_model"])
def test_a_name_that_only_looks_like_one_is_taken(name: str) -> None:
    assert check_kernel_name(name) == name


def test_the_endings_are_those_of_the_generated_names() -> None:
    pair = set(re.findall(r"axe_\{\{ kernel \}\}(_\w+)", PAIR))
    tflm = set(re.findall(r"axe_\{(?:pair\.)?kernel\}(_\w+)", HEADERS))
    files = {"_tflite", "_tflm"}  # axnet_<kernel>_tflite.h, and an export's axnet_<kernel>_tflm.h
    assert {"_exact", "_net"} <= pair and "_tflm_open" in tflm
    assert set(ENDINGS) == pair | tflm | files


def test_no_generated_name_is_one_of_the_firmwares() -> None:
    code = firmware_code()
    names = set(re.findall(r"\baxe_(\w+)\b(?!\.\w)", code))
    macros = set(re.findall(r"\bAXE_(\w+)", code + HEADERS))
    assert {"board_ticks", "engine_init"} <= names and "MODEL_HAS_EXACT" in macros
    of_the_pair = {f"_{ending}" for ending in re.findall(r"AXE_\{\{ KERNEL \}\}_(\w+)", PAIR)}
    met = {name[: -len(ending)] for name in names for ending in ENDINGS if name.endswith(ending)}
    met |= {name[: -len(ending)].lower() for name in macros for ending in of_the_pair if name.endswith(ending)}
    assert {"engine", "model"} <= met
    assert sorted(name for name in names | met if name and not refused(name)) == []
