"""A network of the user's own: the same function on normalised numbers, converted as it is, or refused in one line."""

from __future__ import annotations

import pickle
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from axedge.artifacts.errors import ArtifactError, UnsupportedModel, UsageError
from axedge.convert.deployment import answer, load_deployment
from axedge.convert.options import convert_options
from axedge.convert.own_model import load_own_model
from axedge.convert.source import load_source
from axedge.convert.stage import convert_inputs_digest, convert_kernel
from axedge.kernels.kernel import load_kernel

pytestmark = [pytest.mark.train, pytest.mark.cc]


@pytest.fixture(scope="module")
def kernel():
    return load_kernel("inversek2j")


def keras():
    import tensorflow as tf

    return tf.keras


def dense(units, activation=None, seed=0, **options):
    made = keras().initializers.RandomNormal(stddev=0.6, seed=seed)
    return keras().layers.Dense(units, activation, kernel_initializer=made, bias_initializer="ones", **options)


def two_heads(head="sigmoid"):
    u = keras().Input((2,))
    hidden = dense(7, "tanh", 1, use_bias=False)(u)
    hidden = dense(5, "relu", 2)(hidden)
    trust = dense(4, "sigmoid", 3)(u)
    return keras().Model(u, [dense(2, None, 4)(hidden), dense(1, head, 5)(trust)])


def one_head():
    return keras().Sequential([keras().Input((2,)), dense(6, "tanh", 1), dense(6, "relu", 2), dense(2, "sigmoid", 3)])


def saved(folder, model, name="my.keras"):
    model.save(folder / name)
    return folder / name


def heads(outputs):
    return [np.asarray(each) for each in (outputs if isinstance(outputs, list) else [outputs])]


@pytest.mark.parametrize("make", [two_heads, one_head])
def test_the_function_stays_and_its_inputs_are_normalised(kernel, tmp_path, make):
    model = make()
    own = load_own_model(saved(tmp_path, model), kernel, 0)
    x = kernel.draw_box("test", 500, 0)
    wanted, got = heads(model(x)), heads(own.model(own.maps.normalise(x)))
    np.testing.assert_allclose(own.maps.denormalise(got[0]), wanted[0], atol=1e-5)
    for left, right in zip(got[1:], wanted[1:], strict=True):
        np.testing.assert_allclose(left, right, atol=1e-5)
    assert np.abs(own.maps.normalise(x)).max() <= 1.0
    assert own.gate == (0.5 if make is two_heads else 0.0)


@pytest.mark.parametrize("activations", ["int8", "int16"])
def test_it_is_converted_as_it_is_and_equals_tflm(kernel, tmp_path, activations):
    model = two_heads()
    path = saved(tmp_path, model)
    options = {"model": str(path), "activations": activations}
    # It is not trained here to refuse foreign points: kernel.toml's predictor has no say in its guard.
    assert load_source(kernel, tmp_path / "no training", convert_options(**options)).refusing_units == 0
    record = convert_kernel(kernel, tmp_path / "no training", tmp_path / "out", **options)
    assert (record.candidate, record.how, record.tflm.result) == ("my.keras", "converted", "passed")
    assert {"LOGISTIC", "TANH", "FULLY_CONNECTED"} <= set(record.operators)
    assert "AddLogistic" in (tmp_path / "out" / "axnet_inversek2j_tflite.h").read_text()
    deployment = load_deployment(tmp_path / "out")
    x = kernel.draw("fresh", 3_000, 1).x
    y, logits = answer(deployment, x)
    exact, trust = (np.asarray(value) for value in model(x))
    assert np.median(np.abs(y - exact)) < 0.03
    # As trained: used where the sigmoid is at least one half.
    clear = np.abs(trust[:, 0] - 0.5) > 0.05
    assert (np.equal(logits >= deployment.threshold, trust[:, 0] >= 0.5) | ~clear).mean() > 0.99
    again = convert_inputs_digest(kernel, tmp_path / "no training", **options)
    assert again == record.inputs_digest


def test_the_guard_alone_keeps_the_limit_where_no_head_refuses(tmp_path):
    kmeans = load_kernel("kmeans")
    model = keras().Sequential([keras().Input((6,)), dense(3, "tanh", 1), dense(1)])
    options = {"model": str(saved(tmp_path, model)), "guarantee": None}
    foreign = convert_kernel(kmeans, tmp_path / "no training", tmp_path / "out", **options).foreign
    assert foreign.held and foreign.bound <= foreign.limit == 0.01


