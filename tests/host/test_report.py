"""What a person reads: tables that fit 80 columns, and a verdict that claims no more than was measured."""

import io

import pytest
from bench_folders import fake_connection, write_folders
from rich.console import Console

from axedge.artifacts.records.bench import GuaranteeCheck, Speedup, Spread, Ticks
from axedge.host.bench import bench
from axedge.host.report_table import bench_table
from axedge.host.verdict import verdict

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


def judged(measured, *, invocation=0.6, precision=0.97, guarantee=None):
    value = measured.exact.mean / measured.gated.mean if measured.exact else None
    return verdict("uno", measured, Speedup(value=value, of=measured.unit, bound=2.5), invocation, precision, guarantee)


def promise(held):
    return GuaranteeCheck(eps=0.05, delta=0.05, threshold=3, calibration_count=9, held=held)


def test_worth_it():
    assert judged(ticks()) == (
        "Worth it on uno: 2.00 times fewer cycles, with the network used on 60.0 % of the inputs; 97.0 % of its "
        "answers were within the bound, which nothing promised."
    )


def test_not_worth_it_says_so_and_why():
    text = judged(ticks(approximate=240, exact=200, gated=400))
    assert text.startswith("Not worth it on uno: 2.00 times more cycles")
    assert "the exact function (200 cycles) is cheaper than the network (240 cycles)" in text
    assert "cheaper" not in judged(ticks(approximate=100, exact=200, gated=400))


def test_even_is_called_even():
    assert judged(ticks(gated=1005)).startswith("Neither worth it nor not")


@pytest.mark.parametrize(
    ("held", "precision", "words"),
    [
        (True, 0.97, "as promised"),
        (True, 0.94, "does not refute the promise of 95.0 %"),
        (False, 0.5, "breaks the promise of 95.0 %"),
        (None, 0.97, "within the bound."),
    ],
)
def test_the_promise_is_spoken_of_as_it_was_kept(held, precision, words):
    assert words in judged(ticks(), precision=precision, guarantee=promise(held))


def test_units_are_not_oversold():
    assert "not time" in judged(ticks(unit="instructions"))
    assert "says nothing about a microcontroller" in judged(ticks(unit="nanoseconds"))


def test_a_network_that_is_never_used_is_not_worth_it():
    assert "never used" in judged(ticks(gated=1100), invocation=0.0, precision=None)
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
    for word in ("invocation", "approximate", "speed-up", "timed by", "not compared", "promised", "9,000 B"):
        assert word in text
    assert ("instructions a call" in text) == emulated
