"""Compares rows with what they were: worse by more than 2 % is a failure, for compilers whose figures are known."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.engine.measure import Row

FILE = Path(__file__).with_name("baselines.json")
TOLERANCE = 0.02

#: What is compared, and how it is called.
FIGURES = {
    "instructions": "instructions",
    "flash_bytes": "bytes of flash",
    "ram_bytes": "bytes of RAM",
    "stack_bytes": "bytes of stack",
}

Figures = dict[str, dict[str, float]]


def known(compiler: str, file: Path = FILE) -> Figures:
    """Return a compiler's figures by row, empty if it is unknown."""
    return json.loads(file.read_text()).get(compiler, {}) if file.exists() else {}


def worse(rows: Sequence[Row], compiler: str) -> list[str]:
    """Return a line for each figure that is over 2 % more than its baseline."""
    return list(_complaints(rows, known(compiler)))


def _complaints(rows: Sequence[Row], before: Figures) -> Iterator[str]:
    for row in rows:
        for figure, words in FIGURES.items():
            now, was = getattr(row, figure), before.get(row.key, {}).get(figure)
            if was is not None and now > was * (1 + TOLERANCE):
                yield f"{row.key}: {now:,.0f} {words}, {was:,.0f} before"


def unknown(compiler: str) -> str:
    """Return what to say where a compiler has no baselines, empty where it has."""
    return "" if known(compiler) else f"No baselines for {compiler}: nothing was compared with what it was."


def store(rows: Sequence[Row], compiler: str) -> None:
    """Make the rows the compiler's baselines."""
    body = json.loads(FILE.read_text()) if FILE.exists() else {}
    body[compiler] = {row.key: {figure: getattr(row, figure) for figure in FIGURES} for row in rows}
    text = json.dumps(body, indent=1, sort_keys=True)
    FILE.write_text(text.replace("{\n   ", "{").replace(",\n   ", ", ").replace("\n  }", "}") + "\n")