def convolution():
    return keras().Sequential([keras().Input((2,)), keras().layers.Reshape((2, 1)), keras().layers.Flatten(), dense(2)])


REFUSED = {
    "layer": (convolution, r"is a Reshape, which no engine runs.*Supported: Dense"),
    "activation": (lambda: keras().Sequential([keras().Input((2,)), dense(3, "gelu"), dense(2)]), "activation gelu"),
    "inputs": (lambda: keras().Sequential([keras().Input((3,)), dense(2)]), "3 inputs"),
    "outputs": (lambda: keras().Sequential([keras().Input((2,)), dense(5)]), "outputs of .5. values"),
    "first": (lambda: keras().Sequential([keras().Input((2,)), keras().layers.ReLU(), dense(2)]), "no Dense reads"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_engine_runs_is_refused_before_anything_is_written(kernel, tmp_path, case):
    make, words = REFUSED[case]
    path = saved(tmp_path, make())
    with pytest.raises(UnsupportedModel) as caught:
        convert_kernel(kernel, tmp_path / "none", tmp_path / "out", model=str(path))
    assert re.search(words, str(caught.value))
    assert not (tmp_path / "out").exists()


def test_no_code_of_a_file_is_executed(kernel, tmp_path):
    witness = tmp_path / "executed"

    def act(x, path=str(witness)):
        __import__("pathlib").Path(path).touch()
        return x

    model = keras().Sequential([keras().Input((2,)), keras().layers.Lambda(act, output_shape=(2,)), dense(2)])
    path = saved(tmp_path, model)
    witness.unlink(missing_ok=True)
    with pytest.raises(ArtifactError, match="Lambda"):
        load_own_model(path, kernel, 0)
    assert not witness.exists()


class Touch:
    """Unpickled, it leaves a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("part", ["model.weights.h5", "config.json", "all"])
def test_a_pickle_in_a_file_is_not_opened(kernel, tmp_path, part):
    witness, path = tmp_path / "executed", tmp_path / "odd.keras"
    code = pickle.dumps(Touch(witness))
    if part == "all":
        path.write_bytes(code)
    else:
        with zipfile.ZipFile(saved(tmp_path, one_head())) as whole, zipfile.ZipFile(path, "w") as odd:
            for name in whole.namelist():
                odd.writestr(name, code if name == part else whole.read(name))
    with pytest.raises(ArtifactError) as caught:
        load_own_model(path, kernel, 0)
    assert "\n" not in str(caught.value) and not witness.exists()
    pickle.loads(code)
    assert witness.exists(), "the pickle would have done it"


def test_weights_that_are_no_numbers_are_refused(kernel, tmp_path):
    model = one_head()
    first = next(layer for layer in model.layers if layer.get_weights())
    first.set_weights([np.full_like(values, np.nan) for values in first.get_weights()])
    with pytest.raises(UnsupportedModel, match=f"{first.name}.*not finite"):
        load_own_model(saved(tmp_path, model), kernel, 0)


def test_damaged_and_foreign_files_give_one_line(kernel, tmp_path):
    whole = saved(tmp_path, one_head()).read_bytes()
    for name, content in (("cut.keras", whole[: len(whole) // 2]), ("text.keras", b"no zip"), ("empty.keras", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ArtifactError) as caught:
            convert_kernel(kernel, tmp_path, tmp_path / "out", model=str(tmp_path / name))
        assert "\n" not in str(caught.value) and name in str(caught.value)
    with zipfile.ZipFile(tmp_path / "odd.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(ArtifactError):
        load_own_model(tmp_path / "odd.keras", kernel, 0)
    for name in ("model.h5", "model.pkl"):
        (tmp_path / name).write_bytes(whole)
        with pytest.raises(UsageError, match="no .keras file"):
            load_own_model(tmp_path / name, kernel, 0)
        with pytest.raises(UsageError, match="no .keras file"):
            convert_inputs_digest(kernel, tmp_path, model=str(tmp_path / name))
    with pytest.raises(UsageError, match="does not exist"):
        load_own_model(tmp_path / "none.keras", kernel, 0)
