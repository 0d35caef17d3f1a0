"""What `pip install` brings into an empty environment, with and without the extra for training."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.end_to_end.conftest import SAMPLES, WITHOUT_ALTERNATIVES, axedge

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.qemu, pytest.mark.train, pytest.mark.xdist_group("road")]


def tracked_files() -> list[str]:
    said = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in said.split("\0") if (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the sdist, and that from a copy without anything that git does not know."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in tracked_files():
        if (ROOT / name).is_file():
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / "source" / name)
    command = [sys.executable, "-m", "build", "--outdir", folder, folder / "source"]
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


def test_the_sdist_is_the_repository(wheel: Path) -> None:
    with tarfile.open(next(wheel.parent.glob("*.tar.gz"))) as sdist:
        held = {name.split("/", 1)[1] for name in sdist.getnames() if "/" in name}
    assert set(tracked_files()) - held == set()


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_the_requirements_resolve_for_other_pythons(wheel: Path, tmp_path: Path, version: str) -> None:
    """Wheels that satisfy them all exist. pip takes markers from the Python that runs it, so ours are taken before."""
    requirements = [str(one) for one in required(wheel, {"train"}, version)]
    assert any(one.startswith("ai-edge-litert") for one in requirements)
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--disable-pip-version-check"]
    command += ["--ignore-installed", "--only-binary=:all:", "--python-version", version, "--implementation", "cp"]
    command += ["--target", str(tmp_path), "--report", str(tmp_path / "report.json")]
    done = subprocess.run([*command, *requirements], capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    found = {one["metadata"]["name"].lower() for one in json.loads((tmp_path / "report.json").read_text())["install"]}
    assert {"tensorflow-cpu", "ai-edge-litert", "numpy", "pyserial", "plotly"} <= {
        one.replace("_", "-") for one in found
    }


def required(wheel: Path, extras: set[str], version: str) -> list[Requirement]:
    """What the wheel asks for on another Python of this platform, its own extras opened."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = archive.read(name).decode().splitlines()
    all_of_them = [Requirement(line.split(":", 1)[1]) for line in lines if line.startswith("Requires-Dist:")]
    environment = {"python_version": version, "python_full_version": f"{version}.0"}
    chosen: dict[str, Requirement] = {}
    wanted = ["", *extras]
    for extra in wanted:
        for one in all_of_them:
            if one.marker is not None and not one.marker.evaluate(environment | {"extra": extra}):
                continue
            if one.name == "axedge":
                wanted += [name for name in sorted(one.extras) if name not in wanted]
            else:
                chosen[f"{one.name}{one.specifier}"] = Requirement(f"{one.name}{one.specifier}")
    return list(chosen.values())


def test_a_bench_machine_needs_no_tensorflow(road: Path, environment: Callable[[str], Environment]) -> None:
    axedge("run", "inversek2j", "--board", "native", "--samples", SAMPLES, cwd=road)
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
    image = maker.folder / "out" / "inversek2j" / "microbit" / "aot-i8"
    assert json.loads((image / "bench.json").read_text())["vectors"]["mismatches"] == 0
    assert (image / "report.html").is_file()
    maker.run("-c", WITHOUT_ALTERNATIVES, "run", "inversek2j", "--board", "native", "--samples", 200)
    assert (maker.folder / "out/inversek2j/native/aot-i8/report.html").is_file()
    for engine in ("aot", "tflm"):
        maker.run("-m", "axedge.cli", "export", "inversek2j", "--to", "cmake", "--engine", engine)
        assert (maker.folder / "out/inversek2j/export" / f"cmake-{engine}" / "axnet_inversek2j/README.md").is_file()
    maker.run("-m", "axedge.cli", "new", "dewpoint")
    assert (maker.folder / "dewpoint" / "kernel.toml").is_file()
