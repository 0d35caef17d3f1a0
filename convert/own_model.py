"""A Keras network of the user's own, in the kernel's units, made into one that works on normalised numbers.

Scaling is folded into the first and the last Dense layers, so that inputs of different units do not share one int8
scale. The network's function stays the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import ArtifactError, UnsupportedModel, UsageError
from axedge.convert.maps import Maps
from axedge.convert.quantise import check_layers
from axedge.kernels.kernel import Kernel
from axedge.train.normalise import of_box, of_results
from axedge.train.runtime import tensorflow

Array = NDArray[np.float32]

#: Samples whose results set the scale of the outputs.
_RESULTS = 20_000


@dataclass(frozen=True)
class OwnModel:
    """A network on normalised numbers.

    Attributes:
        model: Keras model: inputs u (n,), outputs v or [v, safe].
        maps: between the kernel's units and the network's.
        gate: value of the second head from which on the network is used as trained: 0 for a logit, 0.5 for a sigmoid.
    """

    model: Any
    maps: Maps
    gate: float


def load_own_model(path: Path, kernel: Kernel, seed: int) -> OwnModel:
    """Read the user's network; nothing in the file is executed.

    Args:
        path: a .keras file: any Dense network with ReLU, tanh and sigmoid, one head (y') or two (y', safe).
        kernel: whose inputs it takes and whose outputs it gives.
        seed: of the samples that set the scale of the outputs.

    Raises:
        UsageError: the file is missing, or not a .keras file.
        ArtifactError: it is damaged, or wants code to be executed.
        UnsupportedModel: a layer that no engine runs, or sizes that are not the kernel's.
    """
    check_name(path)
    if not path.is_file():
        raise UsageError(f"{path} does not exist.")
    try:
        model = tensorflow().keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises nearly anything on a damaged file
        said = str(error).strip().splitlines()
        reason = said[0].split(". ")[0][:200] if said else type(error).__name__
        if "lambda" in str(error).lower():
            reason = "it holds a Lambda layer, which is code that would have to be executed"
        raise ArtifactError(f"{path.name} cannot be read as a Keras model: {reason.rstrip('.')}.") from None
    check_layers(model)
    _check_weights(model)
    _check_sizes(model, kernel)
    return _normalised(model, kernel, seed)


def check_name(path: Path) -> None:
    """Refuse what no .keras file is called: other formats of Keras may hold code.

    Raises:
        UsageError: it is another format.
    """
    if path.suffix != ".keras":
        raise UsageError(f"{path.name} is no .keras file.", "Save the model with model.save('name.keras').")


def _check_weights(model: Any) -> None:
    for layer in model.layers:
        if not all(np.isfinite(values).all() for values in layer.get_weights()):
            raise UnsupportedModel(
                f"layer {layer.name!r} has weights that are not finite numbers.", "Train the network again."
            )


def _check_sizes(model: Any, kernel: Kernel) -> None:
    sizes = [int(output.shape[-1]) for output in model.outputs]
    wanted = (len(kernel.inputs), len(kernel.outputs))
    if (int(model.inputs[0].shape[-1]), sizes[0]) != wanted or sizes[1:] not in ([], [1]):
        raise UnsupportedModel(
            f"the model has {model.inputs[0].shape[-1]} inputs and outputs of {sizes} values.",
            f"{kernel.name} takes {wanted[0]} inputs and gives {wanted[1]} values; a second head, safe, has one.",
        )


def _normalised(model: Any, kernel: Kernel, seed: int) -> OwnModel:
    copy = _with_biases(model)
    inputs = of_box(kernel)
    entry = copy.inputs[0]
    first = [layer for layer in copy.layers if _is_dense(layer) and layer.input is entry]
    readers = [layer for layer in copy.layers if not _is_input(layer) and entry in _as_list(layer.input)]
    if len(first) != len(readers) or not first:
        raise UnsupportedModel("a layer that is no Dense reads the inputs.", "The first layers must be Dense.")
    answer = next((layer for layer in copy.layers if layer.output is copy.outputs[0]), None)
    linear = answer is not None and _is_dense(answer) and answer.activation.__name__ == "linear"
    alone = linear and not any(answer.output in _as_list(layer.input) for layer in copy.layers if layer is not answer)
    for layer in first:
        weights, bias = layer.get_weights()
        layer.set_weights([weights * inputs.scale[:, None], bias + inputs.offset @ weights])
    outputs = ((0.0, 1.0),) * len(kernel.outputs)
    if alone:
        results = of_results(kernel.draw("train", _RESULTS, seed).y)
        outputs = tuple(zip(results.offset.tolist(), results.scale.tolist(), strict=True))
        weights, bias = answer.get_weights()
        answer.set_weights([weights / results.scale, (bias - results.offset) / results.scale])
    maps = Maps(tuple(zip(inputs.offset.tolist(), inputs.scale.tolist(), strict=True)), outputs)
    return OwnModel(copy, maps, _gate(copy))


def _gate(model: Any) -> float:
    if len(model.outputs) == 1:
        return 0.0
    safe = next((layer for layer in model.layers if layer.output is model.outputs[1]), None)
    activation = getattr(safe, "activation", None)
    return 0.5 if getattr(activation, "__name__", "") == "sigmoid" else 0.0


def _with_biases(model: Any) -> Any:
    """Return the same network in which every Dense has biases."""
    keras = tensorflow().keras

    def clone(layer: Any) -> Any:
        config = layer.get_config()
        if _is_dense(layer):
            config["use_bias"] = True
        return type(layer).from_config(config)

    entry = keras.Input((int(model.inputs[0].shape[-1]),), name="u")
    copy = keras.models.clone_model(model, input_tensors=entry, clone_function=clone)
    outputs = copy.outputs if len(copy.outputs) > 1 else copy.outputs[0]
    copy = keras.Model(copy.inputs[0], outputs)
    for layer in copy.layers:
        weights = model.get_layer(layer.name).get_weights() if _is_dense(layer) else []
        if weights:
            bias = weights[1] if len(weights) > 1 else np.zeros(weights[0].shape[1], np.float32)
            layer.set_weights([weights[0], bias])
    return copy


def _is_dense(layer: Any) -> bool:
    return type(layer).__name__ == "Dense"


def _is_input(layer: Any) -> bool:
    return type(layer).__name__ == "InputLayer"


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
