"""Compares rows with what they were: worse by more than 2 % is a failure, for compilers whose figures are known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.engine.measure import Row

FILE = Path(__file__).with_name("baselines.json")
TOLERANCE = 0.02


def known(compiler: str) -> dict[str, float]:
    """Return a compiler's figures by row, empty if it is unknown."""
    return json.loads(FILE.read_text()).get(compiler, {}) if FILE.exists() else {}


def worse(rows: Sequence[Row], compiler: str) -> list[str]:
    """Return a line for each row that costs over 2 % more than its baseline."""
    before = known(compiler)
    return [
        f"{row.key}: {row.instructions:.0f} instructions, {before[row.key]:.0f} before"
        for row in rows
        if row.key in before and row.instructions > before[row.key] * (1 + TOLERANCE)
    ]


def store(rows: Sequence[Row], compiler: str) -> None:
    """Make the rows the compiler's baselines."""
    body = json.loads(FILE.read_text()) if FILE.exists() else {}
    body[compiler] = {row.key: row.instructions for row in rows}
    FILE.write_text(json.dumps(body, indent=1, sort_keys=True) + "\n")
