"""What the reader refuses: damaged and foreign files, networks that no engine runs; no other error comes out of it."""

from __future__ import annotations

import convert_nets
import numpy as np
import pytest

from axedge.artifacts.errors import ArtifactError, AxedgeError, UnsupportedModel
from axedge.artifacts.heads import choose_heads
from axedge.convert.qnet import Dense, Lookup, Multiply
from axedge.convert.quantise import quantise
from axedge.convert.reader import MAX_BYTES, parse, read

pytestmark = pytest.mark.train


def one_line(error: AxedgeError) -> str:
    text = str(error)
    assert "\n" not in text and 10 < len(text) < 400
    return text


@pytest.mark.parametrize(
    "content", [b"", b"TFL3", b"\x7fELF" + b"\0" * 100, b"\x1c\0\0\0TFL3", b"\xff\xff\xff\x7fTFL3" + b"\xff" * 64]
)
def test_a_foreign_file_is_one_clear_line(content):
    with pytest.raises(ArtifactError) as caught:
        read(content)
    assert ".tflite" in one_line(caught.value)


def test_a_huge_file_is_not_even_looked_at():
    with pytest.raises(ArtifactError, match="more than any network"):
        read(b"\0\0\0\0TFL3" + bytes(MAX_BYTES))


def test_every_truncation_is_refused_or_harmless(converted):
    tflite = converted("small")
    for size in range(8, len(tflite), 37):
        with pytest.raises(AxedgeError) as caught:
            read(tflite[:size])
        one_line(caught.value)


def test_flipped_bytes_never_escape_as_another_error(converted):
    tflite, rng = converted("small"), np.random.default_rng(11)
    refused = 0
    for _ in range(600):
        content = bytearray(tflite)
        for place in rng.integers(0, len(content), rng.integers(1, 6)):
            content[place] = rng.integers(0, 256)
        try:
            read(bytes(content))
        except AxedgeError as error:
            one_line(error)
            refused += 1
    assert refused > 50


def test_axnet_is_read_with_names_of_its_layers_and_both_heads(converted):
    parsed = parse(converted("small"))
    net = parsed.net
    assert [type(operation) for operation in net.operations].count(Dense) == 5
    assert {type(operation) for operation in net.operations} == {Dense, Lookup, Multiply}
    expected = {"u", "y", "safe", "predictor_0", "predictor_0_sum", "approximator_0", "gates_0", "gated_0"}
    assert set(net.activations) == expected
    assert (net.source, net.answer, net.logit) == ("u", "y", "safe")
    assert net.activations["y"].size == 2 and net.activations["safe"].size == 1
    assert {operation.target for operation in net.needed_for("safe")} == {"predictor_0_sum", "predictor_0", "safe"}
    assert parsed.operators == ("FULLY_CONNECTED", "MUL", "TANH")


def test_heads_of_one_value_each_are_told_apart(converted):
    net = parse(converted("wide")).net
    assert net.activations["y"].size == net.activations["safe"].size == 1
    made_of = {operation.target for operation in net.needed_for("safe")}
    assert "gated_0" not in made_of and "gated_0" in {operation.target for operation in net.needed_for("y")}


def test_heads_by_name_order_and_size():
    assert choose_heads([("anything", 7)]) == (0, None)
    assert choose_heads([("output_0", 1), ("output_1", 1)]) == (0, 1)
    assert choose_heads([("output_1", 1), ("output_0", 1)]) == (1, 0)
    assert choose_heads([("safe", 1), ("y", 1)]) == (1, 0)
    assert choose_heads([("output_0", 1), ("output_1", 4)]) == (1, 0)
    with pytest.raises(UnsupportedModel, match="2 and 3 values"):
        choose_heads([("a", 2), ("b", 3)])
    with pytest.raises(UnsupportedModel, match="3 outputs"):
        choose_heads([("a", 1)] * 3)


def keras_model(*layers, inputs=4):
    import tensorflow as tf

    u = value = tf.keras.Input((inputs,), name="u")
    for layer in layers:
        value = layer(tf.keras.layers)(value)
    return tf.keras.Model(u, value)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (lambda k: k.Softmax(name="odd"), ("odd", "Softmax", "Supported")),
        (lambda k: k.BatchNormalization(name="bn"), ("bn", "BatchNormalization", "Supported")),
        (lambda k: k.Dense(3, "gelu", name="smooth"), ("smooth", "gelu", "Supported")),
        (lambda k: k.Reshape((2, 2), name="square"), ("square", "Reshape", "Supported")),
    ],
)
def test_an_unsupported_layer_is_named_before_conversion(layer, words):
    with pytest.raises(UnsupportedModel) as caught:
        quantise(keras_model(layer), np.zeros((10, 4), np.float32))
    assert all(word in one_line(caught.value) for word in words)


def test_an_unsupported_operator_of_a_tflite_is_named():
    import tensorflow as tf

    u = np.random.default_rng(0).uniform(-1, 1, (50, 4)).astype(np.float32)
    converter = tf.lite.TFLiteConverter.from_keras_model(keras_model(lambda k: k.Softmax(name="odd")))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([row[None]] for row in u)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with pytest.raises(UnsupportedModel, match="SOFTMAX.*FULLY_CONNECTED"):
        read(converter.convert())


def test_a_float_tflite_is_refused():
    import tensorflow as tf

    tflite = tf.lite.TFLiteConverter.from_keras_model(convert_nets.axnet()).convert()
    with pytest.raises(UnsupportedModel, match="FLOAT32 is not quantised"):
        read(tflite)


def test_the_same_model_gives_the_same_bytes():
    first, second = convert_nets.convert("small"), convert_nets.convert("small")
    assert first == second
