"""The verb that hands a network over to the user's own project."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from axedge.artifacts.workspace import Workspace
from axedge.options import example, find_kernel, json_option, kernel_argument, optimize_option, out_option
from axedge.terminal import STAGE_WIDTH, Terminal

_FORMS = "c, arduino, platformio, cmake, zephyr or esp-idf"


@click.command()
@kernel_argument
@click.option("--to", metavar="FORM", help=f"Kind of project: {_FORMS}.  [required]")
@click.option(
    "--engine", default="aot", show_default=True, metavar="ENGINE", help="What executes the network: aot or tflm."
)
@optimize_option
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write.  [default: OUT/KERNEL/export/FORM-ENGINE/axnet_KERNEL]",
)
@click.option("--force", is_flag=True, help="Replace an earlier export even where its files were changed.")
@out_option
@json_option
@click.pass_obj
@example(
    "axedge export inversek2j --to arduino", "axedge export inversek2j --to cmake --into ../robot/axnet_inversek2j"
)
def export(
    terminal: Terminal,
    kernel: str | None,
    to: str | None,
    engine: str,
    optimize: str,
    into: Path | None,
    force: bool,
    out: Path,
    as_json: bool,
) -> None:
    """Write the network as a folder for your own project.

    With an example and a README. KERNEL may be left out where out/ holds only one. The kernel's C comes along as the
    fallback.
    """
    from axedge.exporting import export_kernel

    if to is None:
        raise click.UsageError(f"which kind of project? Name one with --to: {_FORMS}.")
    workspace = Workspace(out)
    found = find_kernel(kernel, workspace)
    done = export_kernel(found, workspace, to=to, engine=engine, optimize=optimize, into=into, force=force)
    if as_json:
        terminal.document({"schema": 1, **asdict(done), "folder": str(done.folder)})
        return
    terminal.result(f"{done.folder}")
    for name in done.files:
        terminal.result(f"  {name}")
    words = "README.md there says how to build it, and what is promised for which inputs."
    terminal.say(f"{'export':<{STAGE_WIDTH}} done: {words}")


COMMANDS = (export,)
