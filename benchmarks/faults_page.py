"""docs/faults.md from what benchmarks.faults measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

_HEAD = """\
# Faults

Written by `make bench-faults`; not by hand. {kernel}, {samples:,} samples in mode *both* through each row, from the
host to the firmware on the native board, through a proxy that harms the bytes either way. A *wrong result* is an answer
that differs from the clean run in any bit but its ticks; *lost* is a sample without an answer in a run that ended
without an error; *retries* are frames that were sent again. Where a run does end with an error, what was answered is
kept and marked as partial, and `--resume` goes on from it.
"""
_EVENTS = """
## What happens to the board and its port
Each three times in a run, in the middle of a reply. After a reset the board has forgotten what it had received, while
the line stays open, as a USB adapter's does; *unplugged* closes the port; *silent* swallows every byte; *never silent*
is random bytes, 32 KB/s each time more, between and within the board's own.
"""
_RATES = """
## Faults on the line
So many faults a byte, either way: a bit flipped, a byte lost, doubled, late (everything after it too, by 5 ms on
average and 0.3 s at most) or never sent by anybody (*chatter*); noise over up to 64 bytes (*burst*) and the rest of a
write cut off (*half*), both at an eighth of the rate; *everything* is all of them, a seventh of the rate each. At 1e-2
a byte the samples go in {runs} runs, each with a seed of its own.
"""
_COLUMNS = ("fault", "faults a byte", "runs completed", "samples", "answered", "retries", "wrong results", "lost")


def page(body: Mapping[str, Any]) -> str:
    """Return the page for what stands in out/faults.json."""
    events = [row for row in body["rows"] if row["rate"] == 0]
    rates = sorted((row for row in body["rows"] if row["rate"]), key=_order(body["rows"]))
    parts = [_HEAD.format(kernel=body["kernel"], samples=max(row["samples"] for row in body["rows"]))]
    if events:
        parts += [_EVENTS, _table(events)]
    if rates:
        parts += [_RATES.format(runs=max(row["runs"] for row in rates)), _table(rates)]
    return "".join([*parts, _ends(body["rows"])])


def _order(rows: list[Mapping[str, Any]]) -> Any:  # noqa: ANN401  a key for sorted
    names = list(dict.fromkeys(row["fault"] for row in rows))
    return lambda row: (names.index(row["fault"]), row["rate"])


def _table(rows: list[Mapping[str, Any]]) -> str:
    lines = [_line(_COLUMNS), _line(["---"] * len(_COLUMNS))]
    for row in rows:
        rate = f"{row['rate']:.0e}".replace("e-0", "e-") if row["rate"] else "-"
        counts = [f"{row[name]:,}" for name in ("samples", "answered", "retries", "wrong_results", "lost")]
        lines.append(_line([row["fault"], rate, f"{row['completed']} of {row['runs']}", *counts]))
    return "\n" + "\n".join(lines) + "\n"


def _line(cells: Any) -> str:  # noqa: ANN401
    return f"| {' | '.join(cells)} |"


def _ends(rows: list[Mapping[str, Any]]) -> str:
    """Return what the runs that did not complete said."""
    said = []
    for row in rows:
        kind = row["fault"] + (f" at {row['rate']:.0e}".replace("e-0", "e-") if row["rate"] else "")
        said += [f"- {kind}, {times}x: {words}" for words, times in Counter(row["errors"]).items()]
    return "\n## How the others ended\n" + "\n".join(said) + "\n" if said else ""
