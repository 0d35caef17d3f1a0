"""Pages of the site that docs/ does not hold: README.md and others, and every message (an mkdocs hook)."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).parents[1]
PAGES = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put pages that mkdocs.yml does not name at the end of its section Inside, so that none is out of reach."""
    named = {page for section in config.nav for pages in section.values() for one in pages for page in one.values()}
    for path in sorted(Path(config.docs_dir).glob("*.md")):
        if path.name not in named:
            title = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
            next(section["Inside"] for section in config.nav if "Inside" in section).append({title: path.name})
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages to the site's files."""
    from mkdocs.structure.files import File

    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=as_page(text)))
    messages = runpy.run_path(str(ROOT / "scripts" / "messages.py"))["page"]()
    files.append(File.generated(config, "messages.md", content=messages))
    return files


def as_page(text: str) -> str:
    """Return a text of the root folder with its links as they are from docs/."""
    text = re.sub(r"\]\(docs/", "](", text)
    text = re.sub(r'src="docs/', 'src="', text)
    for source, page in PAGES.items():
        text = text.replace(f"]({source}", f"]({page}")
    return re.sub(r"\[([^]]*)\]\((LICENSE|CITATION\.cff)\)", r"\1", text)
