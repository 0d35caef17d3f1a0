"""Recorded data in place of a kernel: the options of `axedge train --data`, and what they come to."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axedge.artifacts.workspace import Workspace

if TYPE_CHECKING:
    from axedge.kernels.kernel import Kernel

METRICS = ("relative", "absolute", "rmse", "mismatch")

_OPTIONS = (
    click.option(
        "--data",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="X [Y]",
        help="Recorded data in place of KERNEL: files of inputs and of results, or one of both (.npz, .csv, text).",
    ),
    click.option("--metric", type=click.Choice(METRICS), help="With --data: how an answer's error is measured."),
    click.option("--bound", type=float, help="With --data: the largest error that is safe."),
    click.option("--floor", type=float, help="With --data and relative: smaller results count as this much."),
    click.option("--outputs", type=click.IntRange(min=1), help="With one table: how many last columns are results."),
    click.option("--name", metavar="NAME", help="With --data: what to call it, a C identifier.  [default: data]"),
)


@dataclass(frozen=True)
class Recording:
    """What was said about recorded data; the attributes are the options, None where not given."""

    data: Path | None = None
    metric: str | None = None
    bound: float | None = None
    floor: float | None = None
    outputs: int | None = None
    name: str | None = None

    def kernel(self, second: str | None, workspace: Workspace) -> Kernel | None:
        """Return the kernel of recorded data, kept in the workspace; None where there is no --data.

        Args:
            second: the verb's argument, which beside --data is the file of results.
            workspace: keeps the rows for the stages that follow.

        Raises:
            click.UsageError: options are missing, or exclude each other.
            KernelError: the files, or one of the numbers, cannot be used.
        """
        if self.data is None:
            self._check_alone()
            return None
        if self.metric is None or self.bound is None:
            raise click.UsageError("--data needs --metric and --bound: they say which answers are safe.")
        from axedge.kernels.kernel import data_kernel, kernel_names
        from axedge.kernels.stored import store_kernel

        name = self.name or "data"
        if name in kernel_names():
            raise click.UsageError(f"--name {name} is taken by a kernel that comes with axedge.")
        if second in kernel_names():
            raise click.UsageError(f"--data takes the place of KERNEL: leave {second} out, or --data.")
        results = None if second is None else Path(second)
        floor = self.floor or 0.0
        kernel = data_kernel(self.data, results, self.metric, self.bound, floor=floor, name=name, outputs=self.outputs)
        return store_kernel(kernel, workspace.kernel(name))

    def _check_alone(self) -> None:
        given = [field.name for field in fields(self) if getattr(self, field.name) is not None]
        if given:
            raise click.UsageError(f"--{given[0]} has a meaning beside --data only.")


def recording_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the options, and hand them to it as one `recording`."""

    @functools.wraps(function)
    def collected(*arguments: Any, **options: Any) -> Any:
        said = {field.name: options.pop(field.name) for field in fields(Recording)}
        return function(*arguments, recording=Recording(**said), **options)

    for option in reversed(_OPTIONS):
        collected = option(collected)
    return collected
