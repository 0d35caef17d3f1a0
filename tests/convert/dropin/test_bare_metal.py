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


def build_and_run(
    one, project: Path, dropin: Path, inputs: np.ndarray, compile_dropin
) -> tuple[np.ndarray, np.ndarray]:
    """Return paths (N,) and the outputs' bits (N, m) of a firmware around an exported folder.

    Args:
        one: the converted kernel.
        project: to be made.
        dropin: the exported folder.
        inputs: float32 (N, n).
        compile_dropin: from the folder and the flags of C to further arguments of the compiler, which links too.
    """
    shutil.copytree(HERE / "bare", project)
    shutil.copytree(dropin, project / dropin.name)
    (project / "rows.h").write_text(rows_header(inputs))
    strict = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-ffunction-sections", "-fno-move-loop-stores")
    more = compile_dropin(project / dropin.name, (*CORE, *strict))
    sources = [project / "start.c", project / "main.c"]
    include = ("-I", project / dropin.name, "-T", project / "link.ld")
    run("arm-none-eabi-gcc", *CORE, *strict, *include, *sources, *more, *LINK, "-lm", "-o", project / "firmware.elf")
    printed = [[int(word, 16) for word in line.split()] for line in emulate(project / "firmware.elf").splitlines()]
    return np.array([row[0] for row in printed]), np.array([row[1:] for row in printed], np.uint32)


def check(one, compile_dropin, project: Path, dropin: Path) -> None:
    with np.load(one.folder / "samples.npz") as samples:
        inside, exact = samples["x"][:300], samples["y"][:300]
    odd = np.array([[np.nan, 0.5], [np.inf, 0.5], [0.5, -np.inf], [1.5, 0.5], [0.5, -0.01]], np.float32)
    paths, answers = build_and_run(one, project, dropin, np.concatenate([inside, odd]), compile_dropin)
    network, used = one.network(inside)
    np.testing.assert_array_equal(paths[:300], np.where(used, APPROXIMATED, UNSAFE))
    assert 0 < used.sum() < 300
    np.testing.assert_array_equal(answers[:300][used], network.view(np.uint32)[used])  # bit for bit
    fallen_back = answers.view(np.float32)[:300][~used]
    np.testing.assert_allclose(fallen_back, exact[~used], rtol=1e-5, atol=1e-6)  # another libm
    np.testing.assert_array_equal(paths[300:], OUT_OF_DOMAIN)
    exact_there = one.kernel.exact(odd[3:])
    np.testing.assert_allclose(answers.view(np.float32)[303:], exact_there, rtol=1e-5, atol=1e-6)


def test_an_exported_folder_in_a_bare_metal_firmware(converted, exported, tmp_path: Path) -> None:
    def compiled(folder: Path, flags: tuple[str, ...]) -> list[object]:
        return [folder / "axnet_inversek2j.c", folder / "inversek2j.c"]

    check(converted("inversek2j"), compiled, tmp_path / "firmware", exported("inversek2j", "c"))
