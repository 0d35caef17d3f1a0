"""Makes the tools beside the tests importable, and builds the stand-in firmware once for all tests that run it."""

import sys
from pathlib import Path

import pytest

for folder in ("host", "firmware"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory):
    """Return a function that gives the folders of the stand-in for a board: see `real_boards.Images`."""
    from real_boards import Images

    return Images(tmp_path_factory.mktemp("stand-in"))
