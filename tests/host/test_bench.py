"""The bench against a fake board: its order, its refusals, its figures, what it keeps when it is cut short."""

import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from bench_folders import build_record, convert_record, fake_connection, write_folders
from fake_board import HELLO, FakeBoard, answers, other_image
from faults import Injector
from rich.console import Console

import axedge.host.bench as bench_module
from axedge.artifacts.errors import ArtifactError, CheckFailed, DeviceError, ToolMissing, UsageError, WrongImage
from axedge.artifacts.interpreter import DesktopRun
from axedge.artifacts.records.bench import BenchRecord
from axedge.host.bench import bench, plan
from axedge.host.figures import break_even
from axedge.host.partial import FILE as PARTIAL
from axedge.host.report_table import bench_table
from axedge.host.samples import Samples, load_own
from axedge.kernels.metrics import clopper_pearson

pytestmark = pytest.mark.host


@pytest.fixture(autouse=True)
def no_desktop(monkeypatch):
    """The fake network has no .tflite to run."""

    def missing(tflite, codes):
        raise ToolMissing("no interpreter here")

    monkeypatch.setattr(bench_module, "run_desktop", missing)


@pytest.fixture
def folders(tmp_path):
    return write_folders(tmp_path)


def run(folders, fake=None, *, line=None, emulated=False, **options):
    connection = fake_connection(folders[0].parent, fake, emulated=emulated, **(line or {}))
    return bench(*folders, connection=connection, **options)


def test_the_figures_are_those_of_the_samples(folders):
    record = run(folders, samples=2000)
    x = np.load(folders[0] / "samples.npz")["x"]
    path, approximate, exact = answers(x)
    used = path == 0
    safe = (np.abs(approximate.astype(float) - exact) <= 0.1 * np.maximum(np.abs(exact), 1e-3)).all(axis=1)
    assert record.paths.model_dump() == {
        "approximated": int(used.sum()),
        "unsafe": int((path == 1).sum()),
        "out_of_domain": 0,
    }
    assert record.invocation == used.mean()
    assert record.precision == safe[used].mean()
    assert record.true_invocation == safe.mean()
    assert record.useful_invocation == (used & safe).mean()
    violations = int((used & ~safe).sum())
    assert (record.violation_rate.low, record.violation_rate.high) == clopper_pearson(violations, int(used.sum()))
    assert record.error.max <= 0.011 and record.error.median == pytest.approx(0.01, rel=1e-3)
    assert (record.seed, record.samples, record.complete, record.exact_from) == (77, 2000, True, "board")
    assert (record.vectors.count, record.vectors.mismatches) == (64, 0)
    assert record.guarantee.held is True
    assert record.footprint.engine_flash_bytes == 1200
    assert record.link.retries == 0 and record.link.payload_bytes / record.link.line_bytes > 0.8
    assert BenchRecord.load(folders[1]) == record


def test_ticks_have_the_overhead_subtracted_and_the_right_unit(folders):
    cycles = run(folders)
    assert (cycles.ticks.unit, cycles.ticks.icount_shift, cycles.ticks.timer_overhead) == ("cycles", None, 10)
    assert (cycles.ticks.approximate.mean, cycles.ticks.exact.max, cycles.ticks.gated.min) == (100, 1000, 100)
    counted = run(folders, emulated=True)
    # 16 MHz at shift 6: a tick is 62.5 ns, an instruction 64 ns.
    assert (counted.ticks.unit, counted.ticks.icount_shift) == ("instructions", 6)
    assert counted.ticks.exact.mean == pytest.approx(1000 * 62.5 / 64)
    assert counted.speedup.value == pytest.approx(cycles.speedup.value)
    host = run(folders, FakeBoard(replace(HELLO, tick_source=5, tick_hz=10**9)))
    assert (host.ticks.unit, host.ticks.exact.mean) == ("nanoseconds", 1000)
    slow_timer = run(folders, FakeBoard(replace(HELLO, tick_hz=4_000_000)))
    assert slow_timer.ticks.exact.mean == 4000  # the board's first choice of timer runs at 16 MHz


