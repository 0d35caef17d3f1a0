"""Imports run downwards only; docs/architecture.md draws the floors."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAY_IMPORT = {
    "artifacts": {"artifacts"},
    "kernels": {"kernels", "artifacts"},
    "firmware": {"firmware", "kernels", "artifacts"},
    "train": {"train", "kernels", "artifacts"},
    "convert": {"convert", "train", "kernels", "artifacts"},
    "host": {"host", "firmware", "kernels", "artifacts"},
}
# What a bench machine does not have.
HEAVY = {"tensorflow", "keras", "jinja2", "elftools", "intelhex", "tflite_micro"}

pytestmark = pytest.mark.host


def modules(folder: str) -> list[Path]:
    return sorted(path for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts)


def imported(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def imported_at_start(tree: ast.Module) -> set[str]:
    return set().union(*(imported(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)), set())


@pytest.mark.parametrize("folder", sorted(MAY_IMPORT))
def test_imports_run_downwards(folder: str) -> None:
    paths = modules(folder)
    assert paths
    for path in paths:
        floors = {name.split(".")[1] for name in imported(ast.parse(path.read_text())) if name.startswith("axedge.")}
        assert floors <= MAY_IMPORT[folder], f"{path.relative_to(ROOT)} imports {floors - MAY_IMPORT[folder]}"


@pytest.mark.parametrize("folder", ["artifacts", "kernels", "host"])
def test_a_bench_machine_has_all_that_is_imported(folder: str) -> None:
    for path in modules(folder):
        roots = {name.split(".")[0] for name in imported(ast.parse(path.read_text()))}
        assert not roots & HEAVY, f"{path.relative_to(ROOT)} imports {roots & HEAVY}"


@pytest.mark.parametrize("folder", [*sorted(MAY_IMPORT), "axedge"])
def test_nothing_heavy_is_imported_before_it_is_needed(folder: str) -> None:
    for path in modules(folder):
        roots = {name.split(".")[0] for name in imported_at_start(ast.parse(path.read_text()))}
        assert not roots & {"tensorflow", "keras", "tflite_micro"}, path.relative_to(ROOT)
