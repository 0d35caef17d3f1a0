"""The verbs that start a kernel of the user's own: new, check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from axedge.artifacts.workspace import Workspace
from axedge.options import example, find_board, find_kernel, json_option, kernel_argument, out_option, seed_option
from axedge.terminal import Terminal

if TYPE_CHECKING:
    from axedge.kernels.check import Finding
    from axedge.kernels.kernel import Kernel


@click.command()
@click.argument("name", type=click.Path(path_type=Path))
@click.pass_obj
@example("axedge new dewpoint", "axedge check ./dewpoint --board microbit", "axedge run ./dewpoint --board microbit")
def new(terminal: Terminal, name: Path) -> None:
    """Write a folder NAME for a function of your own.

    It holds a kernel that already works. Its kernel.toml says what a kernel is made of, its C file computes a dew
    point.
    """
    from axedge.kernels.scaffold import new_kernel

    toml, source = new_kernel(name)
    for path in (toml, source):
        terminal.result(str(path))
    folder = name if name.is_absolute() or name.parts[0] == ".." else f"./{name}"
    terminal.say(f"Put your function into {source.name}, its ranges into {toml.name}, then:")
    for verb in ("check", "run"):
        terminal.say(f"  axedge {verb} {folder} --board microbit")


@click.command()
@kernel_argument
@click.option("-b", "--board", metavar="BOARD", help="Also try on this emulated board what a network would cost.")
@seed_option
@out_option
@json_option
@click.pass_obj
@example("axedge check ./dewpoint --board microbit")
def check(terminal: Terminal, kernel: str | None, board: str | None, seed: int, out: Path, as_json: bool) -> None:
    """Say what will make trouble with KERNEL.

    Before an hour is lost; exits 1 if something has to be mended first. Its C under warnings and sanitizers; results
    that are no numbers, constant, or far out; jumps; ranges that no sample reaches. With --board, what the exact
    function and a network of this shape cost there.
    """
    from axedge.artifacts.errors import CheckFailed
    from axedge.kernels.check import check_kernel
    from axedge.show import show_findings

    found = find_kernel(kernel, Workspace(out))
    with terminal.stage("check") as progress:
        findings = check_kernel(found, seed, progress=progress)
    is_sound = all(one.level != "trouble" for one in findings)
    if board is not None and is_sound:
        findings.append(_cost(terminal, found, board))
    show_findings(terminal, found.name, findings, as_json)
    troubles = [one.subject for one in findings if one.level == "trouble"]
    if troubles:
        raise CheckFailed(f"{found.name}: trouble with {', '.join(dict.fromkeys(troubles))}, as said above.")


def _cost(terminal: Terminal, kernel: Kernel, board: str) -> Finding:
    from axedge.kernels.check import Finding
    from axedge.trial import try_out

    target = find_board(board)
    if not kernel.has_exact:
        return Finding(
            "cost", "note", f"recorded data without C: {target.name} has no exact function to be cheaper than."
        )
    with terminal.stage("try") as progress:
        trial = try_out(kernel, target, progress=progress)
    costs = (
        f"on {target.name} the exact function costs {trial.exact:,.0f} {trial.unit} a call, a network of this shape "
        f"{trial.network:,.0f} and {trial.flash_bytes:,} bytes of flash"
    )
    if trial.exact <= trial.network:
        return Finding("cost", "trouble", f"{costs}: no network of this shape can win there.")
    gain = f"{trial.best_speedup:.2f} times at most, were it used on every input"
    if trial.break_even > 0.5:
        return Finding(
            "cost", "note", f"{costs}: {gain}; it must be used on about {100 * trial.break_even:.0f} % to pay."
        )
    return Finding("cost", "fine", f"{costs}: {gain}.")


COMMANDS = (new, check)
