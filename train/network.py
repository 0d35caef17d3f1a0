"""AXNet twice: as a pure function of a batch of parameter vectors, for training, and as a Keras model, for keeping.

AXNet (Peng et al., ICCAD 2018, arXiv 1807.10458): the predictor branch gives a gate for every hidden unit of the
approximator, and says whether the answer may be used. Gates and safe logit are Dense layers of their own, so that each
gets an int8 scale of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import ArtifactError, UnsupportedModel
from axedge.artifacts.files import atomic_path
from axedge.train.normalise import Affine
from axedge.train.runtime import tensorflow
from axedge.train.topology import Topology

Array = NDArray[np.float32]


def forward(topology: Topology, flat: Any, x: Any) -> tuple[Any, Any]:
    """Run all restarts at once.

    Args:
        topology: the network's shape.
        flat: parameters, tensor [R, parameters].
        x: inputs, tensor [n, B], the same for all restarts.

    Returns:
        Answers [R, m, B], and safe logits [R, B], or None for a network without a predictor.
    """
    tf = tensorflow()
    layers = topology.split(flat, tf.reshape)
    activations = {"relu": tf.nn.relu, "tanh": tf.tanh}
    gates, logit, hidden = [], None, x[tf.newaxis]
    for index in range(len(topology.predictor)):
        hidden = activations[topology.predictor_activation](_dense(layers[f"predictor_{index}"], hidden))
    if topology.gated:
        gates = [_dense(layers[f"gates_{index}"], hidden) for index in range(len(topology.approximator))]
        logit = _dense(layers["safe"], hidden)[:, 0]
    hidden = x[tf.newaxis]
    for index in range(len(topology.approximator)):
        hidden = activations[topology.approximator_activation](_dense(layers[f"approximator_{index}"], hidden))
        if topology.gated:
            hidden = hidden * gates[index]
    return _dense(layers["y"], hidden), logit


def _dense(layer: tuple[Any, Any], x: Any) -> Any:
    """Return kernel^T x + bias for kernel [R, i, o], bias [R, o], x [R or 1, i, B]: [R, o, B]."""
    kernel, bias = layer
    return tensorflow().matmul(kernel, x, transpose_a=True) + bias[:, :, np.newaxis]


def fold_inputs(topology: Topology, flat: Array, standardise: Affine) -> Array:
    """Return parameters for inputs u that give what `flat` gives for (u - offset) / scale.

    Args:
        topology: the network's shape.
        flat: parameters that were trained on standardised inputs, [R, parameters].
        standardise: the map from u to what they were trained on.
    """
    layers = topology.split(flat.astype(np.float64))
    for name in topology.first_layers:
        kernel, bias = layers[name]
        kernel = kernel / standardise.scale[:, np.newaxis]
        layers[name] = (kernel, bias - np.einsum("i,rio->ro", standardise.offset, kernel))
    return topology.join(layers)


def to_keras(topology: Topology, flat: Array, name: str = "axnet") -> Any:
    """Return the AXNet with the parameters flat [parameters] as a functional Keras model u [None, n] -> [y, safe]."""
    if not topology.gated:
        raise ValueError("only a network with a predictor branch is saved as AXNet")
    keras = tensorflow().keras
    u = keras.Input((topology.inputs,), name="u")
    hidden = u
    for index, units in enumerate(topology.predictor):
        hidden = _keras_dense(units, f"predictor_{index}", topology.predictor_activation)(hidden)
    gates = [_keras_dense(units, f"gates_{index}")(hidden) for index, units in enumerate(topology.approximator)]
    safe = _keras_dense(1, "safe")(hidden)
    hidden = u
    for index, units in enumerate(topology.approximator):
        hidden = _keras_dense(units, f"approximator_{index}", topology.approximator_activation)(hidden)
        hidden = keras.layers.Multiply(name=f"gated_{index}")([hidden, gates[index]])
    y = _keras_dense(topology.outputs, "y")(hidden)
    model = keras.Model(u, [y, safe], name=name)
    for layer, (kernel, bias) in topology.split(flat[np.newaxis]).items():
        model.get_layer(layer).set_weights([kernel[0], bias[0]])
    return model


def from_keras(model: Any) -> tuple[Topology, Array]:
    """Return topology and parameters [parameters] of an AXNet that `to_keras` made.

    Raises:
        UnsupportedModel: it is another kind of network.
    """
    names = {layer.name: layer for layer in model.layers}
    predictor = _numbered(names, "predictor_")
    approximator = _numbered(names, "approximator_")
    if not predictor or not approximator or "safe" not in names or "y" not in names:
        raise UnsupportedModel(f"{model.name} is no AXNet: it lacks a predictor, an approximator, safe or y.")
    topology = Topology(
        inputs=int(model.inputs[0].shape[-1]),
        outputs=names["y"].units,
        approximator=tuple(layer.units for layer in approximator),
        predictor=tuple(layer.units for layer in predictor),
        predictor_activation=predictor[0].activation.__name__,
        approximator_activation=approximator[0].activation.__name__,
    )
    layers = {}
    for layer, width, units in topology.dense_layers:
        kernel, bias = names[layer].get_weights()
        if kernel.shape != (width, units):
            raise UnsupportedModel(
                f"layer {layer} of {model.name} has shape {kernel.shape}, expected {(width, units)}."
            )
        layers[layer] = (kernel[np.newaxis], bias[np.newaxis])
    return topology, topology.join(layers)[0]


def save_keras(model: Any, path: Path) -> None:
    """Write a .keras file, whole or not at all."""
    with atomic_path(path) as scratch:
        model.save(scratch)


def load_keras(path: Path) -> Any:
    """Read a .keras file; never executes code from it.

    Raises:
        ArtifactError: it is missing or damaged.
    """
    if not path.is_file():
        raise ArtifactError(f"{path} does not exist.", "Run `axedge train` first.")
    try:
        return tensorflow().keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises nearly anything on a damaged file
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ArtifactError(f"{path} cannot be read as a Keras model: {reason}", "Run `axedge train` again.") from None


def _keras_dense(units: int, name: str, activation: str | None = None) -> Any:
    return tensorflow().keras.layers.Dense(units, activation=activation, name=name)


def _numbered(layers: dict[str, Any], prefix: str) -> list[Any]:
    found: list[Any] = []
    while (name := f"{prefix}{len(found)}") in layers:
        found.append(layers[name])
    return found
