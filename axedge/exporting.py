"""From what `out/` holds of a kernel to a folder for the user's own project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from axedge.artifacts.errors import UsageError, did_you_mean
from axedge.artifacts.records.bench import BenchRecord
from axedge.artifacts.records.build import BuildRecord
from axedge.artifacts.workspace import Workspace

if TYPE_CHECKING:
    from axedge.convert.dropin import Dropin, LibraryEngine, Measured
    from axedge.kernels.kernel import Kernel

ENGINES = ("aot", "tflm")


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
        engine: "aot", or "tflm": then the project brings TensorFlow Lite Micro.
        optimize: "speed", "balanced" or "size".
        into: the folder to write; None: below `workspace`.
        force: replace an earlier export even where its files were changed.

    Raises:
        UsageError, ArtifactError, ToolMissing: as `axedge.convert.dropin.export_dropin`.
    """
    from axedge.convert.dropin import export_dropin

    if engine not in ENGINES:
        raise UsageError(f"there is no engine {engine!r}.", did_you_mean(engine, ENGINES))
    workspace = workspace or Workspace()
    return export_dropin(
        workspace.convert(kernel.name),
        kernel,
        into or workspace.export(kernel.name, to, engine),
        to=to,
        library=tflm_engine(workspace.convert(kernel.name), kernel.name) if engine == "tflm" else None,
        optimize=optimize,
        measured=_measured(workspace, kernel.name, engine) if optimize == "speed" else (),
        force=force,
    )


def tflm_engine(convert_folder: Path, kernel: str) -> LibraryEngine:
    """Return the engine tflm for one network: the firmware's own glue, under names that two networks do not share."""
    from axedge.artifacts.records.convert import ConvertRecord
    from axedge.convert.dropin import LibraryEngine
    from axedge.firmware.arena import bound_arena
    from axedge.firmware.boards import FIRMWARE
    from axedge.firmware.model_header import read_pair, tflm_definition, tflm_header

    arena = bound_arena(ConvertRecord.load(convert_folder).arena_bytes)
    pair, glue = read_pair(convert_folder, kernel), FIRMWARE / "engines" / "tflm"
    texts = {"axe_tflm_model.h": tflm_header(pair)}
    texts |= {name: (glue / name).read_text(encoding="utf-8") for name in ("axe_tflm.h", "axe_tflm.cc")}
    names = {
        "axe_tflm_model.h": f"axnet_{kernel}_tflm_model.h",
        "axe_tflm.h": f"axnet_{kernel}_tflm_glue.h",
        "axe_tflm.cc": f"axnet_{kernel}_tflm.cc",
    }
    for old, new in names.items():
        texts = {name: text.replace(f'"{old}"', f'"{new}"') for name, text in texts.items()}
    sources = {names[name]: text for name, text in texts.items()}
    sources |= {path.name: path.read_text(encoding="utf-8") for path in pair.arrays}
    return LibraryEngine("tflm", sources, tflm_definition(pair).split("=")[1], arena.bytes)


def _measured(workspace: Workspace, kernel: str, engine: str) -> list[Measured]:
    """Return the images that were built for speed, as an export is, with the bench of just that image if any."""
    from axedge.convert.dropin import Measured

    found = []
    for folder in workspace.images(kernel, engine):
        build, bench = BuildRecord.load_if_present(folder), BenchRecord.load_if_present(folder)
        if build is not None and build.board != "native" and build.optimize == "speed":
            found.append(Measured(build, bench if bench is not None and bench.build_id == build.build_id else None))
    return found
