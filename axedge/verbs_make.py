"""The verbs that make things: train, convert, build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from axedge.artifacts.workspace import Workspace
from axedge.options import (
    arena_option,
    board_option,
    convert_options,
    engine_option,
    example,
    find_board,
    find_kernel,
    force_option,
    given_convert_options,
    json_option,
    kernel_argument,
    optimize_option,
    out_option,
    seed_option,
    tflm_option,
)
from axedge.recording import Recording, recording_options
from axedge.terminal import Terminal


@click.command()
@kernel_argument
@seed_option
@click.option("--recipe", default="default", show_default=True, help="How to train: default, or paper.")
@click.option("--steps", type=click.IntRange(min=1), help="Training steps (default: the recipe's).")
@click.option("--restarts", type=click.IntRange(min=1), help="Networks trained side by side (default: the recipe's).")
@recording_options
@out_option
@force_option
@json_option
@click.pass_obj
@example(
    "axedge train inversek2j --seed 1",
    "axedge train --data x.txt y.txt --metric relative --bound 0.1 --name arm",
)
def train(
    terminal: Terminal,
    kernel: str | None,
    seed: int,
    recipe: str,
    steps: int | None,
    restarts: int | None,
    recording: Recording,
    out: Path,
    force: bool,
    as_json: bool,
) -> None:
    """Train the network of KERNEL.

    A name that `axedge kernels` lists, or a folder with a kernel.toml. Or of recorded data, which needs no C; the
    stages that follow find it by its --name.
    """
    from axedge import api
    from axedge.show import show_train

    workspace = Workspace(out)
    options = {"seed": seed, "recipe": recipe, "steps": steps, "restarts": restarts}
    found = recording.kernel(kernel, workspace) or find_kernel(kernel, workspace)
    show_train(terminal, api.train(found, out=out, force=force, terminal=terminal, **options), as_json)


@click.command()
@kernel_argument
@convert_options
@click.option(
    "--model",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A .keras network of your own for KERNEL, in its units, in place of the trained one.",
)
@click.option("--trained", is_flag=True, help="Back from --model to what `axedge train` made.")
@click.option("--seed", type=click.IntRange(min=0), help="Random seed.  [default: 0, or the last one]")
@out_option
@force_option
@json_option
@click.pass_obj
@example("axedge convert inversek2j --guarantee 0.95", "axedge convert inversek2j --model my.keras")
def convert(
    terminal: Terminal,
    kernel: str | None,
    model: Path | None,
    trained: bool,
    seed: int | None,
    out: Path,
    force: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Quantise the network, and write it as C.

    In int8, or with 16-bit activations: plain generated C, and arrays for TFLite Micro. KERNEL may be left out where
    out/ holds only one. An option that is not given stays as it was last time.
    """
    from axedge import api
    from axedge.show import show_convert

    if trained and model is not None:
        raise click.UsageError("--trained excludes --model.")
    workspace = Workspace(out)
    chosen = given_convert_options(**options) | ({} if seed is None else {"seed": seed})
    if trained or model is not None:
        chosen["model"] = None if trained else str(model)
    found = find_kernel(kernel, workspace)
    show_convert(terminal, api.convert(found, out=out, force=force, terminal=terminal, **chosen), as_json)


@click.command()
@kernel_argument
@board_option
@engine_option
@tflm_option
@arena_option
@optimize_option
@out_option
@force_option
@json_option
@click.pass_obj
@example(
    "axedge build inversek2j --board microbit",
    "axedge build inversek2j --board microbit --engine tflm --tflm ~/tflite-micro",
)
def build(
    terminal: Terminal,
    kernel: str | None,
    board: str | None,
    engine: str,
    tflm: Path | None,
    arena: int | None,
    optimize: str,
    out: Path,
    force: bool,
    as_json: bool,
) -> None:
    """Build the board's firmware around the network.

    Says how much flash, static RAM and stack it takes.
    """
    from axedge import api
    from axedge.show import show_build

    workspace = Workspace(out)
    options: dict[str, Any] = {"engine": engine, "tflm": tflm, "arena_bytes": arena, "optimize": optimize}
    found, target = find_kernel(kernel, workspace), find_board(board)
    show_build(terminal, api.build(found, target, out=out, force=force, terminal=terminal, **options), as_json)


COMMANDS = (train, convert, build)
