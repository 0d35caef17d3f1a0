"""Two engines side by side on the terminal."""

from __future__ import annotations

from collections.abc import Callable

from rich.table import Table

from axedge.artifacts.records.bench import BenchRecord
from axedge.artifacts.records.side_by_side import SideBySideRecord
from axedge.host.report_table import plain


def side_by_side_table(record: SideBySideRecord) -> Table:
    """Return the table: a row a figure, a column an engine, and what tflm takes over what aot takes."""
    aot, tflm = record.aot_bench, record.tflm_bench
    kernels = "" if record.tflm is None else f", {record.tflm.kernels}"
    table = plain(f"{record.kernel} on {record.board}", "aot", f"tflm{kernels}", "tflm / aot")
    unit = aot.ticks.unit

    def row(name: str, read: Callable[[BenchRecord], float | None]) -> None:
        values = (read(aot), read(tflm))
        share = f"{values[1] / values[0]:.2f}" if values[0] and values[1] is not None else "-"
        table.add_row(name, *("-" if value is None else f"{value:,.0f}" for value in values), share)

    row(f"network, {unit}", lambda one: one.ticks.approximate.mean if one.ticks.approximate else None)
    row(f"gated, {unit}", lambda one: one.ticks.gated.mean)
    row(f"exact, {unit}", lambda one: one.ticks.exact.mean if one.ticks.exact else None)
    row("flash of the network, B", lambda one: one.footprint.engine_flash_bytes)
    row("its static RAM, B", lambda one: one.footprint.engine_ram_bytes)
    row("stack reserved, B", lambda one: one.footprint.stack_bytes)
    return table


def side_by_side_words(record: SideBySideRecord) -> list[str]:
    """Return what is said beneath the table."""
    agreed = record.agreement
    lines = [f"The same bits: {agreed.vectors:,} stored vectors; paths and outputs of {agreed.samples:,} samples."]
    if record.tflm is not None:
        arena = record.tflm
        lines.append(
            f"TFLM's arena: {arena.arena_bytes:,} B, of which {arena.arena_needed_bytes:,} needed ({arena.arena_is})."
        )
    return [*lines, f"aot: {record.aot_bench.verdict}", f"tflm: {record.tflm_bench.verdict}"]
