"""`axedge export`: from a converted network to a folder that a user's project takes as it is."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from axedge.artifacts.errors import ArtifactError, ToolMissing, UsageError
from axedge.artifacts.records.base import axedge_version
from axedge.artifacts.records.bench import BenchRecord
from axedge.artifacts.records.build import BuildRecord
from axedge.artifacts.records.convert import ConvertRecord
from axedge.convert.dropin.folder import check_replaceable, publish
from axedge.convert.dropin.forms import Form, find_form
from axedge.kernels.headers import with_headers
from axedge.kernels.kernel import Kernel


@dataclass(frozen=True)
class LibraryEngine:
    """An engine that is a library: what the pair needs to leave its network to it.

    Attributes:
        name: "tflm".
        sources: texts of the C++ between pair and library, the model among them, by file name.
        network: function that axnet_<kernel>.c calls in place of its own network.
        arena_bytes: memory that the library works in, a multiple of 16.
    """

    name: str
    sources: Mapping[str, str]
    network: str
    arena_bytes: int


@dataclass(frozen=True)
class Measured:
    """What the network cost on one board, for the README.

    Attributes:
        build: of the board's image.
        bench: what was measured on it; None where nothing was.
    """

    build: BuildRecord
    bench: BenchRecord | None


@dataclass(frozen=True)
class Dropin:
    """An exported folder.

    Attributes:
        folder: where it is.
        to: the kind of project.
        engine: what executes the network.
        kernel: name.
        model_hash: of the network.
        files: paths below the folder, sorted.
    """

    folder: Path
    to: str
    engine: str
    kernel: str
    model_hash: str
    files: tuple[str, ...]


def export_dropin(
    convert_folder: Path,
    kernel: Kernel,
    folder: Path,
    *,
    to: str,
    library: LibraryEngine | None = None,
    optimize: str = "speed",
    measured: Sequence[Measured] = (),
    force: bool = False,
) -> Dropin:
    """Write the network of a converted kernel as a folder for a user's project; the same bytes for the same arguments.

    Args:
        convert_folder: what `axedge convert` left.
        kernel: the kernel that was converted; its C comes along as the fallback.
        folder: where to; missing, empty, or an earlier export, which is replaced.
        to: the kind of project, a name of FORMS.
        library: executes the network in place of the generated C.
        optimize: what the generated C is made for: "speed", "balanced" or "size".
        measured: boards on which this network was built or measured; those of another model are left out.
        force: replace an earlier export also where its files were changed or others were added.

    Raises:
        UsageError: an argument is unknown, or the folder holds something that no export wrote.
        ArtifactError: the converted network is missing, damaged or of another kernel, or the folder cannot be written.
        ToolMissing: a package is not installed.
    """
    form = find_form(to)
    check_replaceable(folder, force=force)
    record = ConvertRecord.load(convert_folder)
    _check_kernel(record, kernel, convert_folder)
    files = _files(convert_folder, record, kernel, form, optimize, measured, library)
    engine = library.name if library else "aot"
    about = {
        "axedge": axedge_version(),
        "kernel": kernel.name,
        "model_hash": record.model_hash,
        "to": form.name,
        "engine": engine,
        "optimize": optimize,
    }
    publish(folder, files, about, force=force)
    return Dropin(folder, form.name, engine, kernel.name, record.model_hash, tuple(sorted(files)))


def _check_kernel(record: ConvertRecord, kernel: Kernel, folder: Path) -> None:
    again = f"Run `axedge convert {kernel.name}` again."
    if record.kernel != kernel.name:
        raise ArtifactError(f"{folder} holds kernel {record.kernel}, not {kernel.name}.", again)
    if record.kernel_digest != kernel.digest():
        raise ArtifactError(
            f"the kernel {kernel.name} has changed since it was converted.",
            f"Run `axedge train {kernel.name}` and `axedge convert {kernel.name}` again.",
        )


def _files(
    convert_folder: Path,
    record: ConvertRecord,
    kernel: Kernel,
    form: Form,
    optimize: str,
    measured: Sequence[Measured],
    library: LibraryEngine | None,
) -> dict[str, bytes]:
    """Return the contents of all files by path below the folder."""
    try:
        from axedge.convert.dropin.render import render
    except ModuleNotFoundError as error:
        if error.name != "jinja2":
            raise
        raise ToolMissing("jinja2 is not installed.", "Install it: `pip install 'axedge[train]'`.") from None
    from axedge.convert.deployment import load_deployment
    from axedge.convert.dropin.facts import gather
    from axedge.convert.emit import emit_aot

    deployment = load_deployment(convert_folder)
    texts = emit_aot(deployment, optimize)
    if library is not None:
        source = f"axnet_{kernel.name}.c"
        texts[source] = f"#define AXE_{kernel.name.upper()}_NETWORK {library.network}\n{texts[source]}"
        texts |= library.sources
    code = {name: text.encode() for name, text in texts.items()}
    exact = exact_files(kernel)
    files = {_place(form, name, kernel.name): content for name, content in (code | exact).items()}
    if len(files) < len(code) + len(exact):
        raise UsageError(f"the kernel {kernel.name} brings a file named like a generated one.", "Rename its C file.")
    of_model = [each for each in measured if each.build.model_hash == record.model_hash]
    facts = gather(convert_folder, record, deployment, kernel, tuple(exact), of_model, library)
    for name, text in render(form, facts).items():
        files[name] = text.encode()
    return files


def exact_files(kernel: Kernel) -> dict[str, bytes]:
    """Return the kernel's C and the headers that it includes by quoted names, by path, the C first; {} without C.

    Where headers stand in other folders than the C, the paths keep the folders' names, so that the includes hold.
    """
    if kernel.source is None:
        return {}
    paths = [path.resolve() for path in with_headers([kernel.source])]
    top = Path(os.path.commonpath([path.parent for path in paths]))
    return {path.relative_to(top).as_posix(): path.read_bytes() for path in paths}


def _place(form: Form, name: str, kernel: str) -> str:
    folder = form.headers if name == f"axnet_{kernel}.h" else form.sources
    return f"{folder}/{name}" if folder else name
