"""How each stage's record is shown: a short table for people, the record itself for machines."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from axedge.host.words import exact_percent, number, percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from axedge.artifacts.records.alternatives import AlternativesRecord
    from axedge.artifacts.records.base import Record
    from axedge.artifacts.records.bench import BenchRecord
    from axedge.artifacts.records.build import BuildRecord
    from axedge.artifacts.records.convert import ConvertRecord, ForeignCheck, Moved
    from axedge.artifacts.records.results import ResultRow
    from axedge.artifacts.records.side_by_side import SideBySideRecord
    from axedge.artifacts.records.train import TrainRecord
    from axedge.host.against import Against
    from axedge.host.ports import Port
    from axedge.kernels.check import Finding
    from axedge.terminal import Terminal


#: Signs of a list of numbers that are shown.
_WIDE = 40


def plain_table(*columns: str, title: str = "") -> Table:
    """Return an empty table in the house style: fits 80 columns, no frame."""
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def show_document(terminal: Terminal, record: Record) -> None:
    """Print the record as the JSON that stands in its file."""
    terminal.document({"schema": record.SCHEMA} | json.loads(record.model_dump_json(by_alias=True)))


def show_train(terminal: Terminal, record: TrainRecord, as_json: bool) -> None:
    """Show how good the trained network is, in float, on samples that nothing else has seen."""
    if as_json:
        show_document(terminal, record)
        return
    shape, metrics = record.topology, record.metrics
    table = plain_table("trained", record.kernel)
    hidden = f"approximator {_sizes(shape.approximator)}, predictor {_sizes(shape.predictor)}"
    table.add_row("network", f"{hidden}: {record.parameters} parameters")
    table.add_row("true invocation", f"{percent(metrics.true_invocation)} of answers are within the bound")
    table.add_row("invocation", f"{percent(metrics.invocation)} used, {percent(metrics.precision)} of those safe")
    table.add_row("at 95 % precision", percent(metrics.inv95))
    table.add_row("at 99 % precision", percent(metrics.inv99))
    table.add_row("", f"in float, on {metrics.samples:,} fresh samples, {record.elapsed_s:.0f} s of training")
    terminal.table(table)


def show_compare(terminal: Terminal, rows: Sequence[ResultRow], as_json: bool) -> None:
    """Show how the methods compare, one table a kernel and block; shares in percent, means over seeds."""
    if as_json:
        terminal.document({"schema": 1, "rows": [json.loads(row.model_dump_json()) for row in rows]})
        return
    for kernel, block in dict.fromkeys((row.kernel, row.block) for row in rows):
        mine = [row for row in rows if (row.kernel, row.block) == (kernel, block)]
        terminal.words(f"{kernel}, {block}, {mine[0].seeds} seed{'s' if mine[0].seeds > 1 else ''}")
        table = plain_table("method", "true", "useful", "precision", "at 95 %", "at 99 %", "CPU s")
        for row in mine:
            shares = (row.true_invocation, row.useful_invocation, row.precision, row.inv95, row.inv99)
            cells = ["-" if share is None else f"{100 * share.mean:.1f}" for share in shares]
            cells[3] += f" ±{100 * row.inv95.sd:.1f}" if row.seeds > 1 else ""
            table.add_row(row.method, *cells, f"{row.cpu_seconds.mean:.0f}")
        terminal.table(table)
    terminal.words("Percent of fresh inputs; useful: used and safe; at 95 %: used where 95 % of the used are safe.")


def show_convert(terminal: Terminal, record: ConvertRecord, as_json: bool) -> None:
    """Show what quantisation cost, and which of the equal executions were compared."""
    if as_json:
        show_document(terminal, record)
        return
    table = plain_table("converted", "float", record.form)
    before, after = record.float_figures, record.figures
    for name, field in (
        ("true invocation", "true_invocation"),
        ("invocation", "invocation"),
        ("precision", "precision"),
        ("at 95 % precision", "inv95"),
        ("at 99 % precision", "inv99"),
    ):
        table.add_row(name, percent(getattr(before, field)), percent(getattr(after, field)))
    terminal.table(table)
    _show_proof(terminal, record)
    if record.cost is not None:
        _show_cost(terminal, record)
    if record.guarantee is not None:
        promise = record.guarantee
        terminal.words(
            f"Guarantee: at most {exact_percent(promise.eps)} of the answers used are outside the bound, with "
            f"{exact_percent(1 - promise.delta)} confidence. {promise.distribution}"
        )
    if record.moved is not None:
        terminal.words(_moved(record.moved))
    if record.foreign is not None:
        terminal.words(_foreign(record.foreign))
    terminal.words(
        f"{record.test_count:,} fresh samples, judged by the numpy reference of TensorFlow Lite Micro's kernels."
    )
    checked = f"passed on {record.tflm.count:,} inputs" if record.tflm.result == "passed" else record.tflm.result
    terminal.words(f"Check against TensorFlow Lite Micro: {checked}.")
    if record.desktop is not None:
        strays = record.desktop
        terminal.words(
            f"{strays.name} {strays.version} differs from it in {strays.differing:,} of {strays.outputs:,} codes, "
            f"by at most {strays.max_steps} steps."
        )


def _show_proof(terminal: Terminal, record: ConvertRecord) -> None:
    """Show the static proof: what each layer's arithmetic can reach for any input, and how much would fit."""
    if not record.proof:
        return
    table = plain_table("no overflow, proved", "from", "to", "fits", "bits to spare")
    for layer in record.proof:
        spare = f"{math.log2(layer.limit / max(layer.magnitude, 1)):.1f}"
        table.add_row(layer.layer, f"{layer.low:,}", f"{layer.high:,}", f"{layer.limit:,}", spare)
    terminal.table(table)


