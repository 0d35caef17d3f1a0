"""`axedge check` sees what is wrong with a kernel, each trouble made on purpose, and nothing in a sound one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from axedge.kernels.check import Finding, check_kernel
from axedge.kernels.kernel import data_kernel, load_kernel

pytestmark = pytest.mark.cc

TOML = """\
name = "k"
summary = "A kernel"
source = "k.c"
inputs = [{{ name = "a", min = -1.0, max = 1.0 }}, {{ name = "b", min = 0.0, max = 10.0 }}]
outputs = [{{ name = "y", unit = "m" }}]
[error]
metric = "{metric}"
bound = {bound}
{more}
[network]
approximator = [4]
predictor = [3]
"""


def findings(
    folder: Path, body: str, *, metric: str = "absolute", bound: float = 0.05, more: str = ""
) -> dict[str, Finding]:
    folder.mkdir(exist_ok=True)
    (folder / "kernel.toml").write_text(TOML.format(metric=metric, bound=bound, more=more))
    (folder / "k.c").write_text(f"#include <math.h>\nvoid k(const float in[2], float out[1]) {{ {body} }}\n")
    return {one.subject: one for one in check_kernel(load_kernel(folder))}


def test_a_sound_kernel_is_fine(tmp_path: Path) -> None:
    found = findings(tmp_path, "out[0] = in[0] * in[1] + 20.0f;")
    assert {one.level for one in found.values()} == {"fine"}
    assert set(found) == {"compiler", "sanitizers", "y", "jumps"}


@pytest.mark.parametrize(
    ("body", "subject", "level", "words"),
    [
        ("out[0] = in[0] * 0.1;", "compiler", "note", "warnings"),
        ("int n = (int)in[1] + 30; out[0] = (float)(1 << n);", "sanitizers", "trouble", "k.c:2"),
        ("out[0] = (float)(int)(in[1] * 1e9f);", "sanitizers", "trouble", "undefined"),
        ("float t[4] = {0}; out[0] = t[(int)in[1]];", "sanitizers", "trouble", "index"),
        ("out[0] = sqrtf(in[0]) + in[1];", "results", "trouble", "no finite result"),
        ("out[0] = 3.0f; (void)in;", "y", "trouble", "is 3 for every input"),
        ("out[0] = 1e-3f / (in[0] * in[0] + 1e-12f);", "y", "trouble", "pole"),
        ("out[0] = in[0] * 0.04f;", "bound", "trouble", "one constant"),
        ("out[0] = fmodf(in[1], 3.0f);", "jumps", "note", "jumps by more than the bound"),
        ("out[0] = tanhf(30.0f * in[0]);", "jumps", "fine", "none"),
    ],
)
def test_each_trouble_is_seen(tmp_path: Path, body: str, subject: str, level: str, words: str) -> None:
    found = findings(tmp_path, body)
    assert found[subject].level == level, found
    assert words in found[subject].words


def test_what_is_steep_for_its_bound_is_no_jump(tmp_path: Path) -> None:
    assert findings(tmp_path, "out[0] = sinf(in[1]);", bound=0.004)["jumps"].level == "fine"


def test_results_near_zero_want_a_floor(tmp_path: Path) -> None:
    body = "out[0] = in[0] * in[0] * in[0];"
    assert "floor" in findings(tmp_path, body, metric="relative", bound=0.1)["bound"].words
    assert "bound" not in findings(tmp_path, body, metric="relative", bound=0.1, more="floor = 0.05")


def test_a_range_that_no_sample_reaches_is_named(tmp_path: Path) -> None:
    sampler = "} void s(const float u[2], float in[2]) { in[0] = 0.5f * u[0]; in[1] = 10.0f * u[1];"
    found = findings(tmp_path, f"out[0] = in[0] + in[1]; {sampler}", more='[sample]\nfunction = "s"')
    assert "reach" in found["a"].words
    assert "0.5" in found["a"].words
    assert "b" not in found


def test_few_recorded_rows_are_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.random((300, 2))
    np.savetxt(tmp_path / "x.txt", x)
    np.savetxt(tmp_path / "y.txt", x.sum(axis=1))
    found = {
        one.subject: one for one in check_kernel(data_kernel(tmp_path / "x.txt", tmp_path / "y.txt", "absolute", 0.1))
    }
    assert "record more" in found["samples"].words
    assert "sanitizers" not in found
