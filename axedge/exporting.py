"""From what `out/` holds of a kernel to a folder for the user's own project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from axedge.artifacts.records.bench import BenchRecord
from axedge.artifacts.records.build import BuildRecord
from axedge.artifacts.workspace import Workspace

if TYPE_CHECKING:
    from axedge.convert.dropin import Dropin, Measured
    from axedge.kernels.kernel import Kernel


def export_kernel(
    kernel: Kernel,
    workspace: Workspace | None = None,
    *,
    to: str,
    engine: str = "aot",
    optimize: str = "speed",
    into: Path | None = None,
    force: bool = False,
) -> Dropin:
    """Write a converted kernel as a folder for a project of the kind `to`; its README says what was measured in `out/`.

    Args:
        kernel: already converted.
        workspace: where its stages are; None for out/.
        to: c, arduino, platformio, cmake, zephyr or esp-idf.
        engine: "aot".
        optimize: "speed", "balanced" or "size".
        into: the folder to write; None: below `workspace`.
        force: replace an earlier export even where its files were changed.

    Raises:
        UsageError, ArtifactError, ToolMissing: as `axedge.convert.dropin.export_dropin`.
    """
    from axedge.convert.dropin import export_dropin

    workspace = workspace or Workspace()
    return export_dropin(
        workspace.convert(kernel.name),
        kernel,
        into or workspace.export(kernel.name, to, engine),
        to=to,
        engine=engine,
        optimize=optimize,
        measured=_measured(workspace, kernel.name, engine) if optimize == "speed" else (),
        force=force,
    )


def _measured(workspace: Workspace, kernel: str, engine: str) -> list[Measured]:
    """Return the images that were built for speed, as an export is, with the bench of just that image if any."""
    from axedge.convert.dropin import Measured

    found = []
    for folder in workspace.images(kernel, engine):
        build, bench = BuildRecord.load_if_present(folder), BenchRecord.load_if_present(folder)
        if build is not None and build.board != "native" and build.optimize == "speed":
            found.append(Measured(build, bench if bench is not None and bench.build_id == build.build_id else None))
    return found
