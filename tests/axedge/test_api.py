"""The Python API: what docs/api.md says, and that importing it costs nothing and breaks no package."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import axedge
from axedge import api

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
pytestmark = pytest.mark.host


def python(code: str, cwd: Path | None = None) -> str:
    answer = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@pytest.mark.parametrize(
    "order",
    [
        "from axedge import train, convert\nimport axedge.train.recipes, axedge.convert.options",
        "import axedge.train.recipes, axedge.convert.options\nfrom axedge import train, convert",
        "import axedge.train.recipes as r, axedge.convert.options as o\nimport axedge\ntrain, convert = "
        "axedge.train, axedge.convert",
    ],
)
def test_train_and_convert_are_functions_and_packages_in_any_order(order: str) -> None:
    code = f"""{order}
import inspect, sys, axedge
assert list(inspect.signature(train).parameters)[:2] == ["kernel", "out"]
assert axedge.train.recipes.DEFAULT.name == "default"
assert axedge.train is train is sys.modules["axedge.train"]
for function in (train, convert):
    try:
        function("no_such_kernel")
    except axedge.AxedgeError as error:
        assert "no_such_kernel" in error.message
    else:
        raise SystemExit("it did nothing")
"""
    python(code)


def test_importing_axedge_loads_nothing() -> None:
    loaded = python(
        "import sys, axedge; print(*sorted(m for m in sys.modules if m.startswith('axedge') or m == 'numpy'))"
    )
    assert loaded.split() == ["axedge"]


def test_every_name_is_there_and_documented() -> None:
    assert axedge.__all__ == api.__all__
    for name in axedge.__all__:
        found = getattr(axedge, name)
        assert found.__doc__
        assert f"`{name}" in PAGE, name
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        axedge.trian  # noqa: B018


@pytest.mark.cc
@pytest.mark.train
def test_the_example_of_the_page_runs(tmp_path: Path) -> None:
    example = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert example
    said = python(example[1], tmp_path)
    assert re.fullmatch(r"\d+ parameters, \d+ bytes of flash\nused on \d+%, of those safe: \d+%\nfft native\n", said)
    assert (tmp_path / "out" / "fft" / "native" / "aot-i8" / "bench.json").is_file()
