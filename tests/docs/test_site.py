"""The documentation builds as a site, strictly, and the site asks no other machine for anything."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.host


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder]
    environment = {**os.environ, **nowhere, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_is_there_and_in_reach(site: Path) -> None:
    start = (site / "index.html").read_text(encoding="utf-8")
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} | {"messages", "changelog", "contributing"}
    for page in pages:
        assert (site / f"{page}.html").is_file(), page
        assert f'href="{page}.html"' in start, f"{page} is not in the navigation"


def test_the_site_asks_no_other_machine(site: Path) -> None:
    """Links may lead elsewhere; scripts, styles, pictures and fonts may not."""
    foreign = re.compile(
        r"<(?:script|img|iframe|source)[^>]*\ssrc=[\"']?(?:https?:)?//[^>]*>|<link[^>]*\shref=[\"']?(?:https?:)?//[^>]*>"
    )
    for path in site.rglob("*.html"):
        assert foreign.findall(path.read_text(encoding="utf-8")) == [], path.name
    for path in site.rglob("*.css"):
        assert re.findall(r"url\([\"']?(?:https?:)?//[^)]*\)|@import", path.read_text(encoding="utf-8")) == [], (
            path.name
        )


def test_every_kind_of_error_has_its_messages() -> None:
    page = runpy.run_path(str(ROOT / "scripts" / "messages.py"))["page"]()
    known = {"AxedgeError"}
    made = [found for path in _code() for found in re.findall(r"^class (\w+)\((\w+)\):", path.read_text(), re.M)]
    while more := {name for name, base in made if base in known} - known:
        known |= more
    kinds = sorted(known - {"AxedgeError"})
    assert len(kinds) >= 12
    for kind in kinds:
        section = page.split(f"`{kind}`.")[1].split("\n## ")[0]
        assert section.count("\n| ") >= 2, kind  # the head of the table, and a message
    for said in (
        "no kernel is called …",
        "… is busy: another program has it open.",
        "WRONG_IMAGE (4)",
        "a HELLO of … bytes cannot be read",
    ):
        assert said in page
    for said in ("not valid TOML: … at column …", "`…` is …, and there is no such file in …"):
        assert said in page.split("## kernel.toml")[1]


def test_troubleshooting_quotes_what_axedge_says() -> None:
    """Each *quoted* phrase of its tables is part of a message, whatever stands for its dots."""
    sources = [path.read_text(encoding="utf-8") for path in _code()]
    said = re.sub(r'"\s*\n\s*f?"', "", "\n".join(sources))
    text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    phrases = [one for row in re.findall(r"^\| (.*?) \|", text, re.MULTILINE) for one in re.findall(r"\*(.+?)\*", row)]
    assert len(phrases) > 20
    strange = [one for one in phrases if not all(part.strip() in said for part in one.split("...") if part.strip())]
    assert not strange, "; ".join(strange)


def _code() -> list[Path]:
    folders = ("artifacts", "axedge", "convert", "firmware", "host", "kernels", "train")
    return [ROOT / "scripts" / "setup.sh", *(path for folder in folders for path in (ROOT / folder).rglob("*.py"))]


def test_the_citation_is_valid_and_cites_the_paper() -> None:
    from cffconvert import Citation

    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    Citation(text).validate()
    assert "arXiv:1807.10458" in text
    assert f"version: {re.search(r'version = .(.*?).$', (ROOT / 'pyproject.toml').read_text(), re.M)[1]}" in text
