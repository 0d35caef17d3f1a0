from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import pytest

from axedge.artifacts.errors import ArtifactError
from axedge.artifacts.records.base import Part, Record
from axedge.artifacts.workspace import Workspace

pytestmark = pytest.mark.host


class Inner(Part):
    value: float


class Sample(Record):
    VERB: ClassVar[str] = "sample"
    FILE: ClassVar[str] = "sample.json"

    count: int
    inner: Inner | None = None


def sample(**changes: object) -> Sample:
    return Sample(**({"axedge": "1", "inputs_digest": "d", "count": 3, "inner": Inner(value=0.1)} | changes))


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    record = sample()
    assert record.save(tmp_path) == tmp_path / "sample.json"
    assert Sample.load(tmp_path) == record
    assert json.loads((tmp_path / "sample.json").read_text())["schema"] == 1


def test_a_missing_record_names_the_verb_to_run(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="Run `axedge sample` first"):
        Sample.load(tmp_path)
    assert Sample.load_if_present(tmp_path) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "damaged"),
        ("[]", "damaged"),
        ("[" * 100_000, "damaged"),
        ("{}", "damaged"),
        ('{"schema": 2}', "has schema 2, this axedge reads 1"),
        ('{"schema": 1, "axedge": "1", "inputs_digest": "d", "count": "many"}', "damaged at count"),
        ('{"schema": 1, "axedge": "1", "inputs_digest": "d", "count": 1, "more": 1}', "damaged at more"),
        ('{"schema": 1, "axedge": "1", "inputs_digest": "d", "count": 1, "inner": {}}', "damaged at inner.value"),
    ],
)
def test_a_damaged_record_is_one_clear_line(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "sample.json").write_text(text)
    with pytest.raises(ArtifactError, match=says) as caught:
        Sample.load(tmp_path)
    assert "\n" not in str(caught.value)


def test_the_only_kernel_of_a_workspace(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    with pytest.raises(Exception, match="holds no kernel yet"):
        workspace.only_kernel()
    workspace.train("one").mkdir(parents=True)
    workspace.emulated_board("microbit").mkdir(parents=True)
    assert workspace.only_kernel() == "one"
    workspace.train("two").mkdir(parents=True)
    with pytest.raises(Exception, match="holds 2 kernels: one, two"):
        workspace.only_kernel()


def test_files_are_known_by_what_was_written(tmp_path):
    class Made(Record):
        VERB = "make"
        FILE = "made.json"

        @property
        def produced(self):
            return ("a.bin", "b.bin")

    for name in ("a.bin", "b.bin"):
        (tmp_path / name).write_bytes(b"0123")
    record = Made(axedge="0", inputs_digest="0")
    record.save(tmp_path)
    found = Made.load(tmp_path)
    assert found == record and found.is_whole(tmp_path)
    (tmp_path / "b.bin").write_bytes(b"01")
    with pytest.raises(
        ArtifactError, match=r"b\.bin is damaged: it is not what `axedge make` wrote\. Run `axedge make` ag"
    ):
        found.check_files(tmp_path)
    assert not found.is_whole(tmp_path)
    found.check_files(tmp_path, ["a.bin"])
    (tmp_path / "a.bin").unlink()
    with pytest.raises(ArtifactError, match=r"a\.bin does not exist\. Run `axedge make` again"):
        found.check_files(tmp_path)
