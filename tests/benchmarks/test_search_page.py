"""docs/search.md is what its results say."""

from __future__ import annotations

import pytest

from axedge.artifacts.records.search import Outcome
from benchmarks.search_page import PAGE, Found, load, page

pytestmark = pytest.mark.host


def founds() -> list[Found]:
    return [found for _, found in sorted(load().items())]


def moved(outcome: Outcome, share: float, flash: int = 0) -> Outcome:
    """Return the outcome with another use and flash."""
    changes = {"fresh_invocation": (outcome.fresh_invocation or outcome.invocation or 0.0) + share}
    return outcome.model_copy(update=changes | {"flash_bytes": (outcome.flash_bytes or 0) + flash})


def test_the_page_is_what_the_results_say() -> None:
    assert PAGE.read_text() == page(founds())


@pytest.mark.parametrize(
    ("share", "again", "flash", "more", "gain"),
    [
        (0.01, 0.01, 0, 0, "used more"),
        (0.01, 0.01, 0, 1 << 20, "used more, but over the budget with the other seed"),
        (0.01, -0.01, 0, 0, "with one seed only"),
        (0.0, 0.0, -8, 0, "less flash"),
        (0.0, 0.0, 8, 0, "no"),
        (-0.01, 0.01, -8, 0, "no"),
    ],
)
def test_a_gain_is_more_use_with_both_seeds_or_less_flash(
    share: float, again: float, flash: int, more: int, gain: str
) -> None:
    found = next(one for one in founds() if one.chosen is not None and one.own is not None)
    own, trials = found.own.outcome, list(found.search.trials)
    trials[found.search.chosen] = found.chosen.model_copy(update={"outcome": moved(own, share, flash)})
    search = found.search.model_copy(update={"trials": tuple(trials)})
    assert f"| {gain} |" in page([Found(search=search, again=(own, moved(own, again, more)))])