def test_speedup_bound_and_break_even_agree_with_the_mean_costs(folders):
    record = run(folders)
    gated = record.invocation * 100 + (1 - record.invocation) * 1100
    assert record.ticks.gated.mean == pytest.approx(gated)
    assert record.speedup.value == pytest.approx(1000 / gated)
    assert record.speedup.bound == pytest.approx(1 / (1 - record.invocation))
    assert record.break_even_invocation == pytest.approx(0.1)
    assert record.speedup.low < record.speedup.value < record.speedup.high
    assert record.verdict.startswith(f"Worth it on fake: {1000 / gated:.2f} times fewer cycles")


def test_break_even_is_a_share_or_never():
    path = np.array([0, 0, 1], np.uint8)
    network = np.full(3, 10.0)

    def even(used, fallback, exact):
        return break_even(path, np.array([used, used, fallback]), network, np.full(3, exact))

    assert even(10.0, 110.0, 100.0) == pytest.approx(0.1)
    assert even(10.0, 100.0, 100.0) == 0.0
    assert even(39.0, 60.0, 32.0) is None  # the network is dearer than the exact function: 1.33 in figures
    assert even(70.0, 60.0, 32.0) is None  # infinite in figures
    assert break_even(path, network, network, None) is None


def test_what_never_breaks_even_says_so(folders):
    fake = FakeBoard()
    honest = fake.records

    def dear(x, mode):
        records = honest(x, mode)
        for name in set(records.dtype.names) & {"ticks", "ticks_approximate"}:
            records[name] += 5000
        return records

    fake.records = dear
    record = run(folders, fake)
    assert record.break_even_invocation is None
    out = io.StringIO()
    Console(file=out, width=80).print(bench_table(record))
    assert re.search(r"breaks even +never", out.getvalue())
    assert "inf" not in out.getvalue()


def test_the_verdict_never_calls_emulated_instructions_time(folders):
    assert "instructions counted in an emulator; they are not time" in run(folders, emulated=True).verdict


def test_bits_that_differ_stop_it_before_anything_is_timed(folders):
    fake = FakeBoard(wrong_vector=-13)
    with pytest.raises(CheckFailed, match=r"1 of 64 stored vectors; the first is number 7: codes \[-13, .*Nothing was"):
        run(folders, fake)
    assert fake.served == 0
    assert not (folders[1] / "bench.json").exists()


def test_another_image_model_or_board_is_refused(folders):
    with pytest.raises(WrongImage):
        run(folders, FakeBoard(other_image()))
    with pytest.raises(WrongImage, match="runs model ffffffffffffffff"):
        run(folders, FakeBoard(replace(HELLO, model_hash=2**64 - 1)))
    with pytest.raises(WrongImage, match="it is a other"):
        run(folders, FakeBoard(replace(HELLO, board="other")))
    with pytest.raises(WrongImage, match="3 inputs"):
        run(folders, FakeBoard(replace(HELLO, inputs=3)))


@pytest.mark.parametrize(
    "lie", [{"threshold": 11}, {"eps": 0.07}, {"delta": 0.1}, {"eps": 0.0, "delta": 0.0, "calibration_count": 0}]
)
def test_an_image_with_another_gate_or_promise_is_refused(folders, lie):
    with pytest.raises(WrongImage, match="gate is not the one of convert.json") as refused:
        run(folders, FakeBoard(replace(HELLO, **lie)))
    assert "threshold 12, eps 0.0625, delta 0.125 from 1,000 samples" in str(refused.value)
    assert not list(folders[1].glob("bench*.json"))


def test_folders_of_different_models_are_refused(folders):
    build_record(model_hash="0" * 16).save(folders[1])
    with pytest.raises(ArtifactError, match="was built from model 0000000000000000"):
        run(folders)
    build_record(engine="none").save(folders[1])
    with pytest.raises(UsageError, match="no network"):
        run(folders)


def test_a_promise_that_is_broken_is_called_broken(tmp_path):
    folders = write_folders(tmp_path, error={"metric": "relative", "bound": 0.001, "floor": 0})
    record = run(folders)
    assert record.guarantee.held is False and record.precision < 0.5
    assert record.verdict.startswith("Not worth it") and "breaks the promise of 93.75 %" in record.verdict
    nothing = FakeBoard(replace(HELLO, eps=0.0, delta=0.0, calibration_count=0))
    none = run(write_folders(tmp_path, guarantee=None), nothing)
    assert none.guarantee is None and "nothing promised" in none.verdict


