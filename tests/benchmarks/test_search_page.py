"""docs/search.md is what its results say."""

from __future__ import annotations

import json

import pytest

from axedge.artifacts.records.search import SearchRecord
from benchmarks.search_page import PAGE, RESULTS, page

pytestmark = pytest.mark.host


def records() -> list[SearchRecord]:
    return [SearchRecord.model_validate(one) for _, one in sorted(json.loads(RESULTS.read_text()).items())]


def test_the_page_is_what_the_results_say() -> None:
    assert PAGE.read_text() == page(records())


def test_a_gain_is_more_use_or_less_flash_and_nothing_else() -> None:
    record = next(one for one in records() if one.chosen not in (None, one.own))
    assert record.chosen is not None and record.own is not None
    own, trials = record.trials[record.own], list(record.trials)
    for share, flash, gain in ((0.01, 0, "used more"), (0.0, -8, "less flash"), (0.0, 8, "no"), (-0.01, -8, "no")):
        outcome = own.outcome.model_copy(
            update={
                "invocation": (own.outcome.invocation or 0.0) + share,
                "flash_bytes": (own.outcome.flash_bytes or 0) + flash,
            }
        )
        trials[record.chosen] = record.trials[record.chosen].model_copy(update={"outcome": outcome})
        assert f"| {gain} |" in page([record.model_copy(update={"trials": tuple(trials)})])
