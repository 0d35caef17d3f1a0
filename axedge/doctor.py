"""What this machine has of all that axedge uses, without importing any of it."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Any

VERSION_TIMEOUT_S = 10


@dataclass(frozen=True)
class Finding:
    """One thing looked for.

    Attributes:
        name: what was looked for.
        found: its version; empty where it is missing.
        needed_for: what cannot be done without it.
        demo: whether `axedge run` on the emulated micro:bit needs it.
        apt: Debian package that brings it, or empty.
        pip: requirement that brings it, or empty.
        note: said when it is missing and neither apt nor pip is the answer.
    """

    name: str
    found: str
    needed_for: str
    demo: bool = False
    apt: str = ""
    pip: str = ""
    note: str = ""

    @property
    def blocks_demo(self) -> bool:
        """Whether the demo cannot run because of this."""
        return self.demo and not self.found

    @property
    def mark(self) -> str:
        """One sign for a table."""
        if self.found:
            return "ok"
        return "!!" if self.demo else "--"

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain data."""
        return asdict(self)


# name, programs that serve, needed for, demo, Debian package
PROGRAMS = (
    ("host C compiler", ("cc", "gcc", "clang"), "training data, generated C on the host, board native", True, "gcc"),
    ("Arm compiler", ("arm-none-eabi-gcc",), "firmware for Arm boards", True, "gcc-arm-none-eabi"),
    ("QEMU for Arm", ("qemu-system-arm",), "emulated Arm boards", True, "qemu-system-arm"),
    (
        "RISC-V compiler",
        ("riscv64-unknown-elf-gcc",),
        "firmware for hifive1",
        False,
        "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
    ),
    ("QEMU for RISC-V", ("qemu-system-riscv32",), "emulated hifive1", False, "qemu-system-misc"),
    ("AVR compiler", ("avr-gcc",), "firmware for arduino-uno", False, "gcc-avr avr-libc"),
    ("Node", ("node",), "emulated rpi-pico", False, "nodejs npm"),
    ("CMake", ("cmake",), "firmware", True, "cmake"),
    ("Ninja", ("ninja", "ninja-build"), "firmware", True, "ninja-build"),
    ("OpenOCD", ("openocd",), "flashing real boards through a probe", False, "openocd"),
    ("pyOCD", ("pyocd",), "flashing real boards through a CMSIS-DAP probe", False, ""),
)

# distribution names that serve, needed for, demo, requirement
PACKAGES = (
    (("tensorflow-cpu", "tensorflow"), "train and convert", True, "axedge[train]"),
    (("tflite-micro",), "checking bits against TensorFlow Lite Micro", False, "axedge[train]"),
    (("tflite-runtime", "ai-edge-litert"), "comparing the device with the desktop interpreter", False, "axedge"),
    (("pyserial",), "talking to boards", True, "axedge"),
)

NO_TFLM_WHEEL = "tflite-micro has wheels for x86-64 Linux only: the TFLM check is not done here."


def examine() -> list[Finding]:
    """Look for everything; nothing is imported, and each program is asked for its version only."""
    python = f"{platform.python_version()} ({platform.machine()} {platform.system()})"
    findings = [Finding("Python", python, "everything", demo=True)]
    for name, programs, needed_for, demo, apt in PROGRAMS:
        pip = "pyocd" if name == "pyOCD" else ""
        findings.append(Finding(name, _program_version(programs), needed_for, demo, apt, pip))
    arm_libc = "newlib-nano" if _has_arm_newlib() else ""
    findings.append(Finding("C library for Arm", arm_libc, "firmware for Arm boards", True, "libnewlib-arm-none-eabi"))
    for names, needed_for, demo, requirement in PACKAGES:
        note = NO_TFLM_WHEEL if names == ("tflite-micro",) and not _has_tflm_wheel() else ""
        pip = "" if note else requirement
        findings.append(Finding(" or ".join(names), _package_version(names), needed_for, demo, "", pip, note))
    return findings


def advice(findings: list[Finding]) -> list[str]:
    """Return what to type for what is missing: first what the demo needs, then what else there is."""
    missing = [finding for finding in findings if not finding.found]
    lines = []
    for title, chosen in (
        ("Install", [finding for finding in missing if finding.demo]),
        ("Optional", [finding for finding in missing if not finding.demo]),
    ):
        apt = [finding.apt for finding in chosen if finding.apt]
        pip = sorted({finding.pip for finding in chosen if finding.pip})
        if apt:
            lines.append(f"{title}: apt-get install --no-install-recommends {' '.join(apt)}")
        if pip:
            lines.append(f"{title}: {sys.executable} -m pip install {' '.join(shlex.quote(one) for one in pip)}")
    lines += [finding.note for finding in missing if finding.note]
    if any(finding.blocks_demo for finding in findings):
        lines.append("With a C compiler alone: axedge run inversek2j --board native")
    else:
        lines.append("Ready: axedge run inversek2j --board microbit")
    return lines


def _program_version(programs: tuple[str, ...]) -> str:
    for program in programs:
        path = shutil.which(program)
        if path is None:
            continue
        try:
            answer = subprocess.run(
                [path, "--version"], capture_output=True, text=True, timeout=VERSION_TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if answer.returncode == 0:
            version = re.search(r"\d+(\.\d+)+", re.sub(r"\(.*?\)", "", answer.stdout or answer.stderr))
            return f"{program} {version.group()}" if version else program
    return ""


def _package_version(names: tuple[str, ...]) -> str:
    for name in names:
        try:
            return f"{name} {importlib.metadata.version(name)}"
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""


def _has_tflm_wheel() -> bool:
    return platform.system() == "Linux" and platform.machine() == "x86_64"


def _has_arm_newlib() -> bool:
    compiler = shutil.which("arm-none-eabi-gcc")
    if compiler is None:
        return False
    command = [compiler, "-mcpu=cortex-m0", "-mthumb", "--specs=nano.specs", "-E", "-x", "c", "-"]
    try:
        answer = subprocess.run(
            command, input="#include <math.h>\n", capture_output=True, text=True, timeout=VERSION_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0
