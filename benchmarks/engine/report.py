"""Writes docs/engine.md: fixed words, measured tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.engine.measure import Row
from benchmarks.engine.networks import FOLDER
from benchmarks.engine.stored import read_deployment

_GATED_WORDS = """
The networks of inversek2j, trained and converted with the defaults (precision of 95 % promised with 95 % confidence),
kept in benchmarks/engine with where they come from; `python -m benchmarks.engine.trained` makes them again. Both sides
have the same fallback and the same 1,000 inputs of the application. No gate can be faster than 1 / (1 - share used).
""".strip()
_TRIED_WORDS = """
Topologies of at most 300 parameters on the Cortex-M4F in double; the mean is over 50,000 test inputs. The fallback is
dear, so the share used decides; beyond the best of them, more units cost more a call and were not used more often.
""".strip()

_WORDS = Path(__file__).with_name("engine.md.in")

#: What was promised: (network, measure, optimize, core) to the most instructions, and to the most bytes of flash.
INSTRUCTIONS = {
    ("small", "core", "speed", "cortex-m4"): 230,
    ("small", "core", "speed", "cortex-m0"): 1450,
    ("big", "core", "speed", "cortex-m4"): 4100,
    ("big", "core", "speed", "cortex-m0"): 21000,
    ("small", "call_accepted", "speed", "cortex-m4"): 250,
    ("small", "call_accepted", "speed", "cortex-m0"): 1900,
    ("inversek2j", "call_accepted", "speed", "cortex-m4"): 250,
    ("inversek2j", "call_accepted", "speed", "cortex-m0"): 1900,
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

#: (network, core): how many times fewer instructions a gated call takes than the exact function.
GAIN = {
    ("inversek2j", "cortex-m0"): 2.3,
    ("inversek2j_double", "cortex-m4"): 3.3,
    ("inversek2j_double_best", "cortex-m4"): 4.0,
}


def broken_promises(rows: Sequence[Row]) -> list[str]:
    """Return a line for each figure that is over what was promised."""
    lines = []
    for row in rows:
        key = (row.network, row.measure, row.optimize, row.core)
        checks = [
            ("instructions", row.instructions, INSTRUCTIONS.get(key)),
            ("bytes of flash", row.flash_bytes, FLASH.get(key)),
        ]
        if row.network in STACK:
            checks += [("bytes of RAM", row.ram_bytes, 0), ("bytes of stack", row.stack_bytes, STACK[row.network])]
        lines += [
            f"{row.key}: {got:.0f} {what}, promised {most}"
            for what, got, most in checks
            if most is not None and got > most
        ]
    for gated, exact in _gated_pairs(rows):
        least, gain = GAIN.get((gated.network, gated.core), 0.0), exact.instructions / gated.instructions
        if gain < least:
            lines.append(f"{gated.key}: {gain:.2f} times fewer instructions than the exact function, promised {least}")
    return lines


def _gated_pairs(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Return each gated row with the row of its exact function."""
    exact = {(row.network, row.core): row for row in rows if row.measure == "exact"}
    return [(row, exact[row.network, row.core]) for row in rows if row.measure == "gated"]


def engine_page(rows: Sequence[Row], compiler: str) -> str:
    """Return the page."""
    parts = [_WORDS.read_text(encoding="utf-8").rstrip(), "", f"## Figures ({compiler})"]
    for network in dict.fromkeys(row.network for row in rows):
        parts += ["", f"### {network}", *_table([row for row in rows if row.network == network])]
    parts += _gains(rows)
    promises = broken_promises(rows)
    said = "Every figure is within what was promised." if not promises else "Over what was promised:"
    return "\n".join([*parts, "", said, *(f"- {line}" for line in promises)]) + "\n"


def _gains(rows: Sequence[Row]) -> list[str]:
    """Return the section that compares gated calls with exact functions."""
    lines = [
        "",
        "## Gated, end to end",
        _GATED_WORDS,
        "",
        "| network | parameters | core | used for | exact | gated | fewer by | at most |",
        "|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    for gated, exact in _gated_pairs(rows):
        provenance = read_deployment(FOLDER / f"{gated.network}.json")[1]
        used = provenance["invocation"]
        cells = [gated.network, str(provenance["network"]["parameters"]), gated.core, f"{100 * used:.1f} %"]
        cells += [f"{exact.instructions:,.0f}", f"{gated.instructions:,.0f}"]
        cells += [f"{exact.instructions / gated.instructions:.2f}", f"{1 / (1 - used):.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    tried = read_deployment(FOLDER / "inversek2j_double_best.json")[1]["tried"]
    lines += ["", _TRIED_WORDS, "", "| approximator | predictor | parameters | used for | gated mean |"]
    lines.append("|---|---|---:|---:|---:|")
    for one in tried:
        sizes = ["-".join(map(str, one[name])) for name in ("approximator", "predictor")]
        cells = [*sizes, str(one["parameters"]), f"{100 * one['invocation']:.1f} %", f"{one['instructions']:,.0f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


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
