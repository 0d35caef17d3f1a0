"""What the templates of an export are told: of the kernel, the network, its promise, one sample, and its cost."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import ArtifactError
from axedge.artifacts.files import UNREADABLE_ARCHIVE
from axedge.artifacts.records.base import axedge_version
from axedge.artifacts.records.convert import ConvertRecord
from axedge.convert.deployment import answer
from axedge.convert.qnet import Deployment
from axedge.convert.vectors import SAMPLES_FILE
from axedge.kernels.kernel import Kernel, is_bundled

if TYPE_CHECKING:
    from axedge.convert.dropin.export import LibraryEngine, Measured

_LOOKED_AT = 2000


def gather(
    convert_folder: Path,
    record: ConvertRecord,
    deployment: Deployment,
    kernel: Kernel,
    exact_files: tuple[str, ...],
    measured: Sequence[Measured],
    library: LibraryEngine | None,
) -> dict[str, Any]:
    """Return the templates' values.

    Args:
        convert_folder: holds the samples.
        record: of the conversion.
        deployment: the network.
        kernel: what is approximated.
        exact_files: paths of the kernel's own files below the folder of the sources.
        measured: boards on which this very network was built.
        library: executes the network, or None.

    Raises:
        ArtifactError: the samples are missing or damaged.
    """
    row, shown = _sample(convert_folder / SAMPLES_FILE, deployment)
    package = f"axnet_{kernel.name}"
    network_sources = [
        f"{package}.c",
        *sorted(name for name in (library.sources if library else ()) if name.endswith(".cc")),
    ]
    version = axedge_version()
    release = ".".join((re.findall(r"\d+", version.split("+")[0]) + ["0", "0", "0"])[:3])
    return {
        "kernel": kernel.name,
        "KERNEL": kernel.name.upper(),
        "library": package,
        "LIBRARY": package.upper(),
        "engine": library.name if library else "aot",
        "arena_bytes": library.arena_bytes if library else 0,
        "network_sources": network_sources,
        "summary": " ".join(kernel.summary.split()).rstrip("."),
        "version": version,
        "release": release,
        "semver": f"{release}+{record.model_hash}",
        "model_hash": record.model_hash,
        "bits": deployment.net.bits,
        "parameters": record.parameters,
        "inputs": kernel.inputs,
        "outputs": kernel.outputs,
        "has_exact": kernel.has_exact,
        "is_guarded": bool(deployment.guard) or deployment.envelope is not None,
        "exact_sources": [name for name in exact_files if name.endswith(".c")],
        "exact_files": exact_files,
        "is_bundled": is_bundled(kernel),
        "input": row.tolist(),
        "shown": shown.tolist(),
        "notes": [note for note in record.notes if note != kernel.summary and not note.startswith("Promise:")],
        "guarantee": record.guarantee,
        "figures": record.figures,
        "test_count": record.test_count,
        "measured": sorted(measured, key=lambda each: each.build.board),
    }


def _sample(path: Path, deployment: Deployment) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the first of the bench's inputs on which the network is used, or the very first, and its exact result."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            x, y = archive["x"][:_LOOKED_AT], archive["y"][:_LOOKED_AT]
    except UNREADABLE_ARCHIVE as error:
        raise ArtifactError(f"{path} is missing or damaged ({error}).", "Run `axedge convert` again.") from None
    _, logits = answer(deployment, x)
    index = int(np.argmax(logits >= deployment.threshold)) if deployment.net.logit else 0
    return x[index], y[index]
