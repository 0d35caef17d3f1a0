import numpy as np
import pytest

from axedge.kernels.spec import ErrorSpec
from axedge.train.topology import Topology


@pytest.fixture
def arm() -> Topology:
    """The network of inversek2j."""
    return Topology(inputs=2, outputs=2, approximator=(5,), predictor=(3,))


@pytest.fixture
def deep() -> Topology:
    """Two hidden layers in both branches."""
    return Topology(inputs=3, outputs=2, approximator=(6, 24), predictor=(4, 7), predictor_activation="relu")


@pytest.fixture
def errors() -> dict[str, ErrorSpec]:
    return {
        "relative": ErrorSpec("relative", 0.1, 1e-3),
        "absolute": ErrorSpec("absolute", 0.05),
        "rmse": ErrorSpec("rmse", 0.05),
        "mismatch": ErrorSpec("mismatch", 0.5),
    }


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
