"""Archives that cannot be read, for whatever reason, are one clear line wherever arrays come from a file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from axedge.artifacts.errors import AxedgeError
from axedge.artifacts.kept import Judged
from axedge.convert.source import network_digest
from axedge.host.messages import Mode
from axedge.host.partial import FILE, Answers
from axedge.host.samples import load_own, load_samples
from axedge.kernels.table import read_inputs

pytestmark = pytest.mark.host

NAMES = ("x", "y", "identity", "network", "config.json")


def packed(content: bytes) -> bytearray:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in NAMES:
            archive.writestr(f"{name}.npy", content)
    return bytearray(file.getvalue())


def header(shape: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return file.getvalue()


def edited(at: int, value: int) -> bytes:
    """Return an archive with one field changed in all its local headers, and in the directory (2 bytes further on)."""
    file = packed(header((4, 2)) + bytes(32))
    for mark, further in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
        place = -1
        while (place := file.find(mark, place + 1)) >= 0:
            file[place + at + further] = value
    return bytes(file)


def with_broken_stream() -> bytes:
    file = packed(header((4, 2)) + bytes(32))
    for name in NAMES:
        place = file.find(f"{name}.npy".encode()) + len(name) + 4
        file[place : place + 8] = b"\xff" * 8
    return bytes(file)


def a_single_array() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros((4, 2), np.float32))
    return file.getvalue()


BROKEN = {
    "more than there is memory": bytes(packed(header((10**12, 2)))),
    "encrypted": edited(6, 1),
    "packed by an unknown method": edited(8, 99),
    "a broken stream": with_broken_stream(),
    "no archive but one array": a_single_array(),
    "nothing": b"",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_an_archive_that_cannot_be_read_is_one_line(tmp_path: Path, content: bytes) -> None:
    for name in ("samples.npz", "judged.npz", FILE):
        (tmp_path / name).write_bytes(content)
    own = tmp_path / "samples.npz"
    readers: list[Callable[[], object]] = [
        lambda: load_samples(tmp_path, 0),
        lambda: load_own(own, 2, 2),
        lambda: read_inputs([own], 2),
        lambda: Judged.load(tmp_path, "any"),
    ]
    for read in readers:
        with pytest.raises(AxedgeError) as caught:
            read()
        assert "\n" not in caught.value.message
    answers = Answers.empty(4, 2, has_exact=True)
    assert answers.network.mode == Mode.BOTH and not answers.load(tmp_path, "any")


def test_a_network_that_unpacks_to_gigabytes_is_refused_unopened(tmp_path: Path) -> None:
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(65 << 20))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(AxedgeError, match="unpacks to more than any network"):
        network_digest(path)


def test_results_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.npz"
    np.savez(path, x=np.zeros((4, 2)), y=np.array([["a", "b"]] * 4))
    with pytest.raises(AxedgeError, match="numbers are needed"):
        load_own(path, 2, 2)
