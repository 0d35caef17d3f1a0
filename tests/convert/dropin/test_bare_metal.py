"""A user's own firmware, with nothing of axedge in it but an exported folder, on an emulated Cortex-M4F."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from dropin_kit import HERE, run

pytestmark = [pytest.mark.train, pytest.mark.qemu, pytest.mark.xdist_group("dropin")]

CORE = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")
LINK = ("-nostartfiles", "--specs=nano.specs", "-Wl,--gc-sections")
RUN_TIMEOUT_S = 60
APPROXIMATED, UNSAFE, OUT_OF_DOMAIN = 0, 1, 2


def rows_header(x: np.ndarray) -> str:
    """Return the inputs as C; bit patterns, since NaN and infinities are among them."""
    lines = [", ".join(f"0x{word:08x}u" for word in row) for row in x.view(np.uint32)]
    body = ",\n".join(f"    {{{line}}}" for line in lines)
    return f"#define ROWS {len(x)}\nstatic const uint32_t rows[ROWS][{x.shape[1]}] = {{\n{body}\n}};\n"


def emulate(elf: Path) -> str:
    console = ("-semihosting-config", "enable=on,target=native")
    command = (
        "qemu-system-arm",
        "-M",
        "mps2-an386",
        "-display",
        "none",
        "-monitor",
        "none",
        "-serial",
        "null",
        *console,
    )
    done = subprocess.run(
        [*command, "-kernel", str(elf)], capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr  # QEMU writes semihosting's console to either


def test_an_exported_folder_in_a_bare_metal_firmware(converted, exported, tmp_path: Path) -> None:
    one, project = converted("inversek2j"), tmp_path / "firmware"
    shutil.copytree(HERE / "bare", project)
    shutil.copytree(exported("inversek2j", "c"), project / "axnet_inversek2j")
    with np.load(one.folder / "samples.npz") as samples:
        inside, exact = samples["x"][:300], samples["y"][:300]
    odd = np.array([[np.nan, 0.5], [np.inf, 0.5], [0.5, -np.inf], [1.5, 0.5], [0.5, -0.01]], np.float32)
    (project / "rows.h").write_text(rows_header(np.concatenate([inside, odd])))
    dropin = [project / "axnet_inversek2j" / name for name in ("axnet_inversek2j.c", "inversek2j.c")]
    strict = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-ffunction-sections", "-fno-move-loop-stores")
    sources = [project / "start.c", project / "main.c", *dropin]
    include = ("-I", project / "axnet_inversek2j", "-T", project / "link.ld")
    run("arm-none-eabi-gcc", *CORE, *strict, *include, *sources, *LINK, "-lm", "-o", project / "firmware.elf")

    printed = [[int(word, 16) for word in line.split()] for line in emulate(project / "firmware.elf").splitlines()]
    paths = np.array([row[0] for row in printed])
    answers = np.array([row[1:] for row in printed], np.uint32)
    network, used = one.network(inside)
    np.testing.assert_array_equal(paths[:300], np.where(used, APPROXIMATED, UNSAFE))
    assert 0 < used.sum() < 300
    np.testing.assert_array_equal(answers[:300][used], network.view(np.uint32)[used])  # bit for bit
    fallen_back = answers.view(np.float32)[:300][~used]
    np.testing.assert_allclose(fallen_back, exact[~used], rtol=1e-5, atol=1e-6)  # another libm
    np.testing.assert_array_equal(paths[300:], OUT_OF_DOMAIN)
    np.testing.assert_allclose(
        answers.view(np.float32)[303:], one.kernel.exact(odd[3:]), rtol=1e-5, atol=1e-6, equal_nan=True
    )
