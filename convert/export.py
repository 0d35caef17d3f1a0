"""From trained numbers to whole ones: the patch that writes a fine-tuned network into a .tflite."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axedge.convert.fakequant import RANGE_LIMIT, WEIGHT_CODES, Plan
from axedge.convert.patch import Grid, Layer, Patch
from axedge.convert.two_byte import doubled

Array = NDArray[np.float32]


def patch_of(plan: Plan, flat: Array) -> Patch:
    """Return the integer form of one network.

    Args:
        plan: what is quantised.
        flat: parameters [plan.parameters], as `fakequant` lays them out.
    """
    weights, logs = plan.split(flat[np.newaxis].astype(np.float64))
    grids = {name: _grid(plan, name, float(low[0]), float(high[0])) for name, (low, high) in logs.items()}
    fixed = Grid(2.0**-7 if plan.bits == 8 else 2.0**-15, 0)
    layers = {}
    for name, (kernel, bias) in plan.topology.split(weights).items():
        target, source = _target(plan, name), _source(plan, name)
        scale = grids.get(source, fixed).scale
        kernel = doubled(kernel) if plan.fine_bits and source == "u" else kernel
        layers[target] = _layer(kernel[0].T, bias[0], scale, 32 if plan.bits == 8 else 48)
    return Patch(grids, layers)


def _grid(plan: Plan, name: str, low_log: float, high_log: float) -> Grid:
    low, high = (np.exp(np.clip(log, -RANGE_LIMIT, RANGE_LIMIT)) for log in (low_log, high_log))
    low = -low
    if plan.bits == 16:
        largest = high if plan.one_sided(name) else max(high, -low)
        return Grid(float(np.float32(largest / 32767.0)), 0)
    low = 0.0 if plan.one_sided(name) else low
    scale = float(np.float32((high - low) / 255.0))
    return Grid(scale, int(np.clip(np.rint(-128.0 - low / scale), -128, 127)))


def _layer(kernel: NDArray[np.float64], bias: NDArray[np.float64], source_scale: float, bias_bits: int) -> Layer:
    """Return a Dense's whole numbers; kernel is (units, inputs)."""
    largest = np.maximum(np.abs(kernel).max(axis=1), 1e-12)
    scales = (largest / WEIGHT_CODES).astype(np.float32)
    codes = np.clip(np.rint(kernel / scales[:, np.newaxis].astype(np.float64)), -WEIGHT_CODES, WEIGHT_CODES)
    limit = 2.0 ** (bias_bits - 1) - 1
    wide = np.clip(np.rint(bias / (scales.astype(np.float64) * source_scale)), -limit, limit)
    return Layer(codes.astype(np.int8), scales, wide.astype(np.int64))


def _target(plan: Plan, layer: str) -> str:
    """Return the activation that a layer writes."""
    branch, _, index = layer.rpartition("_")
    return plan.sum_name(branch, int(index)) if branch in ("predictor", "approximator") else layer


def _source(plan: Plan, layer: str) -> str:
    """Return the activation that a layer reads."""
    shape = plan.topology
    branch, _, index = layer.rpartition("_")
    if layer == "y":
        return f"gated_{len(shape.approximator) - 1}"
    if branch == "approximator" and index != "0":
        return f"gated_{int(index) - 1}"
    if branch == "predictor" and index != "0":
        return f"predictor_{int(index) - 1}"
    return f"predictor_{len(shape.predictor) - 1}" if branch == "gates" or layer == "safe" else "u"
