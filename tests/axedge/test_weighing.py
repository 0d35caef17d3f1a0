"""What is said of a table and a polynomial beside a network."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from axedge.alternatives import enough_safe, keeps_promise, verdict
from axedge.artifacts.records.alternatives import Alternative
from axedge.artifacts.records.bench import Spread
from axedge.kernels.metrics import clopper_pearson_lower

pytestmark = pytest.mark.host


def row(kind: str, flash: int, share: float, mean: float) -> Alternative:
    """Return an alternative beside a network of 479 instructions at 95 %."""
    cost = Spread(min=mean, median=mean, mean=mean, p95=mean, max=mean)
    does = share >= 0.95
    return Alternative(
        kind=kind,
        description=f"a {kind}",
        flash_bytes=flash,
        safe_share=share,
        cost=cost,
        would_do=does,
        wins=does and mean < 479,
    )


@pytest.mark.parametrize(
    ("rows", "says", "not_says"),
    [
        ([row("table", 1488, 1.0, 400), row("polynomial", 224, 1.0, 450)], "a table would do better", "neither"),
        (
            [row("table", 1488, 1.0, 590), row("polynomial", 224, 1.0, 694)],
            "a polynomial would do with less",
            "neither",
        ),
        (
            [row("table", 1488, 0.9, 400), row("polynomial", 224, 1.0, 694)],
            "a polynomial would do with less",
            "neither",
        ),
        ([row("table", 1488, 0.9, 400), row("polynomial", 224, 0.8, 694)], "neither table nor polynomial", "But"),
    ],
)
def test_what_keeps_the_promise_is_said_to_do_so_also_where_it_is_slower(
    rows: list[Alternative], says: str, not_says: str
) -> None:
    ticks = SimpleNamespace(unit="instructions", gated=SimpleNamespace(mean=479.0), exact=SimpleNamespace(mean=5145.0))
    promise, taken = SimpleNamespace(eps=0.05), SimpleNamespace(engine_flash_bytes=1816)
    bench = SimpleNamespace(ticks=ticks, guarantee=promise, precision=1.0, footprint=taken)
    said = verdict(rows, bench, 7880)
    assert says in said and not_says not in said
    if "less" in says:
        assert "224 bytes" in said and "1,816 bytes, the exact function beside it 7,880" in said


@pytest.mark.parametrize(
    ("exact", "rows", "said"),
    [
        (470.0, [row("table", 1488, 1.0, 590)], True),
        (470.0, [row("table", 1488, 0.9, 400)], True),
        (470.0, [row("table", 1488, 1.0, 400)], False),
        (390.0, [row("table", 1488, 1.0, 400)], True),
        (480.0, [row("table", 1488, 0.9, 400)], False),
    ],
)
def test_the_exact_function_is_named_where_it_costs_least(exact: float, rows: list[Alternative], said: bool) -> None:
    ticks = SimpleNamespace(unit="instructions", gated=SimpleNamespace(mean=479.0), exact=SimpleNamespace(mean=exact))
    bench = SimpleNamespace(
        ticks=ticks,
        guarantee=SimpleNamespace(eps=0.05),
        precision=1.0,
        footprint=SimpleNamespace(engine_flash_bytes=1816),
    )
    assert (f"the exact function alone, {exact:.0f} instructions, costs least" in verdict(rows, bench, 0)) is said


def test_an_alternative_is_held_to_the_promise_as_the_network_is() -> None:
    bench = SimpleNamespace(guarantee=SimpleNamespace(eps=0.05, delta=0.05), precision=0.99)
    enough = enough_safe(bench, 10_000)
    assert clopper_pearson_lower(enough, 10_000, 0.95) >= 0.95 > clopper_pearson_lower(enough - 1, 10_000, 0.95)
    assert keeps_promise(bench, enough, 10_000, share=0.947, high=0.951)
    assert not keeps_promise(bench, enough, 10_000, share=0.947, high=0.949)  # refuted
    assert not keeps_promise(bench, enough - 1, 10_000, share=0.96, high=0.97)  # too little evidence


def test_without_a_promise_an_alternative_is_held_to_the_networks_precision() -> None:
    bench = SimpleNamespace(guarantee=None, precision=0.9)
    assert keeps_promise(bench, 9_000, 10_000, share=0.9, high=0.91)
    assert not keeps_promise(bench, 9_000, 10_000, share=0.89, high=0.91)
    assert not keeps_promise(bench, 8_999, 10_000, share=0.9, high=0.91)
