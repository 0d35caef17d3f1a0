"""Scales and zero points at the edge: constant outputs, weights that are all zero, ranges on one side of zero."""

from __future__ import annotations

import numpy as np
import pytest

from axedge.artifacts.errors import UnsupportedModel
from axedge.convert.proof import prove
from axedge.convert.quantise import quantise
from axedge.convert.reader import read
from axedge.convert.reference import run
from axedge.convert.tflm import run_tflm

pytestmark = [pytest.mark.train, pytest.mark.cc]

#: Kernel and bias of the hidden layer, then of the answer.
CASES = {
    "constant answer": (([[1.0, -0.5], [0.3, 0.8]], [0.1, 0.2]), ([[0.0], [0.0]], [0.7])),
    "constant below zero": (([[1.0, -0.5], [0.3, 0.8]], [0.1, 0.2]), ([[0.0], [0.0]], [-3.0])),
    "all weights zero": (([[0.0, 0.0], [0.0, 0.0]], [0.0, 0.0]), ([[0.0], [0.0]], [0.0])),
    "one unit never lives": (([[1.0, 0.0], [0.3, 0.0]], [0.1, -1.0]), ([[1.0], [1.0]], [0.0])),
    "answers above zero only": (([[1.0, 0.5], [0.3, 0.8]], [2.0, 2.0]), ([[1.0], [1.0]], [50.0])),
    "answers below zero only": (([[1.0, 0.5], [0.3, 0.8]], [2.0, 2.0]), ([[-1.0], [-1.0]], [-50.0])),
}
#: A unit that hardly moves, read with a huge weight, beside one that moves far.
FAR_APART = (([[1e-4, 1e3], [1e-4, 1e3]], [1e-5, 1.0]), ([[1e3], [1e-3]], [0.0]))


def network(hidden, answer):
    import tensorflow as tf

    u = tf.keras.Input((2,), name="u")
    first, last = tf.keras.layers.Dense(2, "relu", name="first"), tf.keras.layers.Dense(1, name="y")
    model = tf.keras.Model(u, last(first(u)))
    first.set_weights([np.array(part, np.float32) for part in hidden])
    last.set_weights([np.array(part, np.float32) for part in answer])
    return model


@pytest.mark.parametrize("activations", ["int8", "int16"])
@pytest.mark.parametrize("case", CASES)
def test_edges_are_right_in_every_execution(case, activations):
    model, rng = network(*CASES[case]), np.random.default_rng(0)
    u = rng.uniform(-1, 1, (400, 2)).astype(np.float32)
    tflite = quantise(model, u, activations)
    net = read(tflite)
    prove(net)
    entry, answer = net.activations[net.source], net.activations[net.answer]
    codes = np.clip(np.rint(u / entry.scale) + entry.zero_point, entry.code_min, entry.code_max)
    codes = codes.astype(np.int8 if activations == "int8" else np.int16)
    answers, _ = run(net, codes)
    np.testing.assert_array_equal(run_tflm(tflite, codes).answer, answers)
    exact = np.asarray(model(u))
    steps = np.abs((answers.astype(np.float64) - answer.zero_point) * answer.scale - exact)
    assert steps.max() <= max(0.04 * np.abs(exact).max(), 1e-6)


def test_scales_too_far_apart_for_wide_sums_are_refused():
    u = np.random.default_rng(0).uniform(-1, 1, (400, 2)).astype(np.float32)
    with pytest.raises(UnsupportedModel, match="too far apart"):
        read(quantise(network(*FAR_APART), u, "int16"))
