"""The commands of docs/export.md do what the page says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from axedge.artifacts.workspace import Workspace
from axedge.convert.dropin import FORMS

PAGE = (Path(__file__).parents[3] / "docs" / "export.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### ([a-z-]+)\n(.*?)(?=^### |\Z)", PAGE, re.M | re.S))
# These fetch toolchains, or need a tree that no package brings: of their commands the paths are checked.
NOT_HERE = ("arduino-cli", "pio", "west", "idf.py")

pytestmark = [pytest.mark.train, pytest.mark.cc, pytest.mark.xdist_group("dropin")]


def test_every_form_has_a_section() -> None:
    assert set(SECTIONS) == set(FORMS)


@pytest.mark.parametrize("form", FORMS)
def test_the_commands_of_a_form(converted, tmp_path: Path, form: str) -> None:
    work = tmp_path / "work"
    shutil.copytree(converted("inversek2j").folder, Workspace(work / "out").convert("inversek2j"))
    (tmp_path / "bin").mkdir()
    axedge = tmp_path / "bin" / "axedge"
    axedge.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m axedge.cli "$@"\n')
    axedge.chmod(0o755)
    path = f"{axedge.parent}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "HOME": str(tmp_path / "home"), "PATH": path}
    commands = re.findall(r"^\$ (.+)$", SECTIONS[form], re.M)
    assert f"axedge export inversek2j --to {form} " in commands[0]
    printed = ""
    for command in commands:
        tool = next((tool for tool in NOT_HERE if re.search(rf"(^|&& ){re.escape(tool)} ", command)), None)
        if tool is not None:
            folders = [word for word in command.split() if "/examples/" in word or "/samples/" in word]
            command = " && ".join(f"test -d {folder}" for folder in folders)
            assert folders
        shell = ["sh", "-ec", command]
        done = subprocess.run(shell, cwd=work, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        printed += done.stdout
    if form in ("c", "cmake"):
        assert re.search(
            r"^inversek2j: .+\ntheta1 \(rad\) = \S+, exact \S+\ntheta2 \(rad\) = \S+, exact ", printed, re.M
        )
