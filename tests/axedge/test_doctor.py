from __future__ import annotations

from pathlib import Path

import pytest

from axedge import doctor

pytestmark = pytest.mark.host


@pytest.fixture
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def add_program(folder: Path, name: str, says: str, code: int = 0) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    path.chmod(0o755)


def found(name: str) -> str:
    return next(finding.found for finding in doctor.examine() if finding.name == name)


def test_an_empty_machine_is_told_what_to_install(empty_machine: Path) -> None:
    findings = doctor.examine()
    assert any(finding.blocks_demo for finding in findings)
    advice = doctor.advice(findings)
    install = next(line for line in advice if line.startswith("Install: apt-get"))
    for package in ("gcc", "gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "qemu-system-arm", "cmake", "ninja-build"):
        assert package in install.split()
    assert "openocd" not in install
    assert any(line.startswith("Optional:") and "openocd" in line for line in advice)
    assert advice[-1].startswith("With a C compiler alone")


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ("cmake version 3.25.1", "cmake 3.25.1"),
        ("cmake (15:12.2.rel1-1) 12.2.1 20221205", "cmake 12.2.1"),
        ("Open On-Chip Debugger", "cmake"),
    ],
)
def test_a_program_is_named_with_its_version(empty_machine: Path, says: str, version: str) -> None:
    add_program(empty_machine, "cmake", says)
    assert found("CMake") == version


def test_a_program_that_fails_does_not_count(empty_machine: Path) -> None:
    add_program(empty_machine, "cmake", "cmake version 3.25.1", code=1)
    assert found("CMake") == ""


def test_a_machine_without_tflm_wheels_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_has_tflm_wheel", lambda: False)
    monkeypatch.setattr(doctor, "_package_version", lambda names: "")
    findings = doctor.examine()
    assert doctor.NO_TFLM_WHEEL in doctor.advice(findings)
