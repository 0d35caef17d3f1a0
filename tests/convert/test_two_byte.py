"""Two-byte inputs: an input's code split into two is lost by nobody, from training to the C."""

from __future__ import annotations

import ctypes
import subprocess
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from axedge.artifacts.errors import UnsupportedModel, UsageError
from axedge.artifacts.workspace import Workspace
from axedge.convert import affine, promise
from axedge.convert.deployment import TURNED_AWAY, answer, load_deployment
from axedge.convert.options import convert_options
from axedge.convert.qnet import FINE_BITS, Activation
from axedge.convert.two_byte import columns, widened
from axedge.kernels.kernel import load_kernel
from axedge.train.topology import Topology


@pytest.mark.host
@given(st.lists(st.integers(-2048, 2047), min_size=1, max_size=5), st.integers(-128, 112))
def test_both_codes_hold_all_of_an_input_and_fit_a_byte(codes, zero_point):
    found = affine.split(np.array([codes]), FINE_BITS, zero_point)[0]
    coarse, fine = np.split(found, 2)
    assert (16 * coarse + fine - zero_point).tolist() == codes
    assert coarse.tolist() == [code // 16 for code in codes]
    assert found.min() >= -128 and found.max() <= 127


@pytest.mark.host
@given(
    zero_point=st.integers(-128, 112),
    width=st.floats(0.3, 3.0),
    centre=st.floats(-3.0, 3.0),
    size=st.floats(1e-3, 1e3),
    places=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=10),
)
def test_a_float_keeps_four_more_bits(zero_point, width, centre, size, places):
    low, high = (float(np.float32((centre + sign) * size)) for sign in (-1.0, 1.0))
    offset, scale = (low + high) / 2, (high - low) / 2
    entry = Activation("u", 2, 8, float(np.float32(width / 127.5)), zero_point)
    rule = affine.input_code(low, high, offset, scale, entry, FINE_BITS)
    x = np.array([low, high, *(low + place * (high - low) for place in places)], np.float32)
    x = x.clip(np.float32(low), np.float32(high))
    coarse, fine = affine.encode([rule], entry, x[:, np.newaxis]).T
    assert rule.fine_bits == FINE_BITS and (zero_point <= fine).all() and (fine <= zero_point + 15).all()
    tolerance = Fraction(1, 2) + Fraction(affine.input_error(rule, scale * entry.scale / 16))
    for value, found in zip(x, 16 * coarse + fine - zero_point, strict=True):
        step = Fraction(scale) * Fraction(entry.scale) / 16
        ideal = (Fraction(float(value)) - Fraction(offset)) / step + 16 * zero_point
        assert abs(found - min(max(ideal, Fraction(-2048)), Fraction(2047))) <= tolerance


@pytest.mark.host
def test_a_zero_point_without_room_for_fine_codes_is_refused():
    with pytest.raises(UnsupportedModel, match="no room"):
        affine.input_code(-1.0, 1.0, 0.0, 1.0, Activation("u", 2, 8, 1 / 127, 113), FINE_BITS)


@pytest.mark.host
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"activations": "int16"}, "int16 every input has two bytes already"),
        ({"model": "my.keras"}, "networks of `axedge train`"),
        ({"inputs": "two-bite"}, "did you mean two-byte"),
    ],
)
def test_what_excludes_two_byte_inputs_is_said(options, words):
    with pytest.raises(UsageError) as caught:
        convert_options(**{"inputs": "two-byte"} | options)
    assert words.lower() in str(caught.value).lower() and "\n" not in caught.value.message


