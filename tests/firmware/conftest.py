"""Makes the tools beside the tests importable, and builds each image once for all tests."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import build_harness  # noqa: E402
from standin import Images  # noqa: E402


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """Images of the stand-in kernel, built when first asked for."""
    return Images(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def harness(tmp_path_factory):
    """The firmware's core in a shared object, with an engine and a board that tests command."""
    return build_harness(tmp_path_factory.mktemp("harness"))
