"""Writes docs/modules.md: every module of axedge and what it is for, from the first line of its docstring.

python scripts/modules.py
"""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "modules.md"
HEAD = """# Modules

One line each, from the modules' own docstrings; written by `python scripts/modules.py`.
[architecture.md](architecture.md) says how they stand to each other.
"""


def purpose(path: Path) -> str:
    """Return the first paragraph of a module's docstring, on one line."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split())


def page() -> str:
    """Return what docs/modules.md must hold."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    parts = [HEAD]
    for package in settings["packages"]:
        folder = settings["package-dir"].get(package) or package.replace("axedge.", "").replace(".", "/")
        files = [path for path in sorted((ROOT / folder).glob("*.py")) if path.name != "__init__.py"]
        if not files:
            continue
        parts.append(f"\n## {folder}/ ({package})\n\n| module | what it is for |\n|---|---|\n")
        parts += [f"| {path.name} | {purpose(path)} |\n" for path in files]
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
