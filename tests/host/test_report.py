"""What a person reads: tables that fit 80 columns, and a verdict that claims no more than was measured."""

import io

import pytest
from bench_folders import fake_connection, write_folders
from rich.console import Console

from axedge.artifacts.records.bench import GuaranteeCheck, Speedup, Spread, Ticks, ViolationRate
from axedge.host.bench import bench
from axedge.host.report_table import _gated, bench_table
from axedge.host.verdict import Findings, verdict
from axedge.host.words import exact_percent, percent

pytestmark = pytest.mark.host


def flat(cost):
    return Spread(min=cost, median=cost, mean=cost, p95=cost, max=cost)


def ticks(approximate=100.0, exact=1000.0, gated=500.0, unit="cycles"):
    return Ticks(
        unit=unit,
        source="timer",
        hz=1,
        icount_shift=None,
        timer_overhead=0,
        approximate=flat(approximate),
        exact=None if exact is None else flat(exact),
        gated=flat(gated),
    )


def judged(measured, *, invocation=0.6, precision=0.97, guarantee=None, samples=5000, noise=0.01, rate=(0.02, 0.04)):
    value = measured.exact.mean / measured.gated.mean if measured.exact else None
    low, high = (None, None) if value is None else (value * (1 - noise), value * (1 + noise))
    found = Findings(
        board="uno",
        samples=samples,
        ticks=measured,
        speedup=Speedup(value=value, of=measured.unit, bound=2.5, low=low, high=high),
        invocation=invocation,
        precision=precision,
        violation_rate=ViolationRate(value=None if precision is None else 1 - precision, low=rate[0], high=rate[1]),
        guarantee=guarantee,
    )
    return verdict(found)


def promise(held):
    return GuaranteeCheck(eps=0.05, delta=0.05, threshold=3, calibration_count=9, held=held)


def test_worth_it():
    assert judged(ticks()) == (
        "Worth it on uno: 2.00 times fewer cycles, with the network used on 60.0 % of the inputs; 97.0 % of its "
        "answers were within the bound, which nothing promised."
    )


def test_not_worth_it_says_so_and_why():
    text = judged(ticks(approximate=240, exact=200, gated=400))
    assert text.startswith("Not worth it on uno: 2.00 times as many cycles")
    assert "the exact function (200 cycles) is cheaper than the network (240 cycles)" in text
    assert "cheaper" not in judged(ticks(approximate=100, exact=200, gated=400))


def test_even_is_called_even():
    assert judged(ticks(gated=1005)).startswith("Neither worth it nor not")


@pytest.mark.parametrize(
    ("held", "precision", "words"),
    [
        (True, 0.97, "as promised"),
        (True, 0.94, "does not refute the promise of 95 %"),
        (True, 0.94968, "94.97 % of its answers were within the bound, which does not refute the promise of 95 %"),
        (False, 0.5, "breaks the promise of 95 %"),
        (None, 0.97, "on inputs for which nothing was promised (95 % on the kernel's own)"),
    ],
)
def test_the_promise_is_spoken_of_as_it_was_kept(held, precision, words):
    assert words in judged(ticks(), precision=precision, guarantee=promise(held))


def test_few_samples_are_no_verdict():
    assert judged(ticks(), samples=99).startswith(
        "No verdict on uno from 99 samples, take 100 or more: so far 2.00 times fewer cycles"
    )
    assert judged(ticks(), samples=100).startswith("Worth it")


@pytest.mark.parametrize(("gated", "noise"), [(500, 0.6), (2000, 1.1), (1000, 0.1)])
def test_noise_is_no_verdict(gated, noise):
    text = judged(ticks(gated=gated), noise=noise)
    assert text.startswith("No verdict on uno: the figures are too noisy (a speed-up between ")


