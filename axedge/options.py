"""Options that several verbs share, and how a verb finds its kernel and board."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axedge.artifacts.workspace import Workspace

if TYPE_CHECKING:
    from axedge.firmware.boards import Board
    from axedge.kernels.kernel import Kernel

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

kernel_argument = click.argument("kernel", required=False)
board_option = click.option("-b", "--board", metavar="BOARD", help="Target board; `axedge boards` lists them.")
out_option = click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out"),
    show_default=True,
    help="Folder that the stages read and write.",
)
force_option = click.option("--force", is_flag=True, help="Do the work even where it is up to date.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
seed_option = click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Random seed.")
engine_option = click.option(
    "--engine",
    type=click.Choice(["aot", "tflm"]),
    default="aot",
    show_default=True,
    help="What executes the network: generated C, or TensorFlow Lite Micro.",
)
bench_engine_option = click.option(
    "--engine",
    type=click.Choice(["aot", "tflm", "both"]),
    default="aot",
    show_default=True,
    help="Generated C, TensorFlow Lite Micro, or one after the other with all bits compared.",
)
tflm_option = click.option(
    "--tflm",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where TensorFlow Lite Micro was built, for --engine tflm.",
)
arena_option = click.option(
    "--arena",
    type=click.IntRange(min=16),
    metavar="BYTES",
    help="Its tensor arena.  [default: what is measured, and 64]",
)
optimize_option = click.option(
    "--optimize",
    type=click.Choice(["speed", "balanced", "size"]),
    default="speed",
    show_default=True,
    help="What the generated C is made for.",
)


port_option = click.option(
    "-p", "--port", metavar="PORT", help="Serial port, socket://HOST:PORT, or auto. Without it: the board's emulator."
)
samples_option = click.option("--samples", type=click.IntRange(min=1), help="Inputs to run.  [default: 5000]")


def convert_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `axedge convert`, which `axedge run` hands through; one that is not given stays as it was."""
    for option in reversed(
        (
            click.option(
                "--guarantee",
                type=click.FloatRange(0, 1, min_open=True, max_open=True),
                help="Precision to promise; exits 1 where it cannot be promised.  [default: 0.95]",
            ),
            click.option("--no-guarantee", is_flag=True, help="Promise nothing: the gate as it was trained."),
            click.option(
                "--confidence",
                type=click.FloatRange(0, 1, min_open=True, max_open=True),
                help="Confidence of the promise.  [default: 0.95]",
            ),
            click.option(
                "--activations", type=click.Choice(["int8", "int16"]), help="Width of activations.  [default: int8]"
            ),
            click.option(
                "--inputs",
                type=click.Choice(["plain", "two-byte"]),
                help="Each input as one code, or as a coarse and a fine int8 code.  [default: plain]",
            ),
            click.option(
                "--effort",
                type=click.FloatRange(min=0),
                help="Factor on the steps of fine-tuning; 0: none.  [default: 1]",
            ),
            click.option(
                "--calibrate",
                type=click.Path(path_type=Path, dir_okay=False),
                metavar="FILE",
                help="Promise for inputs recorded in the application (.csv, .npz or text), not for the kernel's own.",
            ),
            click.option("--no-calibrate", is_flag=True, help="Back from --calibrate to the kernel's own inputs."),
        )
    ):
        function = option(function)
    return function


def given_convert_options(
    guarantee: float | None,
    no_guarantee: bool,
    confidence: float | None,
    activations: str | None,
    inputs: str | None,
    effort: float | None,
    calibrate: Path | None,
    no_calibrate: bool,
) -> dict[str, Any]:
    """Return those that were given, as keyword arguments of `convert_kernel`.

    Raises:
        click.UsageError: they contradict each other.
    """
    if no_guarantee and (guarantee is not None or confidence is not None or calibrate is not None):
        raise click.UsageError("--no-guarantee excludes --guarantee, --confidence and --calibrate.")
    if no_calibrate and calibrate is not None:
        raise click.UsageError("--no-calibrate excludes --calibrate.")
    named = {"guarantee": guarantee, "confidence": confidence, "activations": activations, "effort": effort}
    named["inputs"] = inputs
    named["calibrate"] = None if calibrate is None else str(calibrate)
    given = {name: value for name, value in named.items() if value is not None}
    undone = {"guarantee": None, "calibrate": None} if no_guarantee else {"calibrate": None} if no_calibrate else {}
    return given | undone


def example(*lines: str) -> Decorator:
    """Add an example, or several, one a line, to a verb's help."""
    text = "\n      ".join(lines)

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__doc__ = f"{(function.__doc__ or '').rstrip()}\n\n    \b\n    Example:\n      {text}\n    "
        return function

    return add


def find_kernel(name: str | None, workspace: Workspace) -> Kernel:
    """Load the kernel that was named, or the only one that `out/` holds.

    A name stands for a kernel that comes with axedge, else for a folder, else for recorded data kept in `out/`.
    """
    from axedge.kernels.kernel import kernel_names, load_kernel

    chosen = name if name is not None else workspace.only_kernel()
    kept = workspace.kernel(chosen)
    is_taken = chosen in kernel_names() or Path(chosen, "kernel.toml").is_file()
    return load_kernel(kept if chosen.isidentifier() and not is_taken and kept.is_dir() else chosen)


def name_kernel(name: str | None, workspace: Workspace) -> str:
    """Return the kernel's name; its files are not needed if `out/` holds its converted network."""
    if name is not None and workspace.convert(name).is_dir():
        return name
    return find_kernel(name, workspace).name if name is not None else workspace.only_kernel()


def find_board(name: str | None) -> Board:
    """Load the board that was named.

    Raises:
        click.UsageError: none was named.
    """
    from axedge.firmware.boards import board_names, load_board

    if name is None:
        raise click.UsageError(f"which board? Name one with --board: {', '.join(board_names())}.")
    return load_board(name)