def _show_cost(terminal: Terminal, record: ConvertRecord) -> None:
    """Show what quantisation cost, per output and head; the tensors that lose most, and the worst sample."""
    cost = record.cost
    units = {port.name: port.unit for port in record.outputs}
    table = plain_table("cost of quantisation", "median error", "in float", "added: median", "99 %", "most")
    for output in cost.outputs:
        values = (output.median_error, output.float_median_error, output.median_change, output.p99_change)
        name = f"{output.name} ({units[output.name]})" if units[output.name] else output.name
        table.add_row(name, *(number(value) for value in (*values, output.max_change)))
    terminal.table(table)
    gate = cost.gate
    terminal.words(
        f"{percent(gate.no_longer_safe)} of the samples are no longer safe, {percent(gate.newly_safe)} are newly so; "
        f"the gate decides otherwise on {percent(gate.gate_flipped)}."
    )
    clipped = max(cost.tensors, key=lambda one: one.clipped_low + one.clipped_high)
    wasted = max(cost.tensors, key=lambda one: one.wasted_codes)
    terminal.words(
        f"Clipped most: {clipped.name}, {percent(clipped.clipped_low + clipped.clipped_high)} of its codes. "
        f"Wasted most: {wasted.name}, {percent(wasted.wasted_codes)} of its codes are never used. All tensors are in "
        "convert.json."
    )
    heads = ("worst samples", "exact", "float", record.activations, "error,\nfloat", f"error,\n{record.activations}")
    table = plain_table(*heads)
    for one in cost.worst:
        rows = (" ".join(f"{v:.3g}" for v in values) for values in (one.x, one.exact, one.float_answer, one.answer))
        cells = [row if len(row) < _WIDE else f"{row[:_WIDE]} ..." for row in rows]
        table.add_row(*cells, number(one.float_error), number(one.error))
    terminal.table(table)


def _moved(moved: Moved) -> str:
    """Return in words how far recorded inputs moved the promise."""
    away = (
        f"{percent(moved.out_of_domain)} of the {moved.rows:,} recorded inputs are out of the domain. They were "
        f"{moved.split}; {moved.design_effect:.3g} of those tested tell as much as one independent draw."
    )
    if moved.threshold_before is None:
        return f"The kernel's own inputs allow no promise; the recorded ones do, on {percent(moved.invocation)}. {away}"
    return (
        f"The gate for the kernel's own inputs, which uses the network on {percent(moved.invocation_before)} of them, "
        f"would use it on {percent(moved.invocation_there)} of the recorded ones, with "
        f"{percent(moved.violation_rate_there)} of those answers outside the bound; the gate for the recorded ones "
        f"uses it on {percent(moved.invocation)}. {away}"
    )


def _foreign(found: ForeignCheck) -> str:
    """Return in words what happens where the application never goes."""
    words = (
        f"{percent(found.share_of_box)} of the box is foreign: there the application never goes. The domain guard lets "
        f"{100 * found.past_guard:.2g} % of it pass, the network is used on {100 * found.invoked / found.count:.2g} % "
        f"(at most {100 * found.bound:.2g} % with confidence)."
    )
    if found.held:
        return words
    without = "" if found.invocation_without is None else f" Without it, {percent(found.invocation_without)} is used."
    return f"{words} That is more than the {100 * found.limit:g} % wanted: this network is too small for both.{without}"


def show_build(terminal: Terminal, record: BuildRecord, as_json: bool) -> None:
    """Show what the image takes of the board's memories."""
    from axedge.firmware.footprint import by_part, own_stack_bytes

    if as_json:
        show_document(terminal, record)
        return
    size = record.footprint
    table = plain_table("built", "flash", "static RAM", "stack")
    for name, part in by_part(size).items():
        table.add_row(name, f"{part.flash_bytes:,} B", f"{part.ram_bytes:,} B", "")
    own = own_stack_bytes(size)
    stack = "the host's" if size.stack_is == "host" else f"of {size.stack_bytes:,} B {size.stack_is}"
    known = f"{own:,} B, library code aside, " if own is not None else ""
    table.add_row("whole", f"{size.flash_bytes:,} B", f"{size.ram_bytes:,} B", f"{known}{stack}")
    terminal.table(table)
    if record.tflm is not None:
        arena = record.tflm
        needed = {
            "measured": f"{arena.arena_needed_bytes:,} B needed, measured in this code on an emulated core",
            "bound": f"{arena.arena_needed_bytes:,} B needed on a 64-bit host: not measured for this board",
            "given": "as you gave it",
        }[arena.arena_is]
        terminal.words(f"TFLM with {arena.kernels} kernels; arena {arena.arena_bytes:,} B: {needed}.")
    terminal.words(f"{record.board}, build id {record.build_id}, {record.compiler}")


