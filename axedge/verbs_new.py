"""The verb that starts a kernel of the user's own."""

from __future__ import annotations

from pathlib import Path

import click

from axedge.options import example
from axedge.terminal import Terminal


@click.command()
@click.argument("name", type=click.Path(path_type=Path))
@click.pass_obj
@example("axedge new dewpoint", "axedge run ./dewpoint --board native")
def new(terminal: Terminal, name: Path) -> None:
    """Write a folder NAME with a kernel that already works; put a function of your own into it.

    Its kernel.toml says what a kernel is made of, its C file computes a dew point.
    """
    from axedge.kernels.scaffold import new_kernel

    toml, source = new_kernel(name)
    for path in (toml, source):
        terminal.result(str(path))
    folder = name if name.is_absolute() or name.parts[0] == ".." else f"./{name}"
    terminal.say(
        f"Put your function into {source.name}, its ranges into {toml.name}, then: axedge run {folder} --board native"
    )


COMMANDS = (new,)