@pytest.mark.train
def test_coarse_and_fine_columns_give_the_function_of_the_finer_input():
    from axedge.train.network import forward

    topology = Topology(3, 2, (4, 6), (4, 3))
    flat = (topology.initial(1, 0) + 0.1).astype(np.float32)
    u = np.random.default_rng(1).uniform(-1, 1, (500, 3)).astype(np.float32)
    halves = columns(u)
    finer = halves[:, :3] + halves[:, 3:] / 16
    assert np.abs(finer - u).max() <= 2 / 255 / 32 * 1.001 < np.abs(halves[:, :3] - u).max()
    wide, wide_flat = widened(topology, flat[0])
    for one, other in zip(forward(wide, wide_flat[None], halves.T), forward(topology, flat, finer.T), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.train
def test_the_simulation_is_the_network_in_whole_numbers():
    import tensorflow as tf

    from axedge.convert.export import patch_of
    from axedge.convert.fakequant import Plan, fit_logit, forward
    from axedge.convert.finetune import starting_point, with_biases
    from axedge.convert.patch import apply_patch
    from axedge.convert.quantise import quantise
    from axedge.convert.reader import read
    from axedge.convert.reference import run
    from axedge.train.network import to_keras

    topology = Topology(2, 2, (5,), (3,))
    flat = (topology.initial(2, 0) + np.random.default_rng(0).normal(0, 0.2, (2, topology.parameters))).astype("f")
    u = np.random.default_rng(1).uniform(-1, 1, (2000, 2)).astype(np.float32)
    plan = Plan(topology, 8, FINE_BITS)
    base = quantise(to_keras(*widened(topology, with_biases(topology, flat[0]))), columns(u))
    rows = fit_logit(plan, starting_point(plan, flat, u), u)
    # Ranges that are not symmetric, so that neither scale nor zero point is the nominal one.
    rows[:, topology.parameters : topology.parameters + 2] = np.log([0.7, 1.1])
    v, logit = forward(plan, tf.constant(rows), tf.constant(u.T))
    for index, row in enumerate(rows):
        net = read(apply_patch(base, patch_of(plan, row)))
        entry, wanted, head = (net.activations[name] for name in ("u", "y", "safe"))
        codes = np.clip(np.rint(16 * (u.astype(np.float64) / entry.scale + entry.zero_point)), -2048, 2047)
        answers, logits = run(net, affine.split(codes.astype(np.int64), FINE_BITS, entry.zero_point).astype(np.int8))
        steps = np.abs(answers - (v[index].numpy().T / wanted.scale + wanted.zero_point))
        assert entry.size == 4 and entry.zero_point < -20 and np.mean(steps < 1) > 0.9 and steps.max() < 6
        margins = np.clip(logit[index].numpy() / head.scale + head.zero_point, -128, 127)
        assert np.mean(np.abs(logits - margins) < 1) > 0.9


@pytest.mark.train
@pytest.mark.cc
def test_from_training_to_the_bits_of_the_c(tmp_path, monkeypatch):
    """Converted, equal to TFLM, and the generated C gives every answer that numpy gives, floats in, floats out."""
    from axedge import api
    from axedge.convert.stage import convert_kernel
    from axedge.train.stage import train_kernel

    monkeypatch.setattr(promise, "CALIBRATION_COUNT", 5000)
    kernel, workspace = load_kernel("inversek2j"), Workspace(tmp_path / "out")
    train, folder = workspace.train(kernel.name), workspace.convert(kernel.name)
    train_kernel(kernel, train, steps=400, restarts=2)
    record = convert_kernel(kernel, train, folder, effort=0.0, inputs="two-byte")
    assert record.form == "int8, two-byte inputs" and record.tflm.result == "passed"
    assert [rule.fine_bits for rule in record.inputs] == [FINE_BITS] * 2 and record.parameters == 60
    assert api.convert(kernel, out=workspace.root) == record, "inputs that are not named stay as they were"
    with pytest.raises(UsageError, match="two bytes already"):
        api.convert(kernel, out=workspace.root, activations="int16")
    with np.load(folder / "vectors.npz") as vectors:
        assert vectors["inputs"].shape == (1024, 4) and vectors["inputs"].dtype == np.int8
    deployment = load_deployment(folder)
    x = np.concatenate([kernel.draw("fresh", 2000, 1).x, np.random.default_rng(0).uniform(-0.6, 1.1, (2000, 2))])
    x = np.ascontiguousarray(x, np.float32)
    x[:4] = [[np.nan, 0.5], [-0.5, 0.0], [1.0, 1.0], [np.inf, 0.0]]
    y, logits = answer(deployment, x)
    for optimize in ("", "balanced", "size"):
        library = tmp_path / f"pair{optimize}.so"
        sources = [folder / optimize / "axnet_inversek2j.c", kernel.source]
        command = ["cc", "-std=c99", "-O1", "-shared", "-fPIC", "-I", folder, *sources, "-lm", "-o", library]
        subprocess.run(list(map(str, command)), check=True)
        call = ctypes.CDLL(str(library)).axe_inversek2j_approximate
        call.argtypes = [ctypes.c_void_p] * 2
        found, paths = np.full_like(y, np.nan), np.empty(len(x), int)
        for row in range(len(x)):
            paths[row] = call(x[row].ctypes.data, found[row].ctypes.data)
        outside = logits == TURNED_AWAY
        np.testing.assert_array_equal(paths, np.where(outside, 2, np.where(logits >= deployment.threshold, 0, 1)))
        np.testing.assert_array_equal(found[~outside].view(np.uint32), y[~outside].view(np.uint32))
        assert np.isnan(found[outside]).all() and 100 < outside.sum() < 3000
