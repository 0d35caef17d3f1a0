"""What an export holds, that it repeats, and what it refuses."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from dropin_kit import run

from axedge import cli
from axedge.artifacts.errors import ArtifactError, UsageError
from axedge.artifacts.records.bench import BenchRecord, Spread, Ticks
from axedge.artifacts.records.build import BuildRecord, Footprint
from axedge.artifacts.workspace import Workspace
from axedge.convert.dropin import FORMS, export_dropin
from axedge.convert.dropin.render import _TEMPLATES
from axedge.exporting import export_kernel
from axedge.kernels.kernel import load_kernel
from tests.firmware.standin import filled

ROOT = Path(__file__).parents[3]

pytestmark = [pytest.mark.train, pytest.mark.cc, pytest.mark.xdist_group("dropin")]
cli._add_verbs()


@pytest.fixture
def workspace(converted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A working folder with the converted inversek2j in out/."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(converted("inversek2j").folder, Workspace().convert("inversek2j"))
    return Workspace()


@pytest.mark.parametrize("form", FORMS)
def test_the_same_bytes_for_the_same_model(converted, exported, tmp_path: Path, form: str) -> None:
    one = converted("inversek2j")
    export_dropin(one.folder, one.kernel, tmp_path / "again", to=form)
    assert run("diff", "-r", exported("inversek2j", form), tmp_path / "again") == ""


@pytest.mark.parametrize("form", FORMS)
def test_the_pair_is_that_of_the_conversion(converted, exported, form: str) -> None:
    one, folder = converted("inversek2j"), exported("inversek2j", form)
    for name, below in (("axnet_inversek2j.h", FORMS[form].headers), ("axnet_inversek2j.c", FORMS[form].sources)):
        assert (folder / below / name).read_bytes() == (one.folder / name).read_bytes()
    kernel_c = folder / FORMS[form].sources / "inversek2j.c"
    assert kernel_c.read_bytes() == one.kernel.source.read_bytes()
    marker = json.loads((folder / ".axedge-export.json").read_text())
    assert marker["model_hash"] == one.deployment.model_hash and marker["to"] == form


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["inversek2j", "own", "recorded"])
def test_readme_and_licence_say_what_is_due(converted, exported, name: str, form: str) -> None:
    folder, kernel = exported(name, form), converted(name).kernel
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 100
    for words in (converted(name).deployment.model_hash, "Nothing: no guarantee", "Safe: "):
        assert words in text
    deployment = converted(name).deployment
    is_guarded = bool(deployment.guard or deployment.envelope)
    assert ("or the application hardly ever is there" in text) == is_guarded == (name == "inversek2j")
    for port in kernel.inputs:
        assert f"| {port.name} | {port.unit} | {port.minimum:g} | {port.maximum:g} |" in text
    assert (f"AXE_{name.upper()}_EXACT" in text or f"AXNET_{name.upper()}_EXACT" in text or "menuconfig" in text) == (
        kernel.has_exact
    )
    for path in re.findall(r"`((?:src|examples|samples|example)/?[\w./]+)`", text):
        assert (folder / path).exists(), path
    assert (folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    notice = (folder / "NOTICE").read_text()
    assert ("It is not part of axedge" in notice) == (name == "own")
    assert ("a kernel of axedge" in notice) == (name == "inversek2j")


def test_headers_in_other_folders_come_along(exported) -> None:
    folder = exported("own", "cmake")
    assert (folder / "src" / "own" / "own.c").is_file() and (folder / "src" / "shared" / "own_scale.h").is_file()


def test_the_number_that_an_example_prints(exported, tmp_path: Path) -> None:
    values = [0.0, -0.0, 1.0, -1.5, 0.1, 1e-7, -3.4028235e38, 1e-45, 999999.4, 999999.5, 1e6, 123456.7, 0.00012345678]
    values += [0.0001, 9.999996, 99999.95, float("nan"), float("-inf")]
    body = "\n".join(f"puts(number({value!r}f, text));" for value in values if abs(value) < 1e39)
    main = tmp_path / "main.c"
    main.write_text(
        f'#include <math.h>\n#include <stdio.h>\n#include "number.h"\nint main(void) {{ char text[16];\n{body}\n'
        "puts(number(NAN, text)); puts(number(-INFINITY, text)); return 0; }\n"
    )
    flags = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined", "-I", exported("own", "c"))
    run("gcc", *flags, main, "-o", tmp_path / "main")
    *numbers, nan, infinite = run(tmp_path / "main").split("\n")[:-1]
    assert (nan, infinite) == ("not a number", "infinite")
    for value, text in zip(values, numbers, strict=False):
        assert float(text) == pytest.approx(value, rel=5e-6, abs=0 if value > 1e-40 else 1e-45), (value, text)
        assert len(text) < 16
    assert numbers[:6] == ["0", "0", "1.00000", "-1.50000", "0.100000", "1.00000e-7"]


@pytest.mark.parametrize("optimize", ["size", "balanced"])
def test_optimize_changes_the_code_and_not_the_answer(converted, exported, tmp_path: Path, optimize: str) -> None:
    one = converted("inversek2j")
    export_dropin(one.folder, one.kernel, tmp_path / "small", to="c", optimize=optimize)
    files = ("example.c", "axnet_inversek2j.c", "inversek2j.c")
    printed = []
    for folder in (tmp_path / "small", exported("inversek2j", "c")):
        run("gcc", "-O1", *(folder / file for file in files), "-lm", "-o", tmp_path / "x")
        printed.append(run(tmp_path / "x"))
    assert printed[0] == printed[1]
    assert f"Made for {optimize}" in (tmp_path / "small" / "axnet_inversek2j.c").read_text()


def spread(mean: float) -> Spread:
    return Spread(min=1.0, median=1.0, mean=mean, p95=9e9, max=9e9)


def test_the_readme_says_what_was_measured(workspace: Workspace, converted) -> None:
    model_hash, kernel = converted("inversek2j").deployment.model_hash, load_kernel("inversek2j")
    for board, of_model, build_id in (
        ("microbit", model_hash, "1" * 16),
        ("mps2-an386", "0" * 16, "1" * 16),  # another network
        ("mps2-an500", model_hash, "2" * 16),  # another image than was benched
        ("native", model_hash, "1" * 16),
    ):
        sizes = filled(Footprint, {"engine_flash_bytes": 2816})
        said = {"board": board, "model_hash": of_model, "build_id": build_id, "optimize": "speed", "flags": ("-O3",)}
        filled(BuildRecord, {**said, "footprint": sizes}).save(workspace.image("inversek2j", board))
        ticks = filled(Ticks, {"approximate": spread(755.0), "exact": spread(7736.4), "gated": spread(2134.0)})
        bench = filled(BenchRecord, {"board": board, "model_hash": of_model, "build_id": "1" * 16, "ticks": ticks})
        bench.save(workspace.image("inversek2j", board))
    text = (export_kernel(kernel, to="c").folder / "README.md").read_text()
    assert "| microbit, -O3 | 2816 B | 755 instructions | 7736 | 2134 |" in text
    assert "| mps2-an500, -O3 | 2816 B |  |  |  |" in text
    assert "mps2-an386" not in text and "native" not in text
    small = (export_kernel(kernel, to="c", optimize="size").folder / "README.md").read_text()
    assert "microbit" not in small  # what was measured is another code


def test_the_verb(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["export", "--to", "arduino"]) == 0
    folder, *files = capsys.readouterr().out.split()
    assert Path(folder) == workspace.export("inversek2j", "arduino") and "library.properties" in files
    assert all((Path(folder) / name).is_file() for name in files)
    assert cli.run(["export", "inversek2j", "--to", "c", "--into", "mine", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["folder"] == "mine" and body["schema"] == 1 and "README.md" in body["files"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--to", "ardiuno"], "cannot export to 'ardiuno'. Did you mean arduino?"),
        (["--to", "c", "--engine", "tfml"], "there is no engine 'tfml'. Did you mean tflm?"),
        (["--to", "c", "--into", "."], ". is not empty, and `axedge export` did not write it."),
        ([], "Name one with --to: c, arduino, platformio, cmake, zephyr or esp-idf."),
    ],
)
def test_a_wrong_argument_is_one_line(workspace, capsys, arguments: list[str], says: str) -> None:
    before = sorted(Path().rglob("*"))
    assert cli.run(["export", "inversek2j", *arguments]) == 2
    said = capsys.readouterr().err.strip()
    assert says in said and len(said.splitlines()) == 1
    assert sorted(Path().rglob("*")) == before


def test_damaged_or_foreign_conversions_are_refused(converted, workspace: Workspace, tmp_path: Path) -> None:
    kernel, source = load_kernel("inversek2j"), workspace.convert("inversek2j")
    (source / "samples.npz").write_bytes(b"no archive")
    with pytest.raises(ArtifactError, match=r"samples\.npz is missing or damaged"):
        export_dropin(source, kernel, tmp_path / "x", to="c")
    with pytest.raises(ArtifactError, match="holds kernel inversek2j, not own"):
        export_dropin(source, converted("own").kernel, tmp_path / "x", to="c")
    (source / "convert.json").unlink()
    with pytest.raises(ArtifactError, match="Run `axedge convert` first"):
        export_dropin(source, kernel, tmp_path / "x", to="c")
    with pytest.raises(UsageError, match="no optimisation|unknown optimisation"):
        export_dropin(converted("inversek2j").folder, kernel, tmp_path / "x", to="c", optimize="fast")
    assert not (tmp_path / "x").exists()


def test_a_kernel_that_changed_since_is_refused(converted, tmp_path: Path) -> None:
    one = converted("own")
    shutil.copytree(one.kernel.folder.parent, tmp_path / "copy", ignore=shutil.ignore_patterns("train", "convert"))
    header = tmp_path / "copy" / "shared" / "own_scale.h"
    export_dropin(one.folder, load_kernel(tmp_path / "copy" / "own"), tmp_path / "x", to="c")
    header.write_text("#define OWN_SCALE 2.0f\n")
    with pytest.raises(ArtifactError, match="has changed since it was converted"):
        export_dropin(one.folder, load_kernel(tmp_path / "copy" / "own"), tmp_path / "y", to="c")
    assert not (tmp_path / "y").exists()


def test_every_template_belongs_to_a_form() -> None:
    used = {f"{form.name}/{name}.j2" for form in FORMS.values() for name in form.files}
    used |= {f"{form.name}/{name}.md.j2" for form in FORMS.values() for name in ("build", "exact")}
    used |= {"arduino/example.j2", "platformio/example.j2", "LICENSE"}
    there = {path.relative_to(_TEMPLATES).as_posix() for path in _TEMPLATES.rglob("*") if path.is_file()}
    assert {name for name in there if not name.startswith("common/")} == used
    patterns = (ROOT / "pyproject.toml").read_text()
    assert '"axedge.convert.dropin" = ["templates/*", "templates/*/*"]' in patterns
