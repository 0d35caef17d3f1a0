"""scripts/setup.sh on machines that lack things: each has one clear answer, and nothing is installed by these tests."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALWAYS_THERE = (
    *("awk", "basename", "cat", "cksum", "cut", "df", "dirname", "env", "grep", "head"),
    *("mktemp", "rm", "sed", "sh", "tail", "tr", "uname", "uniq", "wc"),
)
PYTHON = 'if [ "$1" = -VV ]; then echo "Python 3.11.2"; fi; exit 0'

pytestmark = pytest.mark.host


class Machine:
    """A PATH of its own, with stand-ins for the programs that a test says are there."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        for name in ALWAYS_THERE:
            (self.bin / name).symlink_to(shutil.which(name) or name)
        self.add("id", "echo 1000")
        self.home = folder

    def add(self, name: str, body: str = "exit 0") -> None:
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def add_toolchain(self) -> None:
        for name in ("cc", "gcc", "arm-none-eabi-gcc", "qemu-system-arm", "cmake", "ninja"):
            self.add(name)

    def run(self, *arguments: str) -> tuple[int, str]:
        answer = subprocess.run(
            ["/bin/sh", ROOT / "scripts" / "setup.sh", *arguments],
            env={"PATH": str(self.bin), "HOME": str(self.home), "VENV": str(self.home / "venv")},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert answer.stdout == ""
        return answer.returncode, answer.stderr


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_without_apt_it_names_the_packages_and_offers_native(machine: Machine) -> None:
    machine.add("python3.11", PYTHON)
    code, said = machine.run("demo", "microbit")
    assert code == 2
    assert "This system has no apt." in said
    for package in ("gcc", "libc6-dev", "gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "qemu-system-arm", "cmake"):
        assert package in said
    assert "make demo BOARD=native" in said


def test_native_asks_for_a_c_compiler_only(machine: Machine) -> None:
    machine.add("python3.11", PYTHON)
    _, said = machine.run("plan", "demo", "native")
    assert "system packages   gcc libc6-dev\n" in said


def test_without_root_it_prints_the_exact_line(machine: Machine) -> None:
    machine.add("python3.12", PYTHON)
    machine.add("apt-get", "exit 0")
    machine.add_toolchain()
    (machine.bin / "qemu-system-arm").unlink()
    code, said = machine.run("demo", "microbit")
    assert code == 2
    assert "    apt-get install --no-install-recommends qemu-system-arm\n" in said
    assert "make demo BOARD=native" in said


def test_native_is_not_offered_to_who_asked_for_it(machine: Machine) -> None:
    machine.add("python3.12", PYTHON)
    for apt in (False, True):
        if apt:
            machine.add("apt-get", "exit 0")
        code, said = machine.run("demo", "native")
        assert code == 2
        assert "gcc libc6-dev" in said
        assert "BOARD=native" not in said


def test_a_python_beside_one_that_is_too_old_is_asked_for(machine: Machine) -> None:
    machine.add("python3", "exit 1")
    machine.add("apt-get", "exit 0")
    machine.add("apt-cache", 'test "$2" = python3.12')
    machine.add_toolchain()
    code, said = machine.run("demo", "microbit")
    assert code == 2
    assert "    apt-get install --no-install-recommends python3.12 python3.12-venv\n" in said


def test_without_a_python_it_says_which_serve_in_one_line(machine: Machine) -> None:
    machine.add_toolchain()
    machine.add("python3", "exit 1")
    code, said = machine.run("demo", "microbit")
    assert code == 2
    last = said.splitlines()[-1]
    assert "no Python 3.11, 3.12 or 3.13" in last
    assert "PYTHON=" in last


def test_without_room_it_stops_before_it_installs(machine: Machine) -> None:
    machine.add("python3.11", PYTHON)
    machine.add_toolchain()
    machine.add("df", 'echo "Filesystem 1M Used Available"; echo "disk 9000 8000 1000 88% /"')
    code, said = machine.run("demo", "microbit")
    assert code == 2
    assert "not enough room" in said
    assert "1000 MB free" in said
    assert not (machine.home / "venv").exists()


def test_what_it_weighs_is_said_before_anything_is_done(machine: Machine) -> None:
    machine.add("python3.11", PYTHON)
    machine.add("apt-get", 'echo "Need to get 206 MB of archives."; echo "After this operation, 1,281 MB of disk"')
    code, said = machine.run("plan", "demo", "microbit")
    assert code == 0
    assert "Need to get 206 MB" in said
    assert "MB to download" in said
    assert not (machine.home / "venv").exists()


def test_the_tests_of_tflm_need_the_headers_of_cpp_too(machine: Machine) -> None:
    machine.add("python3.11", PYTHON)
    machine.add_toolchain()
    machine.add("apt-get")
    assert "libstdc++-arm-none-eabi-newlib" in machine.run("plan", "test-tflm")[1]
    assert "libstdc++" not in machine.run("plan", "test")[1]
    machine.add("arm-none-eabi-g++")
    assert "libstdc++" not in machine.run("plan", "test-tflm")[1]
