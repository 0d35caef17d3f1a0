"""Examples in the documentation give what the page says."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parents[2] / "docs").glob("*.md"))

pytestmark = pytest.mark.host


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_in_python(page: Path) -> None:
    found = doctest.testfile(str(page), module_relative=False)
    assert found.failed == 0


def test_the_rounding_rules_have_examples() -> None:
    text = (Path(__file__).parents[2] / "docs" / "quantisation.md").read_text(encoding="utf-8")
    assert len(doctest.DocTestParser().get_examples(text)) >= 9
