"""`axedge report`: from the records and what the stages kept to report.html and report.md."""

from __future__ import annotations

from pathlib import Path

from axedge.artifacts.files import atomic_write
from axedge.artifacts.workspace import Workspace
from axedge.reporting.material import Material
from axedge.reporting.page import render_page
from axedge.reporting.summary import render_summary

HTML_FILE, MARKDOWN_FILE = "report.html", "report.md"


def write_report(workspace: Workspace, kernel: str, image_folder: Path, command: str) -> tuple[Path, Path]:
    """Write both forms into the image's folder, unless the same are there; return their paths.

    Args:
        workspace: where the stages wrote.
        kernel: its name.
        image_folder: holds build.json and bench.json.
        command: that asked for it, for the provenance.

    Raises:
        ArtifactError: a stage's file is missing, damaged, partial, or of another model.
        ToolMissing: Plotly or jinja2 is not installed.
    """
    material = Material.read(workspace, kernel, image_folder)
    html, markdown = image_folder / HTML_FILE, image_folder / MARKDOWN_FILE
    for path, text in ((html, render_page(material, command)), (markdown, render_summary(material, command))):
        if not path.is_file() or path.read_bytes() != text.encode():
            atomic_write(path, text)
    return html, markdown
