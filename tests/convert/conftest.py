"""Lets the tests of this folder import their helpers, and converts each kind of network once."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def converted():
    """Return a function (kind, activations) -> bytes of a .tflite; see `convert_nets.KERAS`."""
    import convert_nets

    return functools.cache(convert_nets.convert)
