"""Files that are either whole or absent, and hashes of what was read."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axedge.artifacts.errors import ArtifactError, UsageError

#: What reading an .npz of plain arrays, or a part of any zip, raises where the file is missing, damaged, encrypted, no
#: such file at all, or says that it holds more than there is memory for.
UNREADABLE_ARCHIVE = (
    *(OSError, ValueError, EOFError, KeyError, TypeError, AttributeError),
    *(MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error),
)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; on success rename it to `path`, on any failure remove it.

    Raises:
        ArtifactError: the disk is full or the folder cannot be written.
    """
    scratch: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
        os.close(handle)
        scratch = Path(name)
        yield scratch
        scratch.chmod(0o666 & ~_umask())
        scratch.replace(path)
    except OSError as error:
        _explain(error, path, "Choose another folder with --out.")
        raise
    finally:
        if scratch is not None:
            scratch.unlink(missing_ok=True)


def check_writable(folder: Path) -> None:
    """Make the folder, and make sure that files can be written there: before the work, not after it.

    Raises:
        ArtifactError: they cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        _explain(error, folder, "Choose another folder with --out.")
        raise


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes out of a stage's folder: two at once would mix one's files with the other's record.

    The system gives the folder free when the process ends, however it ends. Where folders cannot be locked (Windows,
    some network drives) nothing is.

    Raises:
        UsageError: another process is at work there.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise UsageError(
            f"another axedge is at work in {folder}.", "Wait until it has ended, or choose another --out."
        ) from None
    except OSError:
        pass
    try:
        yield
    finally:
        os.close(handle)


def atomic_write(path: Path, content: bytes | str) -> None:
    """Write `content` to `path`, whole or not at all (a string as UTF-8)."""
    data = content.encode() if isinstance(content, str) else content
    with atomic_path(path) as scratch:
        scratch.write_bytes(data)


def atomic_arrays(path: Path, /, **arrays: Any) -> None:
    """Write an .npz, whole or not at all; the same arrays give the same bytes.

    It is put together in memory: numpy's writer, left alone with a full disk, ends in words of its own at exit.

    Raises:
        ArtifactError: as `atomic_path`.
    """
    import numpy as np

    packed = io.BytesIO()
    np.savez(packed, **arrays)
    atomic_write(path, packed.getvalue())


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path`; on success put it in the place of `path`, on any failure leave `path` alone.

    What `path` held is removed; the caller has seen to it that nothing is lost.

    Raises:
        ArtifactError: the disk is full or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as scratch:
            new, old = Path(scratch, "new"), Path(scratch, "old")
            new.mkdir()
            yield new
            if not path.is_dir():
                new.rename(path)
                return
            path.rename(old)
            try:
                new.rename(path)
            except BaseException:
                old.rename(path)
                raise
    except OSError as error:
        _explain(error, path, "Choose another folder.")
        raise


def digest(*parts: bytes | str) -> str:
    """Return the SHA-256, in hex, of the parts with their lengths, so that no two lists of parts collide."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "little"))
        total.update(data)
    return total.hexdigest()


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hex, as sha256sum prints it."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_files(paths: Iterable[Path]) -> str:
    """Return a hash of the files' names (without folders) and contents, in the order given."""
    parts: list[bytes | str] = []
    for path in paths:
        parts += [path.name, path.read_bytes()]
    return digest(*parts)


def _explain(error: OSError, path: Path, elsewhere: str) -> None:
    """Raise an ArtifactError for what is the fault of the disk or the folder, and nothing for any other error."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise ArtifactError(f"cannot write {path}: no space left on the disk.", "Free some and try again.") from error
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENOENT):
        reason = (error.strerror or "not permitted").lower()
        raise ArtifactError(f"cannot write {path}: {reason}.", elsewhere) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
