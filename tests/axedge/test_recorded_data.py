"""`axedge train --data`: a kernel of recorded data, from the command line to the image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from axedge import cli
from axedge.artifacts.records.build import BuildRecord
from axedge.artifacts.records.convert import ConvertRecord
from axedge.artifacts.records.train import TrainRecord
from axedge.artifacts.workspace import Workspace
from axedge.kernels.kernel import data_kernel, load_kernel
from axedge.kernels.stored import store_kernel
from axedge.options import find_board, find_kernel
from axedge.pipeline import Choice, Pipeline
from axedge.terminal import Terminal

cli._add_verbs()
SAFE = ("--metric", "relative", "--bound", "0.1")


def train(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run `axedge train` and return its exit code and what it said on stderr."""
    code = cli.run(["--quiet", "train", *arguments])
    return code, capsys.readouterr().err


def lines(rows: np.ndarray) -> str:
    return "".join(" ".join(f"{number:.9g}" for number in row) + "\n" for row in rows)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with two good files, of 4,000 rows."""
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(3).uniform([-1.0, 20.0], [1.0, 90.0], (4_000, 2)).astype(np.float32)
    y = 1.0 + x[:, :1] ** 2 + x[:, 1:] / 50.0
    Path("x.txt").write_text(lines(x))
    Path("y.txt").write_text(lines(y))
    return tmp_path


@pytest.mark.host
@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        ("1 2\n3 nan\n", "1\n2\n", "bad.txt:2: column 2 is nan, finite numbers are needed."),
        ("1 2\n3 4\n5 6\n", "1\n2\n", "a row without a partner: bad.txt has 3 rows, y.txt has 2 rows."),
        ("a b\n1 2\n3 4\n", "1\n2\n", "bad.txt:1: column 1 is 'a', a number is needed. A header line is allowed in a"),
        ("1 2\n3 4 5\n", "1\n2\n", "bad.txt:2: 3 columns, 2 expected."),
    ],
    ids=["nan", "rows", "header", "column"],
)
def test_a_broken_file_is_one_line_and_leaves_nothing(
    capsys: pytest.CaptureFixture[str], here: Path, x: str, y: str, says: str
) -> None:
    Path("bad.txt").write_text(x)
    Path("y.txt").write_text(y)
    code, said = train(capsys, "--data", "bad.txt", "y.txt", *SAFE)
    assert code == 2
    assert says in said and said.count("\n") == 1
    assert not Path("out").exists()


@pytest.mark.host
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--data", "x.txt", "y.txt"], "--data needs --metric and --bound"),
        (["--data", "x.txt", "y.txt", *SAFE, "--name", "fft"], "is taken by a kernel that comes with axedge"),
        (["--data", "x.txt", "y.txt", *SAFE, "--name", "a-b"], "'a-b'"),
        (["--data", "x.txt", "fft", *SAFE], "--data takes the place of KERNEL"),
        (["--data", "x.txt", "gone.txt", *SAFE], "gone.txt: cannot be read: no such file"),
        (["fft", "--bound", "0.1"], "--bound has a meaning beside --data only"),
        (["--data", "x.txt", "y.txt", "--metric", "relatve", "--bound", "0.1"], "'relatve' is not one of"),
        (["--data", "x.txt", "y.txt", "--metric", "absolute", "--bound", "0.1", "--floor", "1"], "relative only"),
    ],
)
def test_options_that_do_not_fit_are_one_line(
    capsys: pytest.CaptureFixture[str], here: Path, arguments: list[str], says: str
) -> None:
    code, said = train(capsys, *arguments)
    assert code == 2
    assert says in said and said.count("\n") == 1
    assert not Path("out").exists()


@pytest.mark.host
def test_a_stored_kernel_is_the_one_that_was_made(here: Path) -> None:
    made = data_kernel(Path("x.txt"), Path("y.txt"), "relative", 0.1, floor=1e-5, name="bowl")
    stored = store_kernel(made, here / "kept")
    assert (stored.name, stored.error, stored.network, stored.inputs) == (
        made.name,
        made.error,
        made.network,
        made.inputs,
    )
    for purpose in ("train", "test"):
        one, other = made.draw(purpose, 500, 1), stored.draw(purpose, 500, 1)
        assert np.array_equal(one.x, other.x) and np.array_equal(one.y, other.y)
    digest = stored.digest()
    assert store_kernel(made, here / "elsewhere").digest() == digest
    changed = store_kernel(data_kernel(Path("x.txt"), Path("y.txt"), "relative", 0.2, name="bowl"), here / "kept")
    assert changed.digest() != digest


@pytest.mark.host
def test_an_odd_file_name_is_no_obstacle(here: Path) -> None:
    odd = Path('quo"te\\\x7f\u00e9.txt')
    Path("x.txt").rename(odd)
    stored = store_kernel(data_kernel(odd, Path("y.txt"), "rmse", 0.1), here / "kept")
    assert stored.summary == 'Recorded data of quo"te\\?\u00e9.txt'


@pytest.mark.host
def test_a_kernel_with_c_is_not_stored(here: Path) -> None:
    with pytest.raises(ValueError, match="inversek2j"):
        store_kernel(load_kernel("inversek2j"), here / "kept")


@pytest.mark.host
def test_a_folder_of_that_name_comes_first(here: Path) -> None:
    made = data_kernel(Path("x.txt"), Path("y.txt"), "relative", 0.1, name="bowl")
    workspace = Workspace(Path("out"))
    store_kernel(made, workspace.kernel("bowl"))
    assert find_kernel("bowl", workspace).folder == Path("out/bowl/kernel")
    store_kernel(made, Path("bowl"))
    assert find_kernel("bowl", workspace).folder == Path("bowl")


@pytest.mark.train
@pytest.mark.cc
@pytest.mark.xdist_group("road")
def test_recorded_data_goes_the_whole_way(
    capsys: pytest.CaptureFixture[str], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from axedge.convert import promise

    monkeypatch.setattr(promise, "CALIBRATION_COUNT", 5_000)
    budget = ("--steps", "50", "--restarts", "2", "--name", "bowl")
    code, said = train(capsys, "--data", "x.txt", "y.txt", *SAFE, *budget)
    assert (code, said) == (0, "")
    record = TrainRecord.load(Path("out/bowl/train"))
    assert (record.kernel, record.topology.inputs, record.topology.outputs) == ("bowl", 2, 1)
    assert record.split.train + record.split.validation + record.split.test < 4_000
    Path("x.txt").unlink()
    workspace = Workspace(Path("out"))
    quick = Choice(convert={"effort": 0.0, "guarantee": 0.5})
    pipeline = Pipeline(find_kernel(None, workspace), workspace, Terminal(quiet=True), quick)
    assert pipeline.train().inputs_digest == record.inputs_digest
    assert pipeline.convert().train_digest == record.inputs_digest
    assert ConvertRecord.load(Path("out/bowl/convert")).kernel == "bowl"
    assert "AXE_BOWL_HAS_EXACT 0" in " ".join(Path("out/bowl/convert/axnet_bowl.h").read_text().split())
    pipeline.build(find_board("native"))
    assert BuildRecord.load(Path("out/bowl/native/aot-i8")).kernel == "bowl"
