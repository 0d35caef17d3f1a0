"""Writes docs/engine.md: fixed words, measured tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.engine.measure import Row

_WORDS = Path(__file__).with_name("engine.md.in")

#: What was promised: (network, measure, optimize, core) to the most instructions, and to the most bytes of flash.
INSTRUCTIONS = {
    ("small", "core", "speed", "cortex-m4"): 230,
    ("small", "core", "speed", "cortex-m0"): 1450,
    ("big", "core", "speed", "cortex-m4"): 4100,
    ("big", "core", "speed", "cortex-m0"): 21000,
    ("small", "call_accepted", "speed", "cortex-m4"): 250,
    ("small", "call_accepted", "speed", "cortex-m0"): 1900,
}
FLASH = {
    ("small", "core", "size", "cortex-m4"): 700,
    ("small", "core", "size", "cortex-m0"): 700,
    ("big", "core", "size", "cortex-m4"): 3300,
    ("big", "core", "size", "cortex-m0"): 3300,
    ("big", "core", "speed", "cortex-m4"): 18000,
    ("big", "core", "speed", "cortex-m0"): 18000,
}
STACK = {"small": 128, "big": 320}


def broken_promises(rows: Sequence[Row]) -> list[str]:
    """Return a line for each figure that is over what was promised."""
    lines = []
    for row in rows:
        key = (row.network, row.measure, row.optimize, row.core)
        checks = [
            ("instructions", row.instructions, INSTRUCTIONS.get(key)),
            ("bytes of flash", row.flash_bytes, FLASH.get(key)),
        ]
        if row.network in STACK and row.measure == "core":
            checks += [("bytes of RAM", row.ram_bytes, 0), ("bytes of stack", row.stack_bytes, STACK[row.network])]
        lines += [
            f"{row.key}: {got:.0f} {what}, promised {most}"
            for what, got, most in checks
            if most is not None and got > most
        ]
    return lines


def engine_page(rows: Sequence[Row], compiler: str) -> str:
    """Return the page."""
    parts = [_WORDS.read_text(encoding="utf-8").rstrip(), "", f"## Figures ({compiler})"]
    for network in dict.fromkeys(row.network for row in rows):
        parts += ["", f"### {network}", *_table([row for row in rows if row.network == network])]
    promises = broken_promises(rows)
    said = "Every figure is within what was promised." if not promises else "Over what was promised:"
    return "\n".join([*parts, "", said, *(f"- {line}" for line in promises)]) + "\n"


def _table(rows: Sequence[Row]) -> list[str]:
    lines = [
        "| engine | core | mode | measure | instructions | flash B | RAM B | stack B |",
        "|---|---|---|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        cells = [row.engine, row.core, row.optimize, row.measure.replace("_", ", "), f"{row.instructions:,.0f}"]
        cells += [f"{row.flash_bytes:,}", str(row.ram_bytes), str(row.stack_bytes)]
        lines.append("| " + " | ".join(cells) + " |")
    return lines
