"""What `pip install` brings into an empty environment, with and without the extra for training."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import axedge

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.qemu, pytest.mark.train, pytest.mark.xdist_group("road")]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy without anything that git does not know."""
    folder = tmp_path_factory.mktemp("wheel")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).is_file():
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / "source" / name)
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", folder, folder / "source"]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


class Environment:
    """A virtual environment of its own, with an empty home."""

    def __init__(self, folder: Path, requirement: str) -> None:
        self.folder = folder
        venv.create(folder / "venv", with_pip=True)
        self.python = folder / "venv" / "bin" / "python"
        (folder / "home").mkdir()
        self.run("-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement)

    def run(self, *arguments: object, cwd: Path | None = None, expect: int = 0) -> subprocess.CompletedProcess[str]:
        pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        answer = subprocess.run(
            [str(self.python), *map(str, arguments)],
            env={"HOME": str(self.folder / "home"), "PATH": os.environ["PATH"]} | pip,
            cwd=cwd or self.folder,
            capture_output=True,
            text=True,
            timeout=560,
            check=False,
        )
        assert answer.returncode == expect, f"{arguments}\n{answer.stdout}\n{answer.stderr}"
        return answer

    def has(self, module: str) -> bool:
        script = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
        return subprocess.run([self.python, "-c", script], check=False).returncode == 0


@pytest.fixture
def environment(tmp_path: Path, wheel: Path) -> Callable[[str], Environment]:
    return lambda extra: Environment(tmp_path, f"axedge{extra} @ {wheel.as_uri()}")


def test_a_bench_machine_needs_no_tensorflow(road: Path, environment: Callable[[str], Environment]) -> None:
    axedge("run", "inversek2j", "--board", "native", "--samples", 500, cwd=road)
    bench_machine = environment("")
    assert not bench_machine.has("tensorflow")
    assert not bench_machine.has("jinja2")
    shutil.copytree(road / "out", bench_machine.folder / "out")
    answer = bench_machine.run(
        "-m", "axedge.cli", "bench", "inversek2j", "--board", "native", "--samples", 500, "--json"
    )
    body = json.loads(answer.stdout)
    assert body["vectors"]["mismatches"] == 0
    assert body["desktop_interpreter"]["outputs"] > 0
    missing = bench_machine.run("-m", "axedge.cli", "train", "inversek2j_double", expect=2)
    assert "axedge[train]" in missing.stderr
    assert len(missing.stderr.strip().splitlines()) == 1


def test_the_train_extra_brings_the_whole_road(environment: Callable[[str], Environment]) -> None:
    maker = environment("[train]")
    options = ("--steps", 200, "--restarts", 2)
    maker.run("-m", "axedge.cli", "train", "inversek2j", *options)
    maker.run("-m", "axedge.cli", "convert", "inversek2j", "--no-guarantee", "--effort", 0.01)
    maker.run("-m", "axedge.cli", "run", "inversek2j", "--board", "microbit", "--samples", 200)
    body = json.loads((maker.folder / "out" / "inversek2j" / "microbit" / "aot-i8" / "bench.json").read_text())
    assert body["vectors"]["mismatches"] == 0
    for engine in ("aot", "tflm"):
        maker.run("-m", "axedge.cli", "export", "inversek2j", "--to", "cmake", "--engine", engine)
        assert (maker.folder / "out/inversek2j/export" / f"cmake-{engine}" / "axnet_inversek2j/README.md").is_file()
    maker.run("-m", "axedge.cli", "new", "dewpoint")
    assert (maker.folder / "dewpoint" / "kernel.toml").is_file()
