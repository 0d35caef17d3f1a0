"""A bench on the terminal: one table for what the network did, one for what it cost; both fit 80 columns."""

from __future__ import annotations

from rich import box
from rich.console import Group
from rich.table import Table

from axedge.artifacts.records.bench import BenchRecord, Spread, Ticks
from axedge.host.words import exact_percent, number, percent


def bench_table(record: BenchRecord) -> Group:
    """Return the tables of a bench; the verdict is not among them."""
    return Group(_quality(record), _cost(record), _rest(record))


def plain(*columns: str, justify_from: int = 1) -> Table:
    """Return an empty table whose columns from `justify_from` on are numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    for index, column in enumerate(columns):
        table.add_column(column, overflow="fold", justify="right" if index >= justify_from else "left")
    return table


def _quality(record: BenchRecord) -> Table:
    partial = "" if record.complete else f" of {record.samples_wanted:,}: partial"
    table = plain(f"{record.kernel} on {record.board}", f"{record.samples:,} samples{partial}", "", justify_from=1)
    table.columns[2].justify = "left"
    paths, rate, error, promise = record.paths, record.violation_rate, record.error, record.guarantee
    eps = None if promise is None else promise.eps
    table.add_row(
        "invocation", percent(record.invocation), f"{paths.unsafe:,} refused, {paths.out_of_domain:,} off domain"
    )
    table.add_row(
        "precision", percent(record.precision, None if eps is None else 1 - eps), "of the used, within the bound"
    )
    interval = f"95 % interval {percent(rate.low, eps)} to {percent(rate.high, eps)}"
    table.add_row("violation rate", percent(rate.value, eps), interval)
    if promise is not None:
        kept = {True: "held", False: "BROKEN", None: "not at stake here"}[promise.held]
        if promise.held and rate.value is not None and rate.value > promise.eps:
            kept = "not refuted"
        confidence = exact_percent(1 - promise.delta)
        table.add_row("promised at most", exact_percent(promise.eps), f"at {confidence} confidence: {kept}")
    if record.foreign_invocation is not None:
        table.add_row("foreign points", percent(record.foreign_invocation), "used, of those where no input falls")
    table.add_row("useful invocation", percent(record.useful_invocation), "used and within the bound")
    table.add_row("true invocation", percent(record.true_invocation), "within the bound, used or not")
    table.add_row("median error", number(error.median), f"p95 {number(error.p95)}, p99 {number(error.p99)}")
    rare = f"{record.violations:,} of {paths.approximated:,} exceed the bound"
    table.add_row("largest error", number(error.max), rare)
    return table


def _cost(record: BenchRecord) -> Table:
    ticks = record.ticks
    table = plain(f"{ticks.unit} a call", "min", "median", "mean", "p95", "max")
    for name, spread in (("approximate", ticks.approximate), ("exact", ticks.exact), ("gated", ticks.gated)):
        table.add_row(name, *_cells(spread))
    return table


def _cells(spread: Spread | None) -> tuple[str, ...]:
    if spread is None:
        return ("-",) * 5
    return tuple(f"{value:,.0f}" for value in (spread.min, spread.median, spread.mean, spread.p95, spread.max))


def _rest(record: BenchRecord) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(overflow="fold")
    gain, size, line = record.speedup, record.footprint, record.link
    table.add_row("a gated call", _gated(record.ticks))
    if gain.value is not None:
        limit = "" if gain.bound is None else f"; at this invocation less than {gain.bound:.2f}"
        table.add_row("speed-up", f"{gain.value:.2f} in {gain.of}{limit}")
    if record.ticks.exact is not None:
        even = record.break_even_invocation
        table.add_row("breaks even", "never" if even is None else f"at {percent(even)} invocation")
    shift = "" if record.ticks.icount_shift is None else f", QEMU -icount shift={record.ticks.icount_shift}"
    overhead = f"{record.ticks.timer_overhead:,.0f} of overhead subtracted"
    table.add_row("timed by", f"{record.ticks.source}, {record.ticks.hz:,} Hz{shift}; {overhead}")
    table.add_row("vectors", f"{record.vectors.count:,} bit for bit, {record.vectors.mismatches} mismatches")
    table.add_row("desktop interpreter", _desktop(record))
    table.add_row(
        "firmware",
        f"flash {size.flash_bytes:,} B, static RAM {size.ram_bytes:,} B, stack {size.stack_bytes:,} B",
    )
    table.add_row("of it the network", f"flash {size.engine_flash_bytes:,} B, static RAM {size.engine_ram_bytes:,} B")
    retries = _count(line.retries, "retry", "retries")
    damaged = _count(line.crc_errors, "damaged frame", "damaged frames")
    table.add_row("link", f"{line.samples_per_s:,.0f} samples/s, {retries}, {damaged}")
    return table


def _count(events: int, one: str, many: str) -> str:
    return f"{events:,} {one if events == 1 else many}"


def _gated(ticks: Ticks) -> str:
    """Return what the row of gated calls is made of, and why its least can be below the network's own."""
    words = "the network where it is used, else predictor"
    if ticks.exact is not None:
        words += " and exact function"
    if ticks.approximate is not None and ticks.gated.min < ticks.approximate.min:
        words += f"; its entry takes {ticks.approximate.min - ticks.gated.min:,.0f} fewer than approximate's"
    return words


def _desktop(record: BenchRecord) -> str:
    found = record.desktop_interpreter
    if found is None:
        return "not installed here, not compared"
    if found.differing == 0:
        return f"{found.name} {found.version} gives the same {found.outputs:,} codes"
    return (
        f"{found.name} {found.version} differs in {found.differing:,} of {found.outputs:,} codes, "
        f"by at most {found.max_steps} steps"
    )