@pytest.mark.parametrize(
    ("precision", "rate", "guarantee"),
    [
        (0.0, (0.97, 1.0), None),
        (0.4, (0.55, 0.65), None),
        (0.3, (0.1, 0.9), None),
        (0.9, (0.08, 0.12), promise(False)),
        (0.6, (0.35, 0.45), promise(None)),
    ],
)
def test_wrong_answers_are_never_worth_it(precision, rate, guarantee):
    for samples in (3, 5000):
        text = judged(ticks(), precision=precision, rate=rate, guarantee=guarantee, samples=samples)
        assert text.startswith("Not worth it on uno, at 2.00 times fewer cycles")
        assert "wrong too often" in text


def test_units_are_not_oversold():
    assert "not time" in judged(ticks(unit="instructions"))
    assert "says nothing about a microcontroller" in judged(ticks(unit="nanoseconds"))


def test_a_network_that_is_never_used_is_not_worth_it():
    assert "never used" in judged(ticks(gated=1100), invocation=0.0, precision=None)
    assert "costs" not in judged(ticks(gated=990), invocation=0.0, precision=None)
    assert judged(ticks(exact=None)).startswith("No exact function on uno")


@pytest.mark.parametrize("emulated", [True, False])
def test_the_tables_fit_eighty_columns(tmp_path, emulated):
    folders = write_folders(tmp_path)
    (folders[0] / "axnet.tflite").write_bytes(b"")
    import axedge.host.bench as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_compare_desktop", lambda *_: None)
        record = bench(*folders, connection=fake_connection(tmp_path, emulated=emulated))
    out = io.StringIO()
    Console(file=out, width=80, color_system=None).print(bench_table(record))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    for word in ("invocation", "approximate", "speed-up", "timed by", "not compared", "promised", "9,000 B", "refused"):
        assert word in text
    assert f"{record.violations:,} of {record.paths.approximated:,} exceed the bound" in text
    assert ("instructions a call" in text) == emulated


@pytest.mark.parametrize(
    ("events", "words"),
    [(0, "0 retries, 0 damaged frames"), (1, "1 retry, 1 damaged frame"), (2, "2 retries, 2 damaged frames")],
)
def test_one_retry_is_not_many(tmp_path, monkeypatch, events, words):
    monkeypatch.setattr("axedge.host.bench._compare_desktop", lambda *_: None)
    folders = write_folders(tmp_path)
    (folders[0] / "axnet.tflite").write_bytes(b"")
    record = bench(*folders, connection=fake_connection(tmp_path))
    line = record.link.model_copy(update={"retries": events, "crc_errors": events})
    out = io.StringIO()
    Console(file=out, width=80, color_system=None).print(bench_table(record.model_copy(update={"link": line})))
    (said,) = (row.rstrip() for row in out.getvalue().splitlines() if row.startswith("link "))
    assert said.endswith(f" samples/s, {words}")


def test_a_gated_call_that_is_cheaper_than_the_network_is_explained():
    measured = ticks(approximate=747, gated=746)
    assert _gated(measured).endswith("exact function; its entry takes 1 fewer than approximate's")
    assert _gated(ticks(exact=None)) == "the network where it is used, else predictor"


@pytest.mark.parametrize(
    ("share", "limit", "text"),
    [
        (0.95, 0.95, "95.0 %"),
        (0.94968, 0.95, "94.97 %"),
        (0.9499996, 0.95, "94.99996 %"),
        (0.9504, 0.95, "95.04 %"),
        (0.0503, 0.05, "5.03 %"),
        (0.123456, 0.05, "12.3 %"),
        (0.9997, None, "99.97 %"),
        (0.0003, None, "0.03 %"),
        (1.0, 0.95, "100.0 %"),
        (0.0, None, "0.0 %"),
        (None, 0.95, "-"),
    ],
)
def test_no_share_is_rounded_across_what_was_promised(share, limit, text):
    assert percent(share, limit) == text


def test_a_promise_keeps_its_digits():
    assert [exact_percent(share) for share in (0.05, 1 - 0.05, 0.0005, 1 - 0.0005)] == [
        "5 %",
        "95 %",
        "0.05 %",
        "99.95 %",
    ]
