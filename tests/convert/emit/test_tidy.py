"""The generated C is clean under cppcheck and clang-tidy, whatever it was made for."""

import subprocess
from pathlib import Path

import pytest
from emit_build import write_pair
from emit_nets import axnet, deploy

pytestmark = pytest.mark.cc

ROOT = Path(__file__).resolve().parents[3]
WIDE = {"inputs": 18, "hidden": (20, 8), "predictor": 16, "curve": False}

#: Mode, core and network: straight code, loops, MVE's portable form, the table of layers, and 16 bits.
KINDS = {
    "speed, any core": ("speed", "generic", {"inputs": 3, "hidden": (6, 3)}),
    "speed, loops, M0": ("speed", "cortex-m0", {"inputs": 6, "hidden": (9,), "predictor": 6}),
    "speed, wide, M55": ("speed", "cortex-m55", WIDE),
    "size": ("size", "generic", {"inputs": 3, "hidden": (6, 3)}),
    "size, 16 bits": ("size", "generic", {"inputs": 2, "hidden": (5,), "bits": 16}),
}


def written(folder, kind):
    """Write a pair; return its C."""
    optimize, core, shape = KINDS[kind]
    return write_pair(folder, deploy(axnet(20, **shape)), optimize, core)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_clang_tidy_finds_nothing(tmp_path, kind):
    config = f"--config-file={ROOT / '.clang-tidy'}"
    command = ["clang-tidy", "--quiet", config, str(written(tmp_path, kind)), "--", "-std=c99"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_cppcheck_finds_nothing(tmp_path, kind):
    checks = ["--enable=warning,performance,portability", "--error-exitcode=1"]
    # That a right shift keeps the sign is asserted at compile time; the system's headers are the compiler's business.
    suppressed = ["--suppress=missingIncludeSystem", "--suppress=shiftTooManyBitsSigned"]
    command = ["cppcheck", "--quiet", "--std=c99", *checks, *suppressed, str(written(tmp_path, kind))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
