from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axedge.artifacts.errors import ArtifactError, UsageError
from axedge.artifacts.files import alone_in, atomic_path, atomic_write, digest, digest_files

pytestmark = pytest.mark.host


def test_a_file_is_whole_or_untouched(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "a.json"
    atomic_write(target, "old")
    with pytest.raises(KeyboardInterrupt), atomic_path(target) as scratch:
        scratch.write_text("half of the new")
        raise KeyboardInterrupt
    assert target.read_text() == "old"
    assert [path.name for path in target.parent.iterdir()] == ["a.json"]


def test_two_at_once_in_one_folder_are_refused(tmp_path: Path) -> None:
    script = f"from axedge.artifacts.files import alone_in\nwith alone_in({str(tmp_path)!r}): pass"
    with alone_in(tmp_path):
        with pytest.raises(UsageError, match="another axedge is at work in"), alone_in(tmp_path):
            pass
        other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert "another axedge is at work" in other.stderr
    with alone_in(tmp_path):
        assert list(tmp_path.iterdir()) == []


def test_a_written_file_has_the_usual_permissions(tmp_path: Path) -> None:
    plain, ours = tmp_path / "plain", tmp_path / "ours"
    plain.write_text("")
    atomic_write(ours, "")
    assert ours.stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_one_clear_line(tmp_path: Path, number: int) -> None:
    target = tmp_path / "a.json"
    with pytest.raises(ArtifactError, match="no space left on the disk") as caught, atomic_path(target):
        raise OSError(number, "No space left on device")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("not a folder")
    with pytest.raises(ArtifactError, match="cannot write"):
        atomic_write(tmp_path / "out" / "a.json", "")


@given(st.lists(st.binary(max_size=6), max_size=4), st.lists(st.binary(max_size=6), max_size=4))
def test_different_lists_of_parts_have_different_digests(left: list[bytes], right: list[bytes]) -> None:
    assert (digest(*left) == digest(*right)) == (left == right)


def test_a_digest_of_files_depends_on_names_and_contents_but_not_on_folders(tmp_path: Path) -> None:
    for folder, name, content in [("a", "x", "1"), ("b", "x", "1"), ("c", "y", "1"), ("d", "x", "2")]:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(content)
    digests = [digest_files(sorted((tmp_path / folder).iterdir())) for folder in "abcd"]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_arrays_on_a_full_disk_are_one_error_and_no_words_at_exit(tmp_path):
    """numpy's own writer, dropped half done, prints a traceback when it is collected."""
    script = """
import errno, pathlib, sys, numpy as np
from axedge.artifacts.errors import ArtifactError
from axedge.artifacts.files import atomic_arrays
def full(self, data): raise OSError(errno.ENOSPC, "No space left on device")
pathlib.Path.write_bytes = full
try: atomic_arrays(pathlib.Path(sys.argv[1]), x=np.zeros(100_000))
except ArtifactError as error: print(error.message)
"""
    command = [sys.executable, "-c", script, str(tmp_path / "a.npz")]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "no space left on the disk" in answer.stdout
    assert answer.stderr == ""
    assert list(tmp_path.iterdir()) == []
