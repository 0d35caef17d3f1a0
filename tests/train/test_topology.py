import numpy as np
import pytest

from axedge.kernels.spec import NetworkSpec
from axedge.train.topology import Topology, plain_parameters

pytestmark = pytest.mark.host


def test_parameter_count_is_the_kernels(arm, deep):
    assert arm.parameters == 60 == NetworkSpec((5,), (3,)).parameters(2, 2)
    assert Topology(3, 1, (4,), (2,)).parameters == NetworkSpec((4,), (2,)).parameters(3, 1)
    assert deep.parameters == sum((width + 1) * units for _, width, units in deep.dense_layers)
    assert Topology(2, 2, (7,)).parameters == plain_parameters(2, 7, 2) == 37


def test_join_undoes_split(deep, rng):
    flat = rng.normal(size=(4, deep.parameters)).astype(np.float32)
    assert np.array_equal(deep.join(deep.split(flat)), flat)
    end = max(end for _, _, end in deep.places.values())
    assert end == deep.parameters


def test_a_restart_starts_the_same_however_many_there_are(arm):
    assert np.array_equal(arm.initial(2, seed=3), arm.initial(5, seed=3)[:2])
    assert not np.array_equal(arm.initial(1, seed=3), arm.initial(1, seed=4))
    assert len(np.unique(arm.initial(5, seed=3)[:, 0])) == 5


def test_a_plain_network_has_neither_gates_nor_logit():
    plain = Topology(2, 2, (5,))
    assert [name for name, _, _ in plain.dense_layers] == ["approximator_0", "y"]
    assert plain.first_layers == ("approximator_0",)
