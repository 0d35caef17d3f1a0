"""docs/modules.md names every module that there is."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.host


def test_the_page_is_what_the_modules_say() -> None:
    written = runpy.run_path(str(ROOT / "scripts" / "modules.py"))["page"]()
    kept = (ROOT / "docs" / "modules.md").read_text(encoding="utf-8")
    assert kept == written, "a module is new, gone, or says something else: run `python scripts/modules.py`"


def test_every_folder_of_code_stands_in_the_architecture() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for folder in ("axedge", "train", "convert", "host", "firmware", "kernels", "artifacts", "benchmarks", "scripts"):
        assert f"\n{folder}/ " in text, folder
