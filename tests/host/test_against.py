"""A bench beside an earlier one: what counts as worse, and what cannot be compared."""

import json

import pytest
from bench_folders import fake_connection, write_folders

from axedge.artifacts.errors import ArtifactError, ToolMissing, UsageError
from axedge.host import bench as bench_module
from axedge.host.against import compare, load_previous
from axedge.host.bench import bench

pytestmark = pytest.mark.host


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    folders = write_folders(folder)

    def missing(tflite, codes):
        raise ToolMissing("the fake network has no .tflite to run")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench_module, "run_desktop", missing)
        return bench(*folders, connection=fake_connection(folder), samples=300)


def changed(record, **parts):
    """The record with some values of its parts replaced."""
    return record.model_copy(
        update={
            name: getattr(record, name).model_copy(update=value) if isinstance(value, dict) else value
            for name, value in parts.items()
        }
    )


def worse(before, after, tolerance=0.02):
    return [one.name for one in compare(before, after, tolerance).worse]


def test_nothing_is_worse_than_itself(record):
    found = compare(record, record, 0.0)
    assert found.worse == ()
    assert found.differences == ""
    assert {one.relative for one in found.changes} <= {0.0, None}


@pytest.mark.parametrize(
    ("field", "factor", "is_worse"),
    [("invocation", 0.97, True), ("invocation", 0.99, False), ("invocation", 1.5, False), ("precision", 0.9, True)],
)
def test_a_share_is_worse_when_it_falls_by_more_than_the_tolerance(record, field, factor, is_worse):
    after = changed(record, **{field: getattr(record, field) * factor})
    assert (field in worse(record, after)) == is_worse


@pytest.mark.parametrize(("more", "is_worse"), [(1.05, True), (1.01, False), (0.5, False)])
def test_a_cost_is_worse_when_it_grows(record, more, is_worse):
    flash = record.footprint.flash_bytes
    assert flash > 100
    after = changed(record, footprint={"flash_bytes": int(flash * more)})
    assert ("flash" in worse(record, after)) == is_worse
    gated = record.ticks.gated.model_copy(update={"mean": record.ticks.gated.mean * more})
    name = f"gated, {record.ticks.unit}"
    assert (name in worse(record, changed(record, ticks={"gated": gated}))) == is_worse


def test_a_figure_that_is_gone_is_worse_and_a_new_one_is_not(record):
    without = changed(record, precision=None)
    assert "precision" in worse(record, without)
    assert "precision" not in worse(without, record)


def test_from_nothing_to_something_is_worse_at_any_tolerance(record):
    before = changed(record, footprint={"engine_ram_bytes": 0})
    after = changed(record, footprint={"engine_ram_bytes": 4})
    assert worse(before, after, tolerance=9.0) == ["network's RAM"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kernel": "fft"}, "another kernel"),
        ({"board": "native"}, "another board"),
        ({"ticks": {"unit": "instructions"}}, "another unit"),
        ({"inputs": "own"}, "another kind of inputs"),
        ({"complete": False}, "the new bench is partial"),
    ],
)
def test_only_like_is_compared_with_like(record, change, says):
    with pytest.raises(UsageError, match=says):
        compare(record, changed(record, **change), 0.02)


def test_another_model_or_count_is_said(record):
    after = changed(record, model_hash="0" * 16, samples=5)
    found = compare(record, after, 0.02)
    assert "now 0000000000000000" in found.differences
    assert "samples 300, now 5" in found.differences


def test_an_earlier_bench_is_read_from_a_file_of_any_name(record, tmp_path):
    path = tmp_path / "kept.json"
    record.save(tmp_path).rename(path)
    assert load_previous(path, record.kernel, record.board) == record
    with pytest.raises(UsageError, match="another kernel: inversek2j, this one of fft"):
        load_previous(path, "fft", record.board)
    with pytest.raises(UsageError, match="no earlier bench"):
        load_previous(tmp_path / "none.json", record.kernel, record.board)
    path.write_text("{}")
    with pytest.raises(ArtifactError, match="damaged"):
        load_previous(path, record.kernel, record.board)


def test_for_machines_it_is_plain_data(record):
    after = changed(record, invocation=record.invocation / 2)
    body = json.loads(json.dumps(compare(record, after, 0.02, "kept.json").as_dict()))
    assert body["worse"] == ["invocation"]
    assert body["name"] == "kept.json"
    assert body["changes"][0]["relative"] == pytest.approx(-0.5)
