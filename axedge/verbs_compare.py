"""The verb that sets AXNet beside the methods that it claims to beat."""

from __future__ import annotations

from pathlib import Path

import click

from axedge.artifacts.workspace import Workspace
from axedge.options import example, find_kernel, json_option, out_option
from axedge.terminal import Terminal

METHODS = ("axnet", "axnet-paper", "one-pass", "iterative")


@click.command()
@click.argument("kernels", metavar="KERNEL...", nargs=-1, required=True)
@click.option("--seeds", type=click.IntRange(min=1), default=5, show_default=True, help="Trainings a row.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Trainings at a time.")
@click.option("--method", "methods", type=click.Choice(METHODS), multiple=True, help="Only this one; may be repeated.")
@out_option
@json_option
@click.pass_obj
@example("axedge compare inversek2j fft --seeds 5 --jobs 2")
def compare(
    terminal: Terminal,
    kernels: tuple[str, ...],
    seeds: int,
    jobs: int,
    methods: tuple[str, ...],
    out: Path,
    as_json: bool,
) -> None:
    """Train AXNet and the methods it is compared with.

    AXNet, one-pass and iterative at one parameter budget. Two blocks: each method as its paper has it, and all with the
    same effort. Finished trainings are kept in --out, so that an interrupted comparison goes on where it stopped;
    results.json there holds the rows.
    """
    from axedge.show import show_compare
    from axedge.train.compare import compare as run

    workspace = Workspace(out)
    found = [find_kernel(name, workspace) for name in dict.fromkeys(kernels)]
    with terminal.stage("compare") as progress:
        rows = run(found, out, seeds=seeds, methods=methods or None, jobs=jobs, progress=progress)
    show_compare(terminal, rows, as_json)


COMMANDS = (compare,)
