"""Recorded data kept as a kernel folder, so that the stages after training find it again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from axedge.artifacts.files import atomic_path, atomic_write
from axedge.kernels.definition import Kernel
from axedge.kernels.kernel import load_kernel
from axedge.kernels.manifest import FILE_NAME
from axedge.kernels.spec import InputPort

DATA_NAME = "data.npz"


def store_kernel(kernel: Kernel, folder: Path) -> Kernel:
    """Write a kernel of recorded data as a folder with a kernel.toml and its rows; return it as read from there.

    The rows are copied: the network that is trained on them belongs to these rows, whatever becomes of the files.

    Args:
        kernel: made by `data_kernel`.
        folder: where to write; what an earlier recording left there is replaced.

    Raises:
        ValueError: the kernel is not one of recorded data alone.
        ArtifactError: the folder cannot be written.
    """
    recorded = kernel.recorded
    if recorded is None or recorded.y is None:
        raise ValueError(f"a kernel of recorded inputs and results is needed. Received: {kernel.name}")
    with atomic_path(folder / DATA_NAME) as scratch:
        np.savez_compressed(scratch, x=recorded.x, y=recorded.y)
    atomic_write(folder / FILE_NAME, _manifest(kernel))
    return load_kernel(folder)


def _manifest(kernel: Kernel) -> str:
    network, error = kernel.network, kernel.error
    lines = [
        f"name    = {_text(kernel.name)}",
        f"summary = {_text(kernel.summary)}",
        "inputs  = [",
        *(f"  {_input(port)}," for port in kernel.inputs),
        "]",
        "outputs = [",
        *(f"  {{ name = {_text(port.name)}, unit = {_text(port.unit)} }}," for port in kernel.outputs),
        "]",
        "",
        "[error]",
        f"metric = {_text(error.metric)}",
        f"bound  = {float(error.bound)!r}",
        f"floor  = {float(error.floor)!r}",
        "",
        "[sample]",
        f"data = {_text(DATA_NAME)}",
        "",
        "[network]",
        f"approximator = {list(network.approximator)}",
        f"predictor    = {list(network.predictor)}",
        f"predictor_activation = {_text(network.predictor_activation)}",
        f"approximator_activation = {_text(network.approximator_activation)}",
    ]
    return "\n".join(lines) + "\n"


def _input(port: InputPort) -> str:
    box = f"min = {float(port.minimum)!r}, max = {float(port.maximum)!r}"
    return f"{{ name = {_text(port.name)}, unit = {_text(port.unit)}, {box} }}"


def _text(value: str) -> str:
    """Return a TOML string; what cannot be printed, as in odd file names, becomes a question mark."""
    return json.dumps("".join(sign if sign.isprintable() else "?" for sign in value), ensure_ascii=False)
