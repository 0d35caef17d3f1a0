"""Write other scales, weights and biases into a .tflite, in place: what fine-tuning found, without another conversion.

Sizes never change, so the file keeps its layout and alignment; only numbers do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from axedge.convert.reader import parse
from axedge.convert.schema import schema


@dataclass(frozen=True)
class Grid:
    """Scale and zero point of an activation."""

    scale: float
    zero_point: int


@dataclass(frozen=True)
class Layer:
    """Numbers of a Dense layer.

    Attributes:
        weights: int8, shape (units, inputs).
        scales: float32, shape (units,).
        bias: whole numbers, shape (units,); must be zeros where the file holds no bias for the layer.
    """

    weights: NDArray[np.int8]
    scales: NDArray[np.float32]
    bias: NDArray[np.int64]


@dataclass(frozen=True)
class Patch:
    """What to change, by name of the activation and by name of a Dense's target."""

    grids: Mapping[str, Grid] = field(default_factory=dict)
    layers: Mapping[str, Layer] = field(default_factory=dict)


def apply_patch(tflite: bytes, patch: Patch) -> bytes:
    """Return the .tflite with other numbers. Requantisation follows from the scales: engines derive it.

    Raises:
        ArtifactError, UnsupportedModel: as `reader.read`, of the file before or after.
        ValueError: a shape differs from the file's, or a bias is not in it.
    """
    parsed = parse(tflite)
    content = bytearray(tflite)
    # The arrays that the generated classes hand out are views of `content`.
    model = schema().Model.GetRootAs(content, 0)
    graph = model.Subgraphs(0)
    for name, grid in patch.grids.items():
        _set_grid(graph.Tensors(parsed.tensors[name]), [grid.scale], [grid.zero_point])
    for target, layer in patch.layers.items():
        kernel = graph.Tensors(parsed.weights[target])
        _set_data(model, kernel, np.ascontiguousarray(layer.weights, np.int8))
        _set_grid(kernel, layer.scales, np.zeros(len(layer.scales)))
        _set_bias(model, parsed.biases[target], layer.bias)
    _set_bias_scales(content)
    return bytes(content)


def _set_grid(tensor: Any, scales: ArrayLike, zero_points: ArrayLike) -> None:
    quantisation = tensor.Quantization()
    for view, values in ((quantisation.ScaleAsNumpy(), scales), (quantisation.ZeroPointAsNumpy(), zero_points)):
        given = np.asarray(values, view.dtype)
        if given.shape != view.shape:
            raise ValueError(f"the file holds {view.shape} numbers. Received: {given.shape}")
        view[:] = given


def _set_data(model: Any, tensor: Any, values: NDArray[np.generic]) -> None:
    view = model.Buffers(tensor.Buffer()).DataAsNumpy()
    given = np.frombuffer(values.tobytes(), np.uint8)
    if view.shape != given.shape:
        raise ValueError(f"the file holds {view.shape} bytes. Received: {given.shape}")
    view[:] = given


def _set_bias(model: Any, index: int | None, bias: NDArray[np.int64]) -> None:
    if index is None:
        if np.any(bias):
            raise ValueError("the file has no bias for this layer")
        return
    tensor = model.Subgraphs(0).Tensors(index)
    width = np.dtype("<i4") if tensor.Type() == schema().TensorType.INT32 else np.dtype("<i8")
    if bias.min() < np.iinfo(width).min or bias.max() > np.iinfo(width).max:
        raise ValueError(f"a bias does not fit into {width.name}")
    _set_data(model, tensor, bias.astype(width))


def _set_bias_scales(content: bytearray) -> None:
    """Make each bias's scale the product of the input's and the weights', as the format wants it."""
    parsed = parse(bytes(content))
    graph = schema().Model.GetRootAs(content, 0).Subgraphs(0)
    for target, weights in parsed.weights.items():
        index = parsed.biases[target]
        if index is None:
            continue
        source = next(operation.source for operation in parsed.net.operations if operation.target == target)
        scales = graph.Tensors(weights).Quantization().ScaleAsNumpy()
        product = np.float32(parsed.net.activations[source].scale) * scales
        _set_grid(graph.Tensors(index), product, np.zeros(len(product)))
