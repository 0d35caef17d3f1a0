"""Kernels to be exported, and how a test compiles an export and judges what its example prints."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from axedge.convert.deployment import answer, load_deployment
from axedge.convert.dropin import FORMS
from axedge.convert.dropin.export import exact_files
from axedge.kernels.kernel import Kernel, data_kernel

HERE = Path(__file__).parent
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wdouble-promotion", "-Werror")

# A kernel as users have them: its header in another folder, units and words that every format must quote.
OWN_TOML = r"""
name = "own"
summary = 'A "user’s" sum, 5 % off; $(HOME) \n */ #1: dew point'
source = "own.c"
inputs = [
  { name = "a", unit = "°C", min = -1.0, max = 1.0 },
  { name = "b", min = 0.0, max = 2.0 },
  { name = "c", unit = "100%", min = -3.0, max = 1.0 },
]
outputs = [{ name = "sum", unit = '"°\??/' }]

[error]
metric = "absolute"
bound = 10.0

[network]
approximator = [4]
predictor = [3]
"""
OWN_C = """
#include <math.h>
#include "../shared/own_scale.h"
void own(const float in[3], float out[1]);
void own(const float in[3], float out[1]) { out[0] = OWN_SCALE * (in[0] + sinf(in[1]) + in[2]); }
"""


@dataclass(frozen=True)
class Converted:
    """A kernel and its converted network."""

    kernel: Kernel
    folder: Path

    @property
    def deployment(self):
        return load_deployment(self.folder)

    def network(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the network's answers (N, m), and whether they are used (N,)."""
        answers, logits = answer(self.deployment, x)
        return answers, logits >= self.deployment.threshold


def write_own(folder: Path) -> Path:
    (folder / "own").mkdir()
    (folder / "shared").mkdir()
    (folder / "own" / "kernel.toml").write_text(OWN_TOML, encoding="utf-8")
    (folder / "own" / "own.c").write_text(OWN_C)
    (folder / "shared" / "own_scale.h").write_text("#define OWN_SCALE 1.5f\n")
    return folder / "own"


def recorded(folder: Path) -> Kernel:
    x = np.random.default_rng(3).uniform(-1.0, 1.0, (4000, 2)).astype(np.float32)
    np.savez(folder / "recorded.npz", x=x, y=1e-6 * x[:, :1] * x[:, 1:])
    return data_kernel(folder / "recorded.npz", None, "absolute", 1.0, name="recorded")


def run(*command: object, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a command; its words are the assertion's."""
    done = subprocess.run([*map(str, command)], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def sources_of(folder: Path, name: str, form: str, kernel: Kernel) -> list[Path]:
    below = folder / FORMS[form].sources
    return [below / f"axnet_{name}.c", *(below / path for path in exact_files(kernel) if path.endswith(".c"))]


def check_printed(printed: str, one: Converted) -> None:
    """Compare what an example printed with the numpy reference and the kernel's own result."""
    with np.load(one.folder / "samples.npz") as samples:
        x, y = samples["x"][:2000], samples["y"][:2000]
    answers, used = one.network(x)
    row = int(np.argmax(used))
    first, *rest = printed.strip().splitlines()
    assert first == f"{one.kernel.name}: " + (
        "the network answered"
        if used[row]
        else "the predictor said no, so the exact function answered"
        if one.kernel.has_exact
        else "the predictor said no: there is no answer"
    )
    beside = "exact" if one.kernel.has_exact else "recorded"
    assert len(rest) == len(one.kernel.outputs)
    for line, port, mine, exact in zip(rest, one.kernel.outputs, answers[row], y[row], strict=True):
        label, values = line.rsplit(" = ", 1)
        assert label == (f"{port.name} ({port.unit})" if port.unit else port.name)
        shown, beside_shown = values.split(f", {beside} ")
        wanted = mine if used[row] else exact if one.kernel.has_exact else 0.0
        assert float(shown) == pytest.approx(float(wanted), rel=6e-6)
        assert float(beside_shown) == pytest.approx(float(exact), rel=6e-6)
