"""Every command and every code block of README.md and docs/ is run, or says above it why not.

The commands of a page run one after the other in one folder, as a reader would type them. `axedge` is there a shim that
gives cheap settings (few steps, few samples) and never opens a port; everything else is the real thing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from axedge.kernels.kernel import load_kernel
from tests.end_to_end.conftest import WITHOUT_ALTERNATIVES

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SHELL = ("sh", "console", "bash")
LOOKS_LIKE_A_COMMAND = re.compile(r"^(\$ |axedge |make |pip |python3? |git |apt-get )", re.MULTILINE)
NOT_RUN = re.compile(r"<!-- (not run|tested by): (.+?) -->\s*\Z")

SHIM = """#!{python}
import subprocess, sys
arguments = sys.argv[1:]
verb = arguments[0] if arguments else ""
has = lambda *names: any(one in names for one in arguments)
assert not has("--port") or has("--dry-run"), "a page must not open a port in a test"
AXEDGE = [{python!r}, "-m", "axedge.cli"]
if verb == "train":
    arguments += ["--steps", "300", "--restarts", "2"]
elif verb == "convert":
    arguments += ["--effort", "0.01"] + ([] if has("--guarantee") else ["--no-guarantee"])
elif verb in ("run", "bench") and not has("--samples"):
    arguments += ["--samples", "200"]
if verb == "run":
    # Tables and polynomials take a minute a board, and have tests of their own.
    AXEDGE = [{python!r}, "-c", {without_alternatives!r}]
sys.exit(subprocess.run(AXEDGE + arguments).returncode)
"""


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    language: str
    text: str
    reason: str  # why it is not run here; empty where it is

    @property
    def is_commands(self) -> bool:
        return self.language in SHELL or (not self.language and bool(LOOKS_LIKE_A_COMMAND.search(self.text)))


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    for fence in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        before = NOT_RUN.search(text[: fence.start()])
        line = text.count("\n", 0, fence.start()) + 1
        name = str(page.relative_to(ROOT))
        found.append(Block(name, line, fence[1], fence[2], before[2] if before else ""))
    return found


EVERY = [block for page in PAGES for block in blocks(page)]


@pytest.mark.host
def test_each_block_is_run_or_says_why_not() -> None:
    """The reasons are listed with `pytest -rP`; a language that nothing here runs needs a reason."""
    for block in EVERY:
        if block.reason:
            print(f"{block.page}:{block.line}: {block.reason}")
        runnable = block.language in ("sh", "python", "toml") or not block.is_commands and not block.language
        assert runnable or block.reason, f"{block.page}:{block.line}: mark this block with <!-- not run: reason -->"
    assert any(block.reason for block in EVERY)


@pytest.mark.host
def test_a_test_that_a_page_names_exists() -> None:
    named = re.findall(r"tests/[\w/]+\.py", " ".join(block.reason for block in EVERY))
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []


@pytest.mark.host
def test_toml_of_a_page_is_a_kernel(tmp_path: Path) -> None:
    found = [block for block in EVERY if block.language == "toml"]
    assert found
    for block in found:
        name = tomllib.loads(block.text)["name"]
        folder = shutil.copytree(ROOT / "kernels" / name, tmp_path / name)
        text = block.text
        if f"{name}_sample" not in (folder / f"{name}.c").read_text():
            text = re.sub(r"^(function|uniforms) .*\n", "", text, flags=re.MULTILINE)
        (folder / "kernel.toml").write_text(text)
        assert load_kernel(str(folder)).name == name


@pytest.fixture(scope="module")
def bench_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    shim = folder / "bin" / "axedge"
    shim.parent.mkdir()
    shim.write_text(SHIM.format(python=sys.executable, without_alternatives=WITHOUT_ALTERNATIVES))
    shim.chmod(0o755)
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "activate").write_text("")
    return folder


def typed(page: str) -> str:
    return "\n".join(
        block.text for block in EVERY if block.page == page and block.language == "sh" and not block.reason
    )


@pytest.mark.qemu
@pytest.mark.train
@pytest.mark.xdist_group("pages")
@pytest.mark.parametrize("page", sorted({block.page for block in EVERY if block.language == "sh" and not block.reason}))
def test_the_commands_of_a_page(bench_folder: Path, page: str) -> None:
    path = os.pathsep.join([str(bench_folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "TF_NUM_INTRAOP_THREADS": "1"}
    folder = bench_folder / Path(page).stem
    shutil.copytree(bench_folder / ".venv", folder / ".venv")
    done = subprocess.run(
        ["sh", "-exc", typed(page)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-3000:]}"
    if page == "docs/tutorial.md":
        check_the_program_of_the_tutorial(folder)


def check_the_program_of_the_tutorial(folder: Path) -> None:
    """Build and run the reader's own program with what the tutorial's commands exported."""
    program = next(block.text for block in EVERY if block.page == "docs/tutorial.md" and block.language == "c")
    (folder / "main.c").write_text(program)
    export = next(folder.glob("out/dewpoint/export/c-aot/axnet_dewpoint"))
    sources = [str(export / name) for name in ("axnet_dewpoint.c", "dewpoint.c")]
    command = ["cc", "-std=c99", "-Wall", "-Werror", "-I", str(export), "main.c", *sources, "-lm", "-o", "main"]
    subprocess.run(command, cwd=folder, check=True)
    said = subprocess.run(["./main"], cwd=folder, capture_output=True, text=True, check=True).stdout.split()
    # Magnus: 21.5 degrees at 60 % is a dew point of 13.4; a network of 300 steps may be off, the exact function not.
    assert said[1] in ("approximated", "exact")
    assert abs(float(said[0]) - 13.4) < (0.1 if said[1] == "exact" else 5.0)
