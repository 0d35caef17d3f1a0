"""Kernels by name, from a folder, or from recorded data alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import ValidationError

from axedge.artifacts.errors import KernelError, did_you_mean
from axedge.kernels.definition import Kernel, Sampler, Samples
from axedge.kernels.headers import with_headers
from axedge.kernels.manifest import FILE_NAME, Manifest, read_manifest
from axedge.kernels.names import check_kernel_name
from axedge.kernels.recorded import PURPOSES, Recorded
from axedge.kernels.spec import ErrorSpec, InputPort, NetworkSpec, Port, default_network
from axedge.kernels.table import Table, read_inputs, read_pair

__all__ = [
    "PURPOSES",
    "ErrorSpec",
    "InputPort",
    "Kernel",
    "NetworkSpec",
    "Port",
    "Samples",
    "Sampler",
    "data_kernel",
    "default_network",
    "is_bundled",
    "kernel_names",
    "load_kernel",
]

_HOME = Path(__file__).resolve().parent


def kernel_names() -> list[str]:
    """Return the kernels that come with axedge."""
    return sorted(path.parent.name for path in _HOME.glob(f"*/{FILE_NAME}"))


def is_bundled(kernel: Kernel) -> bool:
    """Return whether the kernel is one of those that come with axedge."""
    return kernel.folder.resolve().parent == _HOME


def load_kernel(name_or_folder: str | Path) -> Kernel:
    """Read a kernel, by name or from a folder with a kernel.toml; nothing is compiled yet.

    Raises:
        KernelError: there is none, or its files hold mistakes (one line each, with file and line).
    """
    folder = _find(name_or_folder)
    manifest = read_manifest(folder / FILE_NAME)
    inputs, outputs = manifest.input_ports(), manifest.output_ports()
    source = None if manifest.source is None else folder / manifest.source
    sampler = _sampler(manifest, folder, len(inputs))
    data = tuple(folder / name for name in manifest.sample.data or ())
    code = [source, sampler.source if sampler else None]
    recorded = _recorded(data, source is not None, inputs, len(outputs)) if data else None
    return Kernel(
        name=manifest.name,
        summary=manifest.summary,
        folder=folder,
        inputs=inputs,
        outputs=outputs,
        error=manifest.error,
        network=manifest.network,
        source=source,
        sampler=sampler,
        recorded=recorded,
        files=(folder / FILE_NAME, *with_headers([path for path in code if path is not None]), *data),
    )


def data_kernel(
    x_path: Path,
    y_path: Path | None,
    metric: str,
    bound: float,
    *,
    floor: float = 0.0,
    name: str = "data",
    network: NetworkSpec | None = None,
    outputs: int | None = None,
) -> Kernel:
    """Make a kernel of recorded data alone, without kernel.toml and C; its box is the smallest around the data.

    Args:
        x_path: the inputs; alone, an .npz with x and y, or a table whose last columns are the results.
        y_path: the results, or None.
        metric: relative, absolute, rmse or mismatch.
        bound: largest error that is safe.
        floor: relative only: |y| below it counts as this much.
        name: a C identifier.
        network: None for `default_network`.
        outputs: how many columns are results; None for all of y_path, or the last one of a table alone.

    Raises:
        KernelError: the files, or one of the arguments, cannot be used.
    """
    paths = (x_path,) if y_path is None else (x_path, y_path)
    try:
        check_kernel_name(name)
        error = ErrorSpec(metric=metric, bound=bound, floor=floor)  # type: ignore[arg-type]
    except ValueError as mistake:
        raise KernelError(_first_mistake(name, mistake)) from None
    x, y = read_pair(paths, None, outputs)
    low, high = x.values.min(axis=0), x.values.max(axis=0)
    if (low == high).any():
        column = int(np.argmax(low == high))
        raise KernelError(f"{x.where(0)}: input column {column + 1} is {low[column]:g} in every row.", "Leave it out.")
    ports = tuple(InputPort(f"x{i}", minimum=float(low[i]), maximum=float(high[i])) for i in range(len(low)))
    return Kernel(
        name=name,
        summary=f"Recorded data of {x_path.name}",
        folder=x_path.parent,
        inputs=ports,
        outputs=tuple(Port(f"y{index}") for index in range(y.values.shape[1])),
        error=error,
        network=network or default_network(len(ports), y.values.shape[1]),
        recorded=Recorded(x.values, y.values),
        files=paths,
        settings=repr((name, error, network, outputs)),
    )


def _find(name_or_folder: str | Path) -> Path:
    if isinstance(name_or_folder, str) and name_or_folder in (names := kernel_names()):
        return _HOME / name_or_folder
    folder = Path(name_or_folder)
    if folder.name == FILE_NAME:
        folder = folder.parent
    if (folder / FILE_NAME).is_file():
        return folder
    if folder.is_dir():
        raise KernelError(f"{folder} holds no {FILE_NAME}, so it is no kernel.")
    if isinstance(name_or_folder, Path) or "/" in name_or_folder:
        raise KernelError(f"there is no kernel folder {folder}.")
    raise KernelError(f"no kernel is called {name_or_folder!r}.", did_you_mean(name_or_folder, names))


def _sampler(manifest: Manifest, folder: Path, inputs: int) -> Sampler | None:
    sample = manifest.sample
    if sample.function is None:
        return None
    return Sampler(sample.function, sample.uniforms or inputs, folder / sample.source if sample.source else None)


def _recorded(paths: tuple[Path, ...], has_exact: bool, inputs: tuple[InputPort, ...], outputs: int) -> Recorded:
    y: Table | None = None
    if has_exact:
        x = read_inputs(paths, len(inputs))
    else:
        x, y = read_pair(paths, len(inputs), outputs)
    for column, port in enumerate(inputs):
        values = x.values[:, column]
        outside = np.flatnonzero((values < np.float32(port.minimum)) | (values > np.float32(port.maximum)))
        if len(outside):
            row = outside[0]
            box = f"{port.minimum:g} to {port.maximum:g}"
            raise KernelError(f"{x.where(row)}: {port.name} is {values[row]:g}, outside {box} of {FILE_NAME}.")
    return Recorded(x.values, None if y is None else y.values)


def _first_mistake(name: str, mistake: ValueError) -> str:
    if not isinstance(mistake, ValidationError):
        return f"name {name!r} {mistake}."
    first = mistake.errors()[0]
    return f"{first['loc'][0]} is {first['input']!r}: {first['msg'].lower()}."
