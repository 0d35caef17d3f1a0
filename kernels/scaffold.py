"""`axedge new`: a kernel that already works, for the user to put a function of his own into."""

from __future__ import annotations

from pathlib import Path

from axedge.artifacts.errors import UsageError
from axedge.artifacts.files import atomic_folder
from axedge.kernels.kernel import kernel_names
from axedge.kernels.manifest import FILE_NAME
from axedge.kernels.names import check_kernel_name

_TEMPLATES = Path(__file__).parent / "_new"


def new_kernel(folder: Path) -> tuple[Path, ...]:
    """Write a folder with a kernel.toml and a C file, named as the folder; return the files.

    Raises:
        UsageError: the name cannot be a C function's, is that of a kernel that comes with axedge, or the folder is
            there and not empty.
        ArtifactError: it cannot be written.
    """
    name = folder.name
    try:
        check_kernel_name(name)
    except ValueError as mistake:
        raise UsageError(f"the kernel's name {name!r} {mistake}.") from None
    if name in kernel_names():
        raise UsageError(f"a kernel {name!r} comes with axedge.", "Choose another name.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already.", "Choose another name, or remove it.")
    names = {FILE_NAME: f"{FILE_NAME}.in", f"{name}.c": "kernel.c.in"}
    with atomic_folder(folder) as scratch:
        for file, template in names.items():
            text = (_TEMPLATES / template).read_text(encoding="utf-8")
            (scratch / file).write_text(text.replace("NAME", name), encoding="utf-8")
    return tuple(folder / file for file in names)
