"""Quantisation-aware training: its simulation is the whole-number network, equalising keeps the function, it helps."""

from __future__ import annotations

import numpy as np
import pytest

from axedge.convert.equalise import equalise
from axedge.convert.export import patch_of
from axedge.convert.fakequant import Plan, fit_logit, forward, observe
from axedge.convert.finetune import Stretch, Tuned, starting_point, tune, with_biases
from axedge.convert.maps import Maps
from axedge.convert.patch import apply_patch
from axedge.convert.quantise import quantise
from axedge.convert.reader import read
from axedge.convert.reference import run
from axedge.convert.task import Task
from axedge.kernels.kernel import load_kernel
from axedge.train.topology import Topology

pytestmark = [pytest.mark.train, pytest.mark.cc]

SHAPES = {
    "small": Topology(2, 2, (5,), (3,)),
    "deep": Topology(3, 1, (4, 6), (4, 3)),
    "relu predictor": Topology(2, 1, (4,), (5,), predictor_activation="relu"),
    "tanh approximator": Topology(2, 2, (4,), (3,), approximator_activation="tanh"),
}


def random_networks(topology: Topology, count: int, seed: int = 0) -> np.ndarray:
    flat = topology.initial(count, seed)
    return (flat + np.random.default_rng(seed).normal(0, 0.2, flat.shape)).astype(np.float32)


def inputs(topology: Topology, count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (count, topology.inputs)).astype(np.float32)


def float_outputs(topology: Topology, flat: np.ndarray, u: np.ndarray) -> np.ndarray:
    seen = observe(Plan(topology), flat, u)
    return np.concatenate([seen["y"], seen["safe"]], axis=1)


@pytest.mark.parametrize("shape", SHAPES)
def test_equalising_changes_no_function_and_evens_the_units(shape):
    topology = SHAPES[shape]
    flat, u = random_networks(topology, 3), inputs(topology, 500)
    plan = Plan(topology)
    seen = {name: np.abs(value).max(axis=2) for name, value in observe(plan, flat, u).items()}
    even = equalise(topology, flat, seen)
    np.testing.assert_allclose(float_outputs(topology, even, u), float_outputs(topology, flat, u), rtol=1e-4, atol=1e-5)
    after = np.abs(observe(plan, even, u)["gated_0"]).max(axis=2)
    np.testing.assert_allclose(after[seen["gated_0"] > 0.01], 1.0, rtol=1e-3)
    assert np.abs(even - flat).max() > 0.01


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_simulation_is_the_network_in_whole_numbers(shape, bits):
    import tensorflow as tf

    from axedge.train.network import to_keras

    topology = SHAPES[shape]
    flat, u = random_networks(topology, 2), inputs(topology, 2000)
    plan = Plan(topology, bits)
    base = quantise(to_keras(topology, with_biases(topology, flat[0])), u, "int8" if bits == 8 else "int16")
    rows = fit_logit(plan, starting_point(plan, flat, u), u)
    v, logit = forward(plan, tf.constant(rows), tf.constant(u.T))
    for index, row in enumerate(rows):
        net = read(apply_patch(base, patch_of(plan, row)))
        entry, answer, head = (net.activations[name] for name in ("u", "y", "safe"))
        codes = np.clip(np.rint(u / entry.scale) + entry.zero_point, entry.code_min, entry.code_max)
        answers, logits = run(net, codes.astype(np.int8 if bits == 8 else np.int16))
        steps = np.abs(answers - (v[index].numpy().T / answer.scale + answer.zero_point))
        # Rounding twice, as TFLM does, moves a code now and then; a wrong scale or weight would move nearly all.
        few, far = (1, 6) if bits == 8 else (8, 90)
        assert np.mean(steps < few) > 0.9 and steps.max() < far
        wanted = np.clip(logit[index].numpy() / head.scale + head.zero_point, head.code_min, head.code_max)
        assert np.mean(np.abs(logits - wanted) < few) > 0.9


def test_gradients_reach_weights_and_ranges_through_the_rounding():
    import tensorflow as tf

    topology = SHAPES["small"]
    plan, u = Plan(topology), inputs(topology, 400)
    rows = tf.constant(starting_point(plan, random_networks(topology, 2), u))
    with tf.GradientTape() as tape:
        tape.watch(rows)
        v, logit = forward(plan, rows, tf.constant(u.T))
        loss = tf.reduce_sum(tf.square(v)) + tf.reduce_sum(tf.square(logit))
    gradient = tape.gradient(loss, rows).numpy()
    weights, ranges = plan.split(gradient)
    assert np.isfinite(gradient).all()
    assert np.mean(np.abs(weights) > 0) > 0.8
    moved = {name for name, (low, high) in ranges.items() if np.abs(low).max() > 0 or np.abs(high).max() > 0}
    assert moved == set(plan.ranged) - {"safe"}


@pytest.fixture(scope="module")
def task():
    kernel = load_kernel("inversek2j")
    maps = Maps(((0.25, 0.75), (0.5, 0.5)), ((0.8, 0.8), (0.8, 0.8)))
    return Task.of(kernel, maps, 0.9, 0, units=3)


def tuned(task: Task, stretches) -> Tuned:
    topology = SHAPES["small"]
    return tune(task, topology, random_networks(topology, 3), bits=8, seed=0, stretches=stretches)


SHORT = Stretch(networks=2, steps=400, learning_rate=1e-2, tau_start=1.0, tau_end=0.5)


@pytest.fixture(scope="module")
def not_trained(task):
    return tuned(task, ())


@pytest.fixture(scope="module")
def trained(task):
    return tuned(task, [SHORT])


def test_fine_tuning_is_kept_because_it_helps(not_trained, trained):
    assert not_trained.how in ("converted", "equalised") and trained.how == "fine-tuned"
    assert trained.worth.true_invocation > not_trained.worth.true_invocation + 0.05


def test_fine_tuning_that_hurts_is_not_kept(task, not_trained):
    wild = Stretch(networks=1, steps=20, learning_rate=50.0, tau_start=1.0, tau_end=0.5)
    assert tuned(task, [wild]) == not_trained


def test_it_repeats(task, trained):
    assert tuned(task, [SHORT]) == trained