def test_strange_samples_are_counted_and_never_approximated(folders):
    x = np.array([[np.nan, 0], [np.inf, 1], [-np.inf, 1], [1e30, 0], [0.1, 0.2], [0.3, 0.3]], np.float32)
    record = run(folders, own=Samples(x, None, None))
    assert record.paths.model_dump() == {"approximated": 2, "unsafe": 0, "out_of_domain": 4}
    assert (record.samples, record.seed, record.guarantee.held) == (6, None, None)
    assert record.invocation == 2 / 6 and record.precision == 1.0
    assert "NaN" not in (folders[1] / "bench.own.json").read_text()


def test_other_inputs_leave_the_bench_of_the_stored_samples_alone(folders):
    stored = run(folders)
    rows = np.random.default_rng(1).uniform(-1, 2, (200, 2)).astype(np.float32)
    assert run(folders, own=Samples(rows, None, None)).inputs == "own"
    assert run(folders, own=Samples(rows, answers(rows)[2], 7)).inputs == "fresh"
    assert BenchRecord.load(folders[1]) == stored
    kept = {path.name: json.loads(path.read_text())["inputs"] for path in folders[1].glob("bench*.json")}
    assert kept == {"bench.json": "stored", "bench.own.json": "own", "bench.fresh.json": "fresh"}


def test_nothing_approximated_is_said(folders):
    record = run(folders, own=Samples(np.full((10, 2), 4, np.float32), None, None))
    assert (record.invocation, record.precision, record.violation_rate.value) == (0, None, None)
    assert "the network was never used" in record.verdict


def test_without_an_exact_function_the_stored_outputs_are_the_judge(folders):
    record = run(folders, FakeBoard(replace(HELLO, has_exact=False)))
    assert (record.exact_from, record.ticks.exact, record.speedup.value) == ("samples.npz", None, None)
    assert record.break_even_invocation is None
    assert record.precision == 1.0 and record.verdict.startswith("No exact function on fake")
    with pytest.raises(UsageError, match="no exact outputs"):
        run(folders, FakeBoard(replace(HELLO, has_exact=False)), own=Samples(np.zeros((3, 2), np.float32), None, None))


def test_a_gated_call_that_contradicts_the_network_is_a_fault(folders):
    fake = FakeBoard()
    honest = fake.records

    def lying(x, mode):
        records = honest(x, mode)
        if mode == 0:
            records["outputs"] += np.float32(1e-3)
        return records

    fake.records = lying
    with pytest.raises(CheckFailed, match="otherwise in a gated call"):
        run(folders, fake)


def test_the_desktop_interpreter_is_compared(folders, monkeypatch):
    vectors = np.load(folders[0] / "vectors.npz")

    def other(tflite, codes):
        assert tflite == b"net"
        answer = vectors["answer"].copy()
        answer[3, 1] += 2
        answer[4, 0] -= 1
        return DesktopRun("some-lite", "1.2", answer, vectors["logit"])

    monkeypatch.setattr(bench_module, "run_desktop", other)
    found = run(folders).desktop_interpreter
    assert found.model_dump() == {"name": "some-lite", "version": "1.2", "outputs": 192, "differing": 2, "max_steps": 2}


@pytest.mark.parametrize("reason", [KeyboardInterrupt, DeviceError])
def test_a_bench_cut_short_keeps_what_it_has_and_goes_on(folders, reason):
    fake, clean = FakeBoard(), run(folders)
    (folders[1] / "bench.json").unlink()
    answer = fake.receive

    def cut(writes):
        if writes == 30:
            if reason is KeyboardInterrupt:
                raise KeyboardInterrupt
            fake.receive = lambda data: []

    with pytest.raises(reason):
        run(folders, fake, line={"on_write": cut})
    partial = BenchRecord.load(folders[1])
    assert not partial.complete and partial.inputs_digest == ""
    assert 0 < partial.samples < partial.samples_wanted == 2000
    assert (folders[1] / PARTIAL).exists()

    fake.receive, before = answer, fake.served
    whole = run(folders, fake, resume=True)
    assert fake.served - before < 4000 - 2 * partial.samples + 1
    same = {"link", "axedge"}
    assert whole.model_dump(exclude=same) == clean.model_dump(exclude=same)
    assert not (folders[1] / PARTIAL).exists()


