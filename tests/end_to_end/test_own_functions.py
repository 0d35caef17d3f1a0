"""Three functions that are not in the repository, from `axedge new` or from data files to a bench on the micro:bit."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.end_to_end.conftest import axedge

pytestmark = [pytest.mark.qemu, pytest.mark.train]
QUICK = ("--steps", 3000, "--restarts", 4)

FOUR_INPUTS = """
name    = "mixing"
summary = "Enthalpy of two air streams mixed, as a logarithm of their vapour pressures"
source  = "mixing.c"
inputs  = [
  { name = "warm", unit = "degC", min = 20.0, max = 40.0 },
  { name = "cold", unit = "degC", min = 0.0, max = 15.0 },
  { name = "share", min = 0.1, max = 0.9 },
  { name = "humidity", unit = "%", min = 30.0, max = 90.0 },
]
outputs = [{ name = "enthalpy", unit = "kJ/kg" }]

[error]
metric = "absolute"
bound  = 3.0

[network]
approximator = [6]
predictor    = [3]
"""
FOUR_INPUTS_C = """
#include <math.h>
void mixing(const float in[4], float out[1]);
static float enthalpy(float t, float humidity)
{
    float vapour = 0.01f * humidity * 6.112f * expf(17.62f * t / (243.12f + t));
    float ratio = 0.622f * vapour / (1013.25f - vapour);
    return 1.006f * t + ratio * (2501.0f + 1.86f * t);
}
void mixing(const float in[4], float out[1])
{
    out[0] = in[2] * enthalpy(in[0], in[3]) + (1.0f - in[2]) * enthalpy(in[1], in[3]);
}
"""


def bench_json(folder: Path, kernel: str) -> dict[str, Any]:
    return json.loads((folder / "out" / kernel / "microbit" / "aot-i8" / "bench.json").read_text())


def bench(folder: Path, kernel: str, *options: object) -> dict[str, Any]:
    """Walk from a trained network to the bench."""
    axedge("convert", kernel, "--effort", 0.05, *options, cwd=folder)
    axedge("build", kernel, "--board", "microbit", cwd=folder)
    axedge("flash", kernel, "--board", "microbit", cwd=folder)
    axedge("bench", kernel, "--board", "microbit", "--samples", 500, cwd=folder)
    return bench_json(folder, Path(kernel).name)


def write_own(folder: Path, name: str, toml: str, source: str) -> None:
    """Begin as a user does, and put a function of one's own in its place."""
    axedge("new", name, cwd=folder)
    (folder / name / "kernel.toml").write_text(toml)
    (folder / name / f"{name}.c").write_text(source)


def test_recorded_data_alone_answers_not_safe_instead_of_falling_back(tmp_path: Path) -> None:
    x = np.random.default_rng(1).uniform([0.0, -1.0], [2.0, 1.0], (20_000, 2)).astype(np.float32)
    y = 2.0 + np.sin(6.0 * x[:, 0] * x[:, 1])
    np.savetxt(tmp_path / "rig.csv", np.column_stack([x, y]), delimiter=",", fmt="%.9g")
    said = ("--data", "rig.csv", "--metric", "relative", "--bound", 0.05, "--name", "rig")
    axedge("train", *said, *QUICK, cwd=tmp_path)
    body = bench(tmp_path, "rig", "--guarantee", 0.8)
    assert body["vectors"]["mismatches"] == 0
    assert body["ticks"]["exact"] is None and body["speedup"]["value"] is None
    assert body["paths"]["approximated"] > 0 < body["paths"]["unsafe"]
    assert body["precision"] > 0.75


def test_four_inputs(tmp_path: Path) -> None:
    write_own(tmp_path, "mixing", FOUR_INPUTS, FOUR_INPUTS_C)
    axedge("check", "./mixing", cwd=tmp_path)
    axedge("train", "./mixing", *QUICK, cwd=tmp_path)
    body = bench(tmp_path, "./mixing", "--guarantee", 0.9)
    assert body["vectors"]["mismatches"] == 0
    assert body["paths"]["approximated"] > 50
    assert body["precision"] > 0.85
    assert body["ticks"]["exact"]["mean"] > body["ticks"]["approximate"]["mean"]


def test_what_is_not_worth_it_is_told_before_and_after(tmp_path: Path) -> None:
    axedge("new", "cheap", cwd=tmp_path)
    source = tmp_path / "cheap" / "cheap.c"
    source.write_text(
        "void cheap(const float in[2], float out[1]);\n"
        "void cheap(const float in[2], float out[1]) { out[0] = in[0] + 0.1f * in[1]; }\n"
    )
    before = axedge("check", "./cheap", "--board", "microbit", cwd=tmp_path, expect=1)
    assert "no network of this shape can win there" in re.sub(r"\s+", " ", before.stdout)
    axedge("train", "./cheap", *QUICK, cwd=tmp_path)
    after = bench(tmp_path, "./cheap", "--guarantee", 0.9)
    assert after["speedup"]["value"] < 1
    assert after["verdict"].startswith("Not worth it on microbit")
    assert "is cheaper than the network" in after["verdict"]
