from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

GOOD_TOML = """\
name    = "halve"
summary = "Half of it"
source  = "halve.c"
inputs  = [
  { name = "a", unit = "m", min = -1.0, max = 1.0 },
  { name = "b", min = 0, max = 2 },
]
outputs = [{ name = "half", unit = "m" }]

[error]
metric = "relative"
bound  = 0.1
floor  = 1e-3

[network]
approximator = [5]
predictor    = [3]
"""

GOOD_C = """\
void halve(const float in[2], float out[1]) { out[0] = 0.5f * (in[0] + in[1]); }
void halve_sample(const float u[3], float in[2]) { in[0] = u[0] - u[2]; in[1] = 2.0f * u[1]; }
"""


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[..., Path]:
    """Write a kernel folder; `edits` replace parts of the good kernel.toml, `files` are written beside it."""

    def make(*edits: tuple[str, str], c: str = GOOD_C, files: dict[str, str] | None = None) -> Path:
        text = GOOD_TOML
        for old, new in edits:
            assert text.count(old) == 1, f"{old!r} must stand once"
            text = text.replace(old, new)
        folder = tmp_path / "halve"
        folder.mkdir(exist_ok=True)
        (folder / "kernel.toml").write_text(text)
        (folder / "halve.c").write_text(c)
        for name, content in (files or {}).items():
            (folder / name).write_text(content)
        return folder

    return make
