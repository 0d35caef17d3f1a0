"""Recorded inputs: the promise is made for them, their bench rows are their own, and training rows are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from axedge.artifacts.errors import CheckFailed, KernelError, UsageError
from axedge.artifacts.records.train import TrainRecord
from axedge.convert.application import (
    BENCH,
    PROPOSE,
    TEST,
    application_of,
    read_application,
    split_groups,
    split_stretches,
)
from axedge.convert.deployment import answer, load_deployment
from axedge.convert.stage import convert_kernel
from axedge.kernels.kernel import load_kernel

pytestmark = [pytest.mark.train, pytest.mark.cc]


@pytest.fixture(scope="module")
def kernel():
    """A bound that even a barely trained network keeps here and there."""
    kernel = load_kernel("inversek2j")
    return replace(kernel, error=replace(kernel.error, metric="absolute", bound=1.0, floor=0.0))


@pytest.fixture(scope="module")
def trained(kernel, tmp_path_factory):
    from axedge.train.stage import train_kernel

    folder = tmp_path_factory.mktemp("train")
    train_kernel(kernel, folder, steps=400, restarts=2)
    return folder


def write(path, x):
    np.savetxt(path, x.astype(np.float64), delimiter=",", fmt="%.9g")
    return path


@pytest.fixture(scope="module")
def recorded(kernel, tmp_path_factory):
    """Inputs of the right half of the arm's reach only, and two outside the box."""
    x = kernel.draw("fresh", 12_000, 77).x
    x = np.concatenate([x[x[:, 0] > 0.3], np.array([[2.0, 0.5], [0.5, -3.0]], np.float32)])
    return write(tmp_path_factory.mktemp("recorded") / "arm.csv", x)


def test_the_promise_is_for_the_recorded_inputs(kernel, trained, recorded, tmp_path):
    record = convert_kernel(kernel, trained, tmp_path, guarantee=0.9, effort=0.0, calibrate=str(recorded))
    promised, moved = record.guarantee, record.moved
    rows = len(np.loadtxt(recorded, delimiter=","))
    assert promised.recorded == "arm.csv" and moved.rows == rows
    assert 0.55 * rows < promised.calibration_count < 0.6 * rows
    assert f"shared out in 50 stretches of {rows // 50} rows" in promised.distribution
    assert moved.split in promised.distribution and 1.0 <= moved.design_effect < 3.0
    assert moved.invocation == pytest.approx(promised.invoked / promised.calibration_count)
    assert "as recorded in arm.csv" in (tmp_path / "axnet_inversek2j.h").read_text()
    deployment = load_deployment(tmp_path)
    with np.load(tmp_path / "samples.npz") as bench:
        x, y = bench["x"], bench["y"]
    assert record.samples == len(x) and 0.15 * rows < len(x) < 0.25 * rows
    answers, logits = answer(deployment, x)
    used = logits >= deployment.threshold
    assert used.mean() > 0.1 and np.mean(np.abs(answers - y)[used].max(axis=1) > 1.0) < 0.12


def test_no_row_serves_two_purposes(kernel, trained, recorded):
    from axedge.convert.maps import Maps
    from axedge.convert.task import Task

    record = TrainRecord.load(trained)
    task = Task.of(kernel, Maps.of(record.normalisation), 0.9, 0, units=3)
    table = read_application(kernel, recorded)
    x = table.values
    parts = application_of(task, replace(table, values=np.concatenate([x, x])), record)
    rows = [{tuple(row) for row in part.x.tolist()} for part in (parts.proposal, parts.calibration, parts.bench)]
    assert not (rows[0] & rows[1] or rows[0] & rows[2] or rows[1] & rows[2])
    assert parts.rows == len(x), "copies of a row are no trials of their own"
    for purpose, seen in (("train", task.train.x), ("validation", task.finals.x)):
        with pytest.raises(CheckFailed, match=r"3 of 1003 rows of arm.csv were used in .* is row 1001"):
            application_of(task, replace(table, values=np.concatenate([x[:1000], seen[:3]])), record)
        assert purpose


def test_groups_stay_together_and_stretches_are_apart():
    names = np.repeat(np.random.default_rng(0).permutation(25), 40)
    split = split_groups(names)
    for group in range(25):
        assert len(set(split.purpose[names == group])) == 1
    assert [int((split.purpose == purpose).sum()) for purpose in (PROPOSE, TEST, BENCH)] == [200, 600, 200]
    assert "25 groups" in split.words and np.array_equal(split.clusters, names)
    split = split_stretches(10_000)
    kept = np.flatnonzero(split.purpose >= 0)
    apart = np.diff(kept)[np.diff(split.purpose[kept]) != 0]
    assert len(apart) == 29 and (apart == 21).all() and "200 rows" in split.words and "20 left out" in split.words
    assert len(np.unique(split.clusters[split.purpose == TEST])) == 30


def test_the_file_may_say_which_group_a_row_belongs_to(kernel, tmp_path):
    x = kernel.draw("fresh", 600, 5).x
    runs = [f"run {row // 50}" for row in range(600)]
    lines = [f"{a:.9g},{run},{b:.9g}" for (a, b), run in zip(x.tolist(), runs, strict=True)]
    path = tmp_path / "runs.csv"
    path.write_text("\n".join(["x,Group,y", *lines]) + "\n")
    np.savez(tmp_path / "runs.npz", x=x, group=np.array(runs))
    for one in (path, tmp_path / "runs.npz"):
        table = read_application(kernel, one)
        np.testing.assert_array_equal(table.values, x)
        assert table.groups.tolist() == [row // 50 for row in range(600)]
    np.savez(tmp_path / "few.npz", x=x, group=np.arange(600) % 9)
    with pytest.raises(UsageError, match="9 groups, too few"):
        read_application(kernel, tmp_path / "few.npz")
    np.savez(tmp_path / "short.npz", x=x, group=np.arange(599))
    with pytest.raises(KernelError, match=r"`group` has shape \(599,\)"):
        read_application(kernel, tmp_path / "short.npz")


def test_what_cannot_be_calibrated_on_is_refused_before_anything_is_written(kernel, trained, tmp_path):
    few = write(tmp_path / "few.csv", kernel.draw("fresh", 40, 3).x)
    copies = write(tmp_path / "copies.csv", np.tile(kernel.draw("fresh", 40, 3).x, (100, 1)))
    wide = write(tmp_path / "wide.csv", np.ones((600, 3)))
    rows = kernel.draw("fresh", 600, 3).x
    swapped = write(tmp_path / "swapped.csv", rows)
    swapped.write_text("y, x\n" + swapped.read_text())
    rows[7, 1] = np.nan
    holes = write(tmp_path / "holes.csv", rows)
    for path, error, words in (
        (few, UsageError, "40 rows, too few"),
        (copies, UsageError, "40 different rows, too few"),
        (wide, KernelError, "3 columns, 2 expected"),
        (swapped, UsageError, "columns of swapped.csv are y, x; inversek2j takes x, y"),
        (holes, KernelError, "column 2 is nan"),
        (tmp_path / "none.csv", KernelError, "cannot be read"),
    ):
        with pytest.raises(error, match=words):
            convert_kernel(kernel, trained, tmp_path / "out", guarantee=0.9, calibrate=str(path))
    with pytest.raises(UsageError, match="guarantee"):
        convert_kernel(kernel, trained, tmp_path / "out", calibrate=str(few))
    with pytest.raises(UsageError, match="no C"):
        read_application(replace(kernel, source=None), few)
    assert not (tmp_path / "out").exists()