def test_what_was_kept_of_other_samples_is_not_resumed(folders):
    def cut(writes):
        if writes == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(folders, line={"on_write": cut})
    fake = FakeBoard()
    assert run(folders, fake, samples=2000, seed=1, resume=True).seed == 1
    assert fake.served == 4000


def test_a_bad_line_changes_no_figure(folders):
    clean = run(folders)
    bad = run(folders, line={"up": Injector("everything", 3e-3, 1), "down": Injector("everything", 3e-3, 2)})
    assert bad.link.retries > 0 and bad.link.crc_errors > 0
    same = {"link", "axedge"}
    assert bad.model_dump(exclude=same) == clean.model_dump(exclude=same)


def test_progress_counts_both_runs_and_only_forwards(folders):
    seen = []
    run(folders, progress=lambda done, total, note="": seen.append((done, total)))
    assert seen[-1] == (4000, 4000)
    assert all(a[0] <= b[0] for a, b in zip(seen, seen[1:], strict=False))


def test_the_plan_says_what_is_up_to_date(folders):
    first = plan(*folders)
    assert first.digest == plan(*folders).digest == run(folders).inputs_digest
    assert len({first.digest, plan(*folders, samples=10).digest, plan(*folders, seed=1).digest}) == 3
    convert_record(threshold=99).save(folders[0])
    assert plan(*folders).digest != first.digest


def test_too_many_samples_are_refused(folders):
    for count in (0, 2001):
        with pytest.raises(UsageError, match="there are 2000"):
            run(folders, samples=count)


@pytest.mark.parametrize("name", ["samples.npz", "vectors.npz"])
def test_missing_or_damaged_arrays_are_named(folders, name):
    (folders[0] / name).write_bytes(b"PK no zip")
    with pytest.raises(ArtifactError, match=f"{name} is damaged"):
        run(folders)
    (folders[0] / name).unlink()
    with pytest.raises(ArtifactError, match=f"{name} does not exist"):
        run(folders)


def test_the_record_has_the_promised_keys(folders):
    run(folders)
    body = json.loads((folders[1] / "bench.json").read_text())
    promised = (
        "kernel board engine activations model_hash build_id seed samples paths guarantee vectors invocation precision "
        "violation_rate useful_invocation true_invocation error ticks speedup break_even_invocation footprint link "
        "desktop_interpreter verdict"
    )
    assert set(promised.split()) <= set(body) and body["schema"] == 1
    assert {"unit", "source", "hz", "icount_shift", "timer_overhead", "approximate", "exact", "gated"} == set(
        body["ticks"]
    )
    assert {"min", "median", "mean", "p95", "max"} == set(body["ticks"]["gated"])
    assert {"value", "of", "bound", "low", "high"} == set(body["speedup"])


def test_own_inputs_from_files(tmp_path):
    text = tmp_path / "x.csv"
    text.write_text("# x, y\n1, 2\nnan, inf\n\n3 4\n")
    own = load_own(text, 2, 1)
    assert own.x.shape == (3, 2) and own.y is None and np.isnan(own.x[1, 0])
    text.write_text("1 2 3\n4 5 6\n")
    assert load_own(text, 2, 1).y.tolist() == [[3], [6]]
    np.savez(tmp_path / "x.npz", x=np.zeros((4, 2)))
    assert load_own(tmp_path / "x.npz", 2, 1).x.dtype == np.float32


@pytest.mark.parametrize("content", ["", "1 2 3\n1 2\n", "1 apple\n", "1 2 3 4\n", "1\n"])
def test_own_inputs_that_do_not_fit_are_refused(tmp_path, content):
    text = tmp_path / "x.txt"
    text.write_text(content)
    with pytest.raises(UsageError):
        load_own(text, 2, 1)
    with pytest.raises(UsageError):
        load_own(tmp_path / "none.npz", 2, 1)


def test_vectors_that_do_not_fit_together_are_refused(folders):
    arrays = dict(np.load(folders[0] / "vectors.npz"))
    for name, bad in (("logit", arrays["logit"][:-1]), ("answer", arrays["answer"][0]), ("inputs", np.zeros((64, 2)))):
        np.savez(folders[0] / "vectors.npz", **(arrays | {name: bad}))
        with pytest.raises(ArtifactError, match="do not fit together"):
            run(folders)
