"""An export is whole or absent, and never takes anything that is not its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from axedge.artifacts.errors import ArtifactError, UsageError
from axedge.convert.dropin import folder as folder_module
from axedge.convert.dropin.folder import MARKER, publish

pytestmark = pytest.mark.host

FILES = {"README.md": b"one\n", "src/a.c": b"int a;\n"}


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_a_later_export_replaces_an_earlier_one_whole(tmp_path: Path) -> None:
    for there in ("missing", "empty"):
        folder = tmp_path / there / "dropin"
        if there == "empty":
            folder.mkdir(parents=True)
        publish(folder, FILES, {"to": "c"})
        assert {name: content for name, content in contents(folder).items() if name != MARKER} == FILES
        publish(folder, {"other.c": b"x"}, {"to": "c"})
        assert set(contents(folder)) == {"other.c", MARKER}
        assert [path.name for path in folder.parent.iterdir()] == ["dropin"]
        assert folder.stat().st_mode & 0o777 == tmp_path.joinpath(there).stat().st_mode & 0o777


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda folder: (folder / "src" / "mine.c").write_text("int mine;"), r"src/mine\.c was not there"),
        (lambda folder: (folder / "src" / "a.c").write_text("int b;"), r"src/a\.c was changed since"),
        (lambda folder: (folder / MARKER).unlink(), "is not empty, and `axedge export` did not write it"),
        (lambda folder: (folder / MARKER).write_text("{}"), "is not empty, and `axedge export` did not write it"),
    ],
    ids=["added", "changed", "no marker", "another marker"],
)
def test_what_is_not_the_exports_own_is_refused(tmp_path: Path, change, says: str) -> None:
    folder = tmp_path / "dropin"
    publish(folder, FILES, {})
    change(folder)
    before = contents(folder)
    with pytest.raises(UsageError, match=says) as refused:
        publish(folder, FILES, {})
    assert contents(folder) == before
    is_marked = "--force" in refused.value.hint
    if is_marked:
        publish(folder, FILES, {}, force=True)
        assert set(contents(folder)) == {*FILES, MARKER}
    else:
        with pytest.raises(UsageError, match=says):
            publish(folder, FILES, {}, force=True)
        assert contents(folder) == before


def test_a_file_or_a_link_in_the_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("file", "link"):
        with pytest.raises(UsageError, match="is there and is no folder"):
            publish(tmp_path / name, FILES, {}, force=True)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "^C"])
def test_a_failure_at_any_point_leaves_what_was_there(tmp_path: Path, monkeypatch, error: BaseException) -> None:
    folder = tmp_path / "dropin"
    publish(folder, FILES, {})
    before = contents(folder)
    steps = [0]

    def failing_at(step: int, real):
        def call(*arguments, **named):
            steps[0] += 1
            if steps[0] == step:
                raise error
            return real(*arguments, **named)

        return call

    for step in (1, 2, 3, 4, 5):  # three files are written, then two folders renamed
        steps[0] = 0
        with monkeypatch.context() as patched:
            for name in ("write_bytes", "rename"):
                patched.setattr(folder_module.Path, name, failing_at(step, getattr(Path, name)))
            with pytest.raises(ArtifactError if isinstance(error, OSError) else KeyboardInterrupt):
                publish(folder, {"new.c": b"", "b.c": b""}, {})
        assert contents(folder) == before, step
        assert [path.name for path in tmp_path.iterdir()] == ["dropin"], step
