"""From a Keras model to a fully quantised .tflite, by TensorFlow's own converter."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import UnsupportedModel
from axedge.convert.reader import SUPPORTED

if TYPE_CHECKING:
    import keras

#: Representative samples: enough for ranges, few enough that calibration takes well under a second.
CALIBRATION_ROWS = 2000
#: Less than a 16-bit code can show.
_HARDLY = 1e-5
_SUPPORTED_LAYERS = ("InputLayer", "Dense", "Multiply", "Activation", "ReLU")
_SUPPORTED_ACTIVATIONS = ("linear", "relu", "tanh", "sigmoid")


def quantise(model: keras.Model, u: NDArray[np.float32], activations: str = "int8") -> bytes:
    """Return a .tflite with int8 weights (one scale a unit) and int8 or int16 activations, input and outputs included.

    Args:
        model: inputs (n,), outputs y' or [y', safe].
        u: representative inputs, normalised, float32 of shape (N, n); their corners should be among them.
        activations: "int8" or "int16".

    Raises:
        UnsupportedModel: a layer that the engines cannot run, or a converter that refuses the model.
    """
    check_layers(model)
    import tensorflow as tf

    with _quiet():
        copy = _with_batch_of_one(model)
        if activations == "int16":
            _fill_empty_units(copy)
        converter = tf.lite.TFLiteConverter.from_keras_model(copy)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([row[None]] for row in np.asarray(u, np.float32)[:CALIBRATION_ROWS])
        if activations == "int16":
            wanted = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
            converter.inference_input_type = converter.inference_output_type = tf.int16
        else:
            wanted = tf.lite.OpsSet.TFLITE_BUILTINS_INT8
            converter.inference_input_type = converter.inference_output_type = tf.int8
        converter.target_spec.supported_ops = [wanted]
        try:
            return bytes(converter.convert())
        except (RuntimeError, ValueError, tf.errors.OpError) as error:
            first = str(error).strip().splitlines()[0][:200]
            raise UnsupportedModel(f"TensorFlow's converter refuses the network: {first}") from None


def check_layers(model: keras.Model) -> None:
    """Refuse a Keras model with a layer that the engines cannot run.

    Raises:
        UnsupportedModel: with the layer's name, its type and what is supported.
    """
    for layer in _flat_layers(model):
        kind = type(layer).__name__
        if kind not in _SUPPORTED_LAYERS:
            article = "an" if kind[0] in "AEIOU" else "a"
            raise UnsupportedModel(f"layer {layer.name!r} is {article} {kind}, which no engine runs.", _supported())
        activation = getattr(layer, "activation", None)
        name = getattr(activation, "__name__", "linear") if activation is not None else "linear"
        if name not in _SUPPORTED_ACTIVATIONS:
            raise UnsupportedModel(f"layer {layer.name!r} has activation {name}, which no engine runs.", _supported())
    if len(model.inputs) != 1 or len(model.inputs[0].shape) != 2 or not 1 <= len(model.outputs) <= 2:
        shapes = f"{len(model.inputs)} inputs and {len(model.outputs)} outputs"
        raise UnsupportedModel(f"the model has {shapes}.", "Supported: one vector in; y', or y' and a safe logit, out.")


def _flat_layers(model: keras.Model) -> Iterator[Any]:
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _flat_layers(layer)
        else:
            yield layer


def _with_batch_of_one(model: keras.Model) -> keras.Model:
    """Return the same network with a fixed batch of one and a fixed name, so that a .tflite repeats byte for byte."""
    import keras

    entry = keras.Input(batch_shape=(1, model.inputs[0].shape[-1]), name="u")
    copy = keras.models.clone_model(model, input_tensors=entry)
    copy.set_weights(model.get_weights())
    return keras.Model(copy.inputs, copy.outputs, name="axnet")


def _fill_empty_units(model: keras.Model) -> None:
    """Give units without any weight one that hardly counts: the 16-bit converter would write a scale of 0 for them."""
    for layer in _flat_layers(model):
        weights = layer.get_weights() if type(layer).__name__ == "Dense" else []
        if weights:
            bias = weights[1] if len(weights) > 1 else np.zeros(weights[0].shape[1], np.float32)
            empty = ~weights[0].any(axis=0)
            weights[0][0, empty] = _HARDLY * np.maximum(np.abs(bias), 1.0)[empty]
            layer.set_weights(weights)


def _supported() -> str:
    layers = ", ".join(_SUPPORTED_LAYERS[1:])
    return f"Supported: {layers} with {', '.join(_SUPPORTED_ACTIVATIONS)}; in a .tflite {SUPPORTED}."


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what TensorFlow's C++ writes to the process's stdout and stderr out of the user's sight."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as bin_, contextlib.ExitStack() as stack, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for stream in (1, 2):
            saved = os.dup(stream)
            os.dup2(bin_.fileno(), stream)
            stack.callback(os.close, saved)
            stack.callback(os.dup2, saved, stream)
        stack.callback(sys.stdout.flush)
        stack.callback(sys.stderr.flush)
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        yield
