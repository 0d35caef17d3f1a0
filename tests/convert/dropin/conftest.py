"""Three converted kernels, trained just enough to be converted, and their exports, each made once."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from dropin_kit import Converted, recorded, write_own  # noqa: E402

from axedge.convert.dropin import export_dropin  # noqa: E402
from axedge.exporting import tflm_engine  # noqa: E402
from axedge.kernels.kernel import load_kernel  # noqa: E402


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Converted]:
    """Return a function from inversek2j, own or recorded to what was converted."""
    from axedge.convert.stage import convert_kernel
    from axedge.train.stage import train_kernel

    @functools.cache
    def make(name: str) -> Converted:
        folder = tmp_path_factory.mktemp(name)
        kernel = {
            "inversek2j": lambda: load_kernel("inversek2j"),
            "own": lambda: load_kernel(write_own(folder)),
            "recorded": lambda: recorded(folder),
        }[name]()
        train_kernel(kernel, folder / "train", steps=300, restarts=1)
        convert_kernel(kernel, folder / "train", folder / "convert", effort=0.0)
        return Converted(kernel, folder / "convert")

    return make


@pytest.fixture(scope="session")
def exported(converted: Callable[[str], Converted], tmp_path_factory: pytest.TempPathFactory):
    """Return a function (kernel, form, engine) to an exported folder, to be read only."""

    @functools.cache
    def make(name: str, form: str, engine: str = "aot") -> Path:
        one = converted(name)
        folder = tmp_path_factory.mktemp(form) / f"axnet_{name}"
        library = tflm_engine(one.folder, name) if engine == "tflm" else None
        export_dropin(one.folder, one.kernel, folder, to=form, library=library)
        return folder

    return make
