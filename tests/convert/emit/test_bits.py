"""The generated C, compiled for the host, gives the bits of TFLM's arithmetic."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from emit_build import Pair
from emit_nets import axnet, deploy, plain
from emit_oracle import run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from axedge.convert.emit.loops import short_sums
from axedge.convert.fixedpoint import SIGMOID_TABLE

pytestmark = pytest.mark.cc

MODES = ("speed", "balanced", "size")
CORES = ("generic", "cortex-m0", "cortex-m4", "cortex-m55")


def rows(net, seed, count=60):
    """Random codes, with corners and saturating values among them."""
    random = np.random.default_rng(seed)
    source = net.activations[net.source]
    corners = [source.code_min, source.code_max, source.zero_point]
    chosen = [list(row) for row in itertools.islice(itertools.product(corners, repeat=source.size), 27)]
    return np.array(chosen + random.integers(source.code_min, source.code_max + 1, (count, source.size)).tolist())


def assert_bits(pair, net, codes):
    answers, logits = pair.net(codes)
    expected, expected_logits = run(net, codes, SIGMOID_TABLE.tolist())
    np.testing.assert_array_equal(answers, expected)
    if expected_logits is not None:
        np.testing.assert_array_equal(logits, expected_logits)


@pytest.mark.parametrize("optimize", MODES)
@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("bits", [8, 16])
def test_every_mode_gives_the_same_bits(tmp_path, optimize, core, bits):
    for seed in range(3):
        net = axnet(seed, inputs=2 + seed, hidden=((5,), (8, 3), (4, 6, 3))[seed], bits=bits)
        pair = Pair(tmp_path / str(seed), deploy(net), optimize, core)
        assert_bits(pair, net, rows(net, seed))


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("bits", [8, 16])
def test_products_made_of_16_bit_parts(tmp_path, optimize, bits):
    """What cores without a long multiplication run, on the host; corner codes give the largest products."""
    for seed in range(3):
        net = axnet(40 + seed, inputs=2 + seed, hidden=(5, 4), bits=bits)
        pair = Pair(tmp_path / str(seed), deploy(net), optimize, flags=("-std=c99", "-O1", "-D__thumb__"))
        assert_bits(pair, net, rows(net, seed))


@pytest.mark.parametrize("kind", ["short", "long", "short, one unit shifted little"])
def test_16_bit_sums_take_32_bits_only_where_they_fit(tmp_path, kind):
    net = plain(3, inputs=6, outputs=3, bits=16)
    layer = net.operations[0]
    if kind == "long":
        layer = replace(layer, bias=layer.bias + (1 << 31))
    elif kind != "short":
        few = np.array([0, 1, 1])[:, None]
        layer = replace(
            layer, weights=layer.weights * few + (1 - few), bias=layer.bias % 99, shift=np.array([3, -9, -1])
        )
    net = replace(net, operations=(layer,))
    assert short_sums(net) == (kind != "long")
    for mode in MODES:
        assert_bits(Pair(tmp_path / mode, deploy(net), mode, "cortex-m0"), net, rows(net, 3))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32 - 1),
    inputs=st.integers(1, 9),
    hidden=st.lists(st.integers(1, 9), max_size=3),
    predictor=st.integers(1, 7),
    outputs=st.integers(1, 4),
    bits=st.sampled_from([8, 8, 16]),
    sparse=st.booleans(),
    mode=st.sampled_from(MODES),
    core=st.sampled_from(CORES),
)
def test_random_networks(tmp_path_factory, seed, inputs, hidden, predictor, outputs, bits, sparse, mode, core):
    net = axnet(seed, inputs, tuple(hidden), predictor, outputs, bits, sparse=sparse)
    pair = Pair(tmp_path_factory.mktemp("random"), deploy(net, seed=seed), mode, core, flags=("-std=c99", "-O0"))
    assert_bits(pair, net, rows(net, seed, 20))


@pytest.mark.parametrize("core", CORES)
def test_all_codes_of_one_input(tmp_path, core):
    for seed in range(4):
        net = axnet(100 + seed, inputs=1, hidden=(3,), predictor=2, outputs=1)
        pair = Pair(tmp_path / str(seed), deploy(net), "speed", core)
        assert_bits(pair, net, np.arange(-128, 128)[:, None])


@pytest.mark.parametrize("mode", MODES)
def test_without_a_predictor(tmp_path, mode):
    net = plain(5, inputs=3, outputs=4)
    pair = Pair(tmp_path, deploy(net), mode)
    codes = rows(net, 5)
    assert_bits(pair, net, codes)
    assert set(pair.net(codes)[1]) == {127}
    assert pair.quantised(codes[0])[0] == 0
