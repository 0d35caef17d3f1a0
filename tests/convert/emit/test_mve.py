"""The MVE code: chosen where it pays, the same bits on the core and in portable C, clean under strict warnings."""

import subprocess

import numpy as np
import pytest
from emit_build import WARNINGS, Pair, write_pair
from emit_nets import axnet, deploy
from emit_oracle import run

from axedge.convert.emit import emit_aot
from axedge.convert.emit.mve import MvePrinter, mve_pays
from benchmarks.engine.harness import MACHINES, Bench
from benchmarks.engine.measure import expected_checksum
from benchmarks.engine.networks import reference

SHAPES = {
    "odd sizes": {"inputs": 18, "hidden": (21, 17), "predictor": 19, "outputs": 3, "curve": False},
    "tables": {"inputs": 33, "hidden": (16,), "predictor": 18, "outputs": 5, "curve": True},
    "multiples": {"inputs": 16, "hidden": (32,), "predictor": 16, "outputs": 4, "curve": False, "sparse": True},
}


def network(shape):
    return axnet(7, **SHAPES[shape])


@pytest.mark.host
def test_it_is_chosen_for_wide_layers_only():
    assert mve_pays(reference("big").net) and not mve_pays(reference("small").net)
    assert not mve_pays(axnet(1, inputs=18, hidden=(32,), predictor=16, bits=16))
    for core, chosen in (("cortex-m55", True), ("generic", True), ("cortex-m4", False)):
        assert ("vmladavaq_s8" in emit_aot(reference("big"), "speed", core)["axnet_bench.c"]) == chosen


@pytest.mark.cc
@pytest.mark.parametrize("shape", SHAPES)
def test_the_portable_form_gives_the_same_bits(tmp_path, shape):
    net = network(shape)
    assert mve_pays(net)
    pair = Pair(tmp_path, deploy(net), "speed", "cortex-m55")
    codes = np.random.default_rng(3).integers(-128, 128, (60, net.activations[net.source].size))
    answers, logits = pair.net(codes)
    expected, expected_logits = run(net, codes)
    np.testing.assert_array_equal(answers, expected)
    np.testing.assert_array_equal(logits, expected_logits)


@pytest.mark.qemu
@pytest.mark.parametrize("shape", SHAPES)
def test_the_core_gives_the_same_bits(tmp_path, shape):
    deployment = deploy(network(shape))
    bench = Bench(tmp_path, deployment, MACHINES["cortex-m55"], "speed")
    assert "vmladavaq_s8" in (tmp_path / "axnet_bench.c").read_text()
    assert bench.run("axe_bench_net").checksum == expected_checksum(deployment)


@pytest.mark.qemu
@pytest.mark.parametrize("language", [("-std=c99",), ("-x", "c++", "-std=c++17")], ids=["c99", "c++17"])
def test_the_core_compiles_it_without_a_warning(tmp_path, language):
    for optimize in ("speed", "size"):
        source = write_pair(tmp_path, deploy(network("odd sizes")), optimize, "cortex-m55")[0]
        command = ["arm-none-eabi-gcc", *MACHINES["cortex-m55"].flags, "-O2", *WARNINGS, *language, "-fsyntax-only"]
        done = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.host
def test_what_is_computed_in_place_is_read_by_nobody_else():
    """A product takes its factor's array only if nothing later reads the factor."""
    printer = MvePrinter(network("odd sizes"))
    arrays = printer._arrays()
    assert arrays["product0"] == "a_hidden0" or arrays["product0"] == "gate0"
    assert arrays["logit"] == "logit" and arrays["answer"] == "answer"
