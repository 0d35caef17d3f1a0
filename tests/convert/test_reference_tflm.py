"""The numpy reference against TensorFlow Lite Micro's own kernels, bit for bit."""

from __future__ import annotations

import convert_nets
import numpy as np
import pytest

from axedge.convert.patch import Grid, Patch, apply_patch
from axedge.convert.reader import parse, read
from axedge.convert.reference import run, trace
from axedge.convert.tflm import run_tflm

pytestmark = pytest.mark.train

AXNETS = ("small", "wide", "relu")


def assert_same_bits(tflite: bytes, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    net, truth = read(tflite), run_tflm(tflite, codes)
    assert truth is not None, "tflite-micro must be installed where this test runs"
    answers, logits = run(net, codes)
    assert answers.dtype == truth.answer.dtype
    np.testing.assert_array_equal(answers, truth.answer)
    if truth.logit is not None:
        np.testing.assert_array_equal(logits, truth.logit)
    return answers, logits


@pytest.mark.parametrize("activations", ["int8", "int16"])
@pytest.mark.parametrize("kind", [*AXNETS, "mlp"])
def test_converted_networks(converted, kind, activations):
    tflite = converted(kind, activations)
    answers, _ = assert_same_bits(tflite, convert_nets.random_codes(read(tflite), 1))
    assert len(np.unique(answers)) > 30


@pytest.mark.parametrize("activations", ["int8", "int16"])
@pytest.mark.parametrize("kind", AXNETS)
@pytest.mark.parametrize("seed", range(3))
def test_a_random_family(converted, kind, activations, seed):
    tflite = convert_nets.random_member(converted(kind, activations), seed)
    net = read(tflite)
    codes = convert_nets.random_codes(net, seed)
    assert_same_bits(tflite, codes)
    ends = {net.activations[name].code_max for name in net.activations}
    values = trace(net, codes)
    assert any((value == max(ends)).any() for value in values.values()), "saturation must be among what is compared"


@pytest.mark.parametrize("kind", ["tanh", "sigmoid", "only relu"])
def test_all_codes_of_a_table_at_many_scales(converted, kind):
    tflite, rng = converted(kind), np.random.default_rng(3)
    codes = np.arange(-128, 128, dtype=np.int8)[None]
    scales = np.concatenate([2.0 ** rng.uniform(-11, 0, 7), [2.0**-5, 2.0**-4, 15 / 128]])
    for scale in scales:
        grid = Grid(float(np.float32(scale)), int(rng.integers(-128, 128)))
        grids = {"u": grid}
        if kind == "only relu":
            grids["y"] = Grid(float(np.float32(scale * rng.uniform(0.3, 1.4))), int(rng.integers(-128, 128)))
        assert_same_bits(apply_patch(tflite, Patch(grids)), codes)


@pytest.mark.parametrize("kind", ["tanh", "sigmoid"])
def test_wide_tables_at_many_scales(converted, kind):
    tflite, rng = converted(kind, "int16"), np.random.default_rng(4)
    codes = rng.integers(-32768, 32768, (20, 256)).astype(np.int16)
    codes[0, :4] = -32768, 32767, 0, -1
    for scale in [*(2.0 ** rng.uniform(-16, -9, 4)), 2.0**-12, 2.0**-11]:
        assert_same_bits(apply_patch(tflite, Patch({"u": Grid(float(np.float32(scale)), 0)})), codes)


def test_trace_shows_every_activation_and_a_network_without_predictor_always_trusts(converted):
    net = read(converted("mlp"))
    codes = convert_nets.random_codes(net, 2)
    values = trace(net, codes)
    assert set(values) == set(net.activations)
    assert all(values[name].shape == (len(codes), activation.size) for name, activation in net.activations.items())
    answers, logits = run(net, codes)
    np.testing.assert_array_equal(answers, values["y"])
    assert (logits == 127).all()


def test_blocks_do_not_show(converted, monkeypatch):
    net = read(converted("small"))
    codes = convert_nets.random_codes(net, 5)
    whole = run(net, codes)
    monkeypatch.setattr("axedge.convert.reference._BLOCK", 100)
    for part, other in zip(whole, run(net, codes), strict=True):
        np.testing.assert_array_equal(part, other)


def test_a_wrong_width_is_refused(converted):
    with pytest.raises(ValueError, match="Received"):
        run(read(converted("small")), np.zeros((3, 5), np.int8))


def test_patching_changes_what_it_says_and_nothing_else(converted):
    tflite = converted("small")
    before = parse(tflite)
    patched = apply_patch(tflite, Patch({"y": Grid(0.25, -7)}))
    after = parse(patched)
    assert len(patched) == len(tflite)
    assert (after.net.activations["y"].scale, after.net.activations["y"].zero_point) == (0.25, -7)
    others = [name for name in before.net.activations if name != "y"]
    assert [before.net.activations[name] for name in others] == [after.net.activations[name] for name in others]
    assert apply_patch(tflite, Patch()) == tflite
