"""Take the pictures of the README and the tutorial from a run in out/: the report's top, and the terminal's table.

axedge run inversek2j --board microbit
python scripts/pictures.py            # needs chromium
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from axedge.artifacts.records.bench import BenchRecord
from axedge.host.report_table import bench_table

FOLDER = Path(__file__).parents[1] / "docs" / "figures"
TITLE = "axedge run inversek2j --board microbit"


def main(image: Path) -> None:
    """Write both pictures.

    Args:
        image: the folder with bench.json and report.html.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    photograph(image / "report.html", FOLDER / "report.png", 1000, 1110)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "terminal.html"
        page.write_text(terminal(BenchRecord.load(image)), encoding="utf-8")
        photograph(page, FOLDER / "terminal.png", 760, 745)


def terminal(record: BenchRecord) -> str:
    """Return the bench's tables and verdict as they look on a terminal of 80 columns, as a page."""
    with Path("/dev/null").open("w") as nowhere:
        console = Console(record=True, width=80, file=nowhere, highlight=False)
        console.print(bench_table(record))
        console.print(f"\n{record.verdict}", markup=False)
    body = console.export_html(inline_styles=True, code_format="{code}")
    style = "background:#14191c;color:#e6e9ea;margin:0;padding:18px 22px;font:14px/1.32 'DejaVu Sans Mono',monospace"
    return (
        f'<meta charset="utf-8"><body style="margin:0;background:#14191c"><pre style="{style}">$ {TITLE}\n{body}</pre>'
    )


def photograph(page: Path, picture: Path, width: int, height: int) -> None:
    """Take a picture of a page with headless Chromium.

    Raises:
        SystemExit: there is no Chromium.
    """
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("chromium is not installed: apt-get install chromium")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += ["--virtual-time-budget=8000", f"--window-size={width},{height}", f"--screenshot={picture.resolve()}"]
    subprocess.run([*command, page.resolve().as_uri()], check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out/inversek2j/microbit/aot-i8"))
