"""A folder that is written whole or not at all, and replaced only where nobody else has put anything into it.

The marker file lists every file with its hash, so that a later export knows its own files from the user's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from axedge.artifacts.errors import UsageError
from axedge.artifacts.files import atomic_folder, digest

MARKER = ".axedge-export.json"
SCHEMA = 1


def publish(folder: Path, files: Mapping[str, bytes], about: Mapping[str, Any], *, force: bool = False) -> None:
    """Write `files` and the marker as `folder`, in place of what an earlier export left there.

    Args:
        folder: where to; missing, empty, or written by an export.
        files: contents by path below the folder, with slashes.
        about: what the marker says beside schema and hashes.
        force: replace an earlier export also where its files were changed, or others were added.

    Raises:
        UsageError: the folder holds something that no export wrote, or that was changed since.
        ArtifactError: it cannot be written.
    """
    check_replaceable(folder, force=force)
    hashes = {name: digest(files[name]) for name in sorted(files)}
    marker = json.dumps({"schema": SCHEMA, **about, "files": hashes}, indent=2) + "\n"
    with atomic_folder(folder) as new:
        for name, content in {**files, MARKER: marker.encode()}.items():
            path = new / PurePosixPath(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def check_replaceable(folder: Path, *, force: bool = False) -> None:
    """Refuse a folder in which something of the user's might be lost.

    Raises:
        UsageError: naming what is there.
    """
    another = "Name another one with --into."
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UsageError(f"{folder} is there and is no folder.", another)
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    known = _hashes(folder)
    if known is None:
        raise UsageError(f"{folder} is not empty, and `axedge export` did not write it.", another)
    if force:
        return
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() and not path.is_symlink() or name == MARKER:
            continue
        if name not in known:
            raise UsageError(f"{path} was not there when {folder} was exported.", f"{another[:-1]}, or use --force.")
        if path.is_symlink() or digest(path.read_bytes()) != known[name]:
            raise UsageError(f"{path} was changed since it was exported.", f"{another[:-1]}, or use --force.")


def _hashes(folder: Path) -> dict[str, str] | None:
    """Return the hashes of an export's files by name, or None where no export wrote the folder."""
    try:
        body = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        return dict(body["files"]) if body["schema"] == SCHEMA else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