def show_ports(terminal: Terminal, ports: Sequence[Port], asked: bool, as_json: bool) -> None:
    """Show the serial ports, and who answered."""
    if as_json:
        rows = [
            {
                "device": port.device,
                "usb_id": port.usb_id or None,
                "serial": port.serial or None,
                "guess": port.guess or None,
                "board": port.hello.board if port.hello else None,
                "kernel": port.hello.kernel if port.hello else None,
                "build_id": port.hello.build_id_hex if port.hello else None,
            }
            for port in ports
        ]
        terminal.document({"schema": 1, "ports": rows})
        return
    if not ports:
        terminal.words("No serial ports here. Plug the board in, and check that the cable carries data.")
        return
    table = plain_table("port", "USB id", "probably", "answers as" if asked else "")
    for port in ports:
        answer = f"{port.hello.board}, {port.hello.kernel}" if port.hello else port.trouble
        table.add_row(port.device, port.usb_id or "-", port.guess or "-", answer if asked else "")
    terminal.table(table)


def show_bench(terminal: Terminal, record: BenchRecord, as_json: bool, against: Against | None = None) -> None:
    """Show what was measured on the board: use, quality, cost, the verdict, and what changed."""
    from axedge.host.report_table import bench_table

    if as_json:
        body = {"schema": record.SCHEMA} | json.loads(record.model_dump_json(by_alias=True))
        terminal.document(body if against is None else body | {"against": against.as_dict()})
        return
    terminal.table(bench_table(record))
    terminal.words(f"\n{record.verdict}")
    if against is not None:
        _show_changes(terminal, against)


def _show_changes(terminal: Terminal, against: Against) -> None:
    table = plain_table(f"against {against.name}", "before", "now", "change", "")
    for column in table.columns[1:4]:
        column.justify = "right"
    for one in against.changes:
        show = {"share": percent, "number": _figure, "bytes": _bytes}[one.kind]
        moved = "" if one.relative is None else f"{100 * one.relative:+z.1f} %"
        table.add_row(one.name, show(one.before), show(one.after), moved, "WORSE" if one.is_worse else "")
    terminal.table(table)
    if against.differences:
        terminal.words(against.differences)
    if not against.worse:
        terminal.words(f"Nothing is worse by more than {100 * against.tolerance:g} %.")


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _bytes(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f} B"


def show_alternatives(terminal: Terminal, record: AlternativesRecord, as_json: bool) -> None:
    """Show the table and the polynomial beside the network, and whether one of them would do instead."""
    if as_json:
        show_document(terminal, record)
        return
    table = plain_table("instead", "flash", "safe", record.unit, "what it is")
    for column in table.columns[1:4]:
        column.justify = "right"
    for row in record.rows:
        if row.safe_share is None or row.cost is None:
            table.add_row(f"no {row.kind}", "-", "-", "-", row.description)
        else:
            cells = (f"{row.flash_bytes:,} B", f"{100 * row.safe_share:.2f} %", f"{row.cost.mean:,.0f}")
            table.add_row(row.kind, *cells, row.description)
    terminal.table(table)
    budget = f"Flash: at most the network's {record.flash_budget_bytes:,} B"
    if more := record.fallback_flash_bytes:
        budget += f"; the network also needs the exact function, {more:,} B, in whose place they stand"
    terminal.words(f"\n{budget}.\n{record.verdict}")


def show_side_by_side(terminal: Terminal, record: SideBySideRecord, as_json: bool) -> None:
    """Show two engines on one board: what each costs, and that they agree."""
    from axedge.host.side_by_side_table import side_by_side_table, side_by_side_words

    if as_json:
        show_document(terminal, record)
        return
    terminal.table(side_by_side_table(record))
    for line in side_by_side_words(record):
        terminal.words(line)


def show_findings(terminal: Terminal, kernel: str, findings: Sequence[Finding], as_json: bool) -> None:
    """Show what a check found."""
    if as_json:
        terminal.document({"schema": 1, "kernel": kernel, "findings": [asdict(one) for one in findings]})
        return
    table = plain_table(kernel, "", "found")
    for one in findings:
        table.add_row(one.subject, "" if one.level == "fine" else one.level, one.words)
    terminal.table(table)


def _sizes(layers: Iterable[int]) -> str:
    return "-".join(str(size) for size in layers)
