import numpy as np
import pytest

from axedge.artifacts.errors import ArtifactError, UnsupportedModel
from axedge.train.network import fold_inputs, forward, from_keras, load_keras, save_keras, to_keras
from axedge.train.normalise import Affine
from axedge.train.runtime import tensorflow
from axedge.train.topology import Topology

pytestmark = pytest.mark.train


def run(topology, flat, x):
    tf = tensorflow()
    answer, logit = forward(topology, tf.constant(flat), tf.constant(x.T))
    return answer.numpy().transpose(0, 2, 1), None if logit is None else logit.numpy()


def by_hand(topology, flat, x):
    """One network in float64 numpy: [N, m] and [N]."""
    layers = {name: (kernel[0], bias[0]) for name, (kernel, bias) in topology.split(flat[None].astype(float)).items()}
    activations = {"tanh": np.tanh, "relu": lambda value: np.maximum(value, 0.0)}
    hidden = x
    for index in range(len(topology.predictor)):
        kernel, bias = layers[f"predictor_{index}"]
        hidden = activations[topology.predictor_activation](hidden @ kernel + bias)
    answer = x
    for index in range(len(topology.approximator)):
        kernel, bias = layers[f"approximator_{index}"]
        gates = hidden @ layers[f"gates_{index}"][0] + layers[f"gates_{index}"][1]
        answer = activations[topology.approximator_activation](answer @ kernel + bias) * gates
    kernel, bias = layers["safe"]
    return answer @ layers["y"][0] + layers["y"][1], (hidden @ kernel + bias)[:, 0]


@pytest.mark.parametrize("shape", ["arm", "deep"])
def test_all_restarts_at_once_give_what_each_gives_alone(shape, request, rng):
    topology = request.getfixturevalue(shape)
    flat = topology.initial(3, seed=1)
    x = rng.uniform(-1, 1, (50, topology.inputs)).astype(np.float32)
    answers, logits = run(topology, flat, x)
    for restart in range(3):
        answer, logit = by_hand(topology, flat[restart], x)
        assert np.allclose(answers[restart], answer, atol=1e-5)
        assert np.allclose(logits[restart], logit, atol=1e-5)


@pytest.mark.parametrize("shape", ["arm", "deep"])
def test_keras_gives_the_same(shape, request, rng):
    topology = request.getfixturevalue(shape)
    flat = topology.initial(1, seed=2)
    x = rng.uniform(-1, 1, (200, topology.inputs)).astype(np.float32)
    model = to_keras(topology, flat[0])
    y, safe = model(x)
    answers, logits = run(topology, flat, x)
    assert np.abs(y.numpy() - answers[0]).max() <= 1e-6 * max(1.0, np.abs(answers).max())
    assert np.abs(safe.numpy()[:, 0] - logits[0]).max() <= 1e-6 * max(1.0, np.abs(logits).max())
    assert model.inputs[0].name == "u"
    assert model.inputs[0].shape == (None, topology.inputs)
    assert model.count_params() == topology.parameters


def test_a_saved_model_comes_back_whole(deep, tmp_path):
    flat = deep.initial(1, seed=5)[0]
    path = tmp_path / "axnet.keras"
    save_keras(to_keras(deep, flat), path)
    topology, again = from_keras(load_keras(path))
    assert topology == deep
    assert np.array_equal(again, flat)
    assert [item.name for item in tmp_path.iterdir()] == ["axnet.keras"]


def test_a_plain_network_runs_without_logit(rng):
    plain = Topology(2, 1, (4,), approximator_activation="tanh")
    answers, logits = run(plain, plain.initial(2, 0), rng.normal(size=(9, 2)).astype(np.float32))
    assert answers.shape == (2, 9, 1)
    assert logits is None
    with pytest.raises(ValueError, match="predictor"):
        to_keras(plain, plain.initial(1, 0)[0])


@pytest.mark.parametrize("shape", ["arm", "deep"])
def test_folding_leaves_the_outputs_equal(shape, request, rng):
    topology = request.getfixturevalue(shape)
    flat = topology.initial(4, seed=3)
    u = rng.uniform(-1, 1, (300, topology.inputs)).astype(np.float32)
    standardise = Affine(rng.uniform(-0.4, 0.4, topology.inputs), rng.uniform(0.3, 0.8, topology.inputs))
    before = run(topology, flat, standardise.apply(u))
    after = run(topology, fold_inputs(topology, flat, standardise), u)
    for one, other in zip(before, after, strict=True):
        assert np.abs(one - other).max() <= 1e-6 * max(1.0, np.abs(one).max())
    assert not np.allclose(before[0], run(topology, flat, u)[0], atol=1e-3)


def test_a_foreign_model_is_refused():
    keras = tensorflow().keras
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    with pytest.raises(UnsupportedModel, match="no AXNet"):
        from_keras(model)


def test_a_damaged_or_missing_file_is_one_line(tmp_path):
    damaged = tmp_path / "axnet.keras"
    damaged.write_bytes(b"not a model")
    for path in (damaged, tmp_path / "missing.keras"):
        with pytest.raises(ArtifactError) as caught:
            load_keras(path)
        assert "\n" not in str(caught.value)
