"""The verb that looks for a better topology: search."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axedge.artifacts.workspace import Workspace
from axedge.options import example, find_board, find_kernel, json_option, kernel_argument, out_option, seed_option
from axedge.terminal import Terminal

if TYPE_CHECKING:
    from axedge.artifacts.records.search import SearchRecord, SearchTrial, Shape


class Bytes(click.ParamType):
    """A size: 4096, 4K, 4KiB, 1M."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return it in bytes."""
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d+)\s*([km]?)(i?b)?", value.strip(), re.IGNORECASE)
        if found is None or int(found[1]) == 0:
            self.fail(f"{value!r} is no size: write 4096 or 4K.", param, ctx)
        return int(found[1]) * {"": 1, "k": 1 << 10, "m": 1 << 20}[found[2].lower()]


_BITS = {"int8": "8", "two-byte": "8, 2 codes", "int16": "16"}
_OPTION = {"int8": "", "two-byte": " --inputs two-byte", "int16": " --activations int16"}
_SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)


@click.command()
@kernel_argument
@click.option("-b", "--board", default="microbit", show_default=True, metavar="BOARD", help="Where it is measured.")
@click.option("--flash", type=Bytes(), help="Most flash for the network.  [default: what the present one takes]")
@click.option("--stack", type=Bytes(), help="Most stack for the network.")
@click.option("--guarantee", type=_SHARE, default=0.95, show_default=True, help="Precision to promise.")
@click.option("--confidence", type=_SHARE, default=0.95, show_default=True, help="Confidence of the promise.")
@click.option(
    "--objective",
    type=click.Choice(["invocation", "latency"]),
    default="invocation",
    show_default=True,
    help="Highest invocation, or lowest mean cost of a call, fallbacks included.",
)
@click.option(
    "--trials", type=click.IntRange(min=1), default=24, show_default=True, help="Networks trained for a moment."
)
@click.option(
    "--finals", type=click.IntRange(min=1), default=3, show_default=True, help="Of these, trained in full in the end."
)
@click.option(
    "--effort",
    type=click.FloatRange(0, 10, min_open=True),
    default=1.0,
    show_default=True,
    help="Factor on the steps of those.",
)
@click.option("--jobs", type=click.IntRange(min=1), help="Trials at a time.  [default: 2; with --ray: all processors]")
@click.option("--ray", metavar="ADDRESS", help="Spread trials over a Ray cluster: auto, HOST:PORT, or local.")
@click.option("--apply", "do_apply", is_flag=True, help="Write the network found into KERNEL's kernel.toml.")
@seed_option
@out_option
@json_option
@click.pass_obj
@example("axedge search ./dewpoint --flash 4K --guarantee 0.95")
def search(
    terminal: Terminal,
    kernel: str | None,
    board: str,
    flash: int | None,
    stack: int | None,
    jobs: int | None,
    ray: str | None,
    do_apply: bool,
    out: Path,
    as_json: bool,
    **wishes: Any,
) -> None:
    """Find a better network within a budget.

    The hidden layers, activations and width that serve KERNEL best in so much flash and stack. Many networks are
    trained for a moment, and the best in full, beside the present one. Stopped and started again, it goes on. Exits 1
    where no network keeps guarantee and budget.
    """
    from axedge.searching.adopt import adopt, check_may_adopt
    from axedge.searching.crew import crew_of
    from axedge.searching.search import Wish, winner
    from axedge.searching.search import search as find
    from axedge.show import show_document

    workspace = Workspace(out)
    found = find_kernel(kernel, workspace)
    if do_apply:
        check_may_adopt(found)
    folder = workspace.search(found.name)
    wish = Wish(flash_bytes=flash, stack_bytes=stack, **wishes)
    try:
        with terminal.stage("search") as progress:
            record = find(found, find_board(board), wish, folder, lambda: crew_of(jobs, ray), progress=progress)
    except KeyboardInterrupt:
        terminal.say("finished trials are kept: the same command goes on.")
        raise
    if as_json:
        show_document(terminal, record)
    else:
        show_search(terminal, record, folder)
    chosen = winner(record)
    if do_apply:
        terminal.say(f"written into {adopt(found, chosen.shape)}")
    if not as_json:
        _show_choice(terminal, record, chosen, kernel or found.name, do_apply)


def show_search(terminal: Terminal, record: SearchRecord, folder: Path) -> None:
    """Show what was trained in full, the best first, and the best of what was not."""
    from axedge.searching.evaluate import FRESH_SAMPLES
    from axedge.show import plain_table

    unit = next((one.outcome.unit for one in record.trials if one.outcome.unit), "")
    table = plain_table("network", "hidden", "bits", "used at guarantee", "flash B", "stack B", "cost")
    for column in table.columns[2:]:
        column.justify = "right"
    full = [(number, one) for number, one in enumerate(record.trials) if one.rung == "full"]
    full.sort(key=lambda pair: (not pair[1].fits, -(pair[1].outcome.invocation or 0.0)))
    for number, one in full:
        name = "chosen" if number == record.chosen else "kernel.toml" if number == record.own else ""
        if number == record.chosen == record.own:
            name = "kernel.toml, chosen"
        table.add_row(name, _hidden(one.shape), _BITS[one.shape.width], *_figures(one))
    terminal.table(table)
    short = sum(one.rung == "short" for one in record.trials)
    budget = f"{record.flash_budget_bytes:,} bytes of flash"
    stack = "" if record.stack_budget_bytes is None else f" and {record.stack_budget_bytes:,} of stack"
    terminal.result(f"{short} networks trained for a moment, {len(full)} in full; budget: {budget}{stack}.")
    terminal.result(f"Used: counted on up to {FRESH_SAMPLES:,} fresh inputs, by which nothing was chosen.")
    if unit:
        terminal.result(f"Cost: mean {unit} of a gated call on {record.board}, fallbacks included.")
    terminal.result(f"Plot: {folder / 'pareto.png'}")


def _figures(one: SearchTrial) -> tuple[str, ...]:
    outcome = one.outcome
    if outcome.refused:
        return ("none", "", "", "")
    over = "" if one.fits else " over"
    used = outcome.invocation if outcome.fresh_invocation is None else outcome.fresh_invocation
    return (
        f"{100 * (used or 0.0):.2f} %",
        f"{outcome.flash_bytes:,}{over}",
        "unknown" if outcome.stack_bytes is None else f"{outcome.stack_bytes:,}",
        "" if outcome.cost is None else f"{outcome.cost:,.0f}",
    )


def _hidden(shape: Shape) -> str:
    from axedge.searching.search import sizes_of

    return f"{sizes_of(shape)} {shape.approximator_activation}|{shape.predictor_activation}"


def _show_choice(terminal: Terminal, record: SearchRecord, chosen: SearchTrial, kernel: str, applied: bool) -> None:
    from axedge.searching.adopt import network_lines

    if record.chosen == record.own:
        terminal.result("Nothing better than kernel.toml's own network was found.")
        return
    if not applied:
        terminal.result("\nFor kernel.toml (or say --apply):\n")
        terminal.result(network_lines(chosen.shape))
    width = _OPTION[chosen.shape.width]
    terminal.result(f"Then: axedge run {kernel} --board {record.board} --guarantee {record.guarantee:g}{width}")


COMMANDS = (search,)
