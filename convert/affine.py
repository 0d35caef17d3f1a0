"""From floats to codes and back: the one written rule of docs/quantisation.md, derived and executed in numpy.

The rules hold one float32 multiply each and otherwise exact integers, so a compiler that fuses or reorders float
operations cannot change a result, and the path that a sample takes is the same here and on the device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import UnsupportedModel
from axedge.convert.qnet import Activation, InputCode, OutputCode

MAX_INPUT_SHIFT = 24
MAX_OUTPUT_SHIFT = 15
_INPUT_LIMIT = 1 << 30
_OUTPUT_LIMIT = 1 << 24


def before_split(activation: Activation, fine_bits: int) -> Activation:
    """Return the grid that a float input is rounded to, of which the network's codes are made: finer by 2^fine_bits."""
    return replace(
        activation,
        bits=activation.bits + fine_bits,
        scale=activation.scale / 2.0**fine_bits,
        zero_point=activation.zero_point << fine_bits,
    )


def split(codes: NDArray[np.int64], fine_bits: int, zero_point: int) -> NDArray[np.int64]:
    """Return the network's codes of the wider ones, int64 (N, n): coarse ones, then fine ones, (N, 2 n); see InputCode.

    Args:
        codes: of `fine_bits` more bits than the network's.
        fine_bits: 0 for codes that are the network's already.
        zero_point: of the network's input tensor.
    """
    if not fine_bits:
        return codes
    return np.concatenate([codes >> fine_bits, (codes & ((1 << fine_bits) - 1)) + zero_point], axis=1)


def input_code(
    minimum: float, maximum: float, offset: float, scale: float, activation: Activation, fine_bits: int = 0
) -> InputCode:
    """Derive the rule for one input.

    Ideally code = (x - offset) / scale / activation.scale + zero_point, rounded. With `shift` fraction bits that is
    x * factor + bias, the bias holding half a step so that the final shift (a floor) rounds. The largest shift is taken
    that keeps every intermediate below 2^30; `input_error` bounds what is lost, a quarter of an 8-bit step at most.

    Args:
        minimum: smallest x of the trained domain.
        maximum: largest x of the trained domain.
        offset: u = (x - offset) / scale, in the unit of x.
        scale: as above, not 0.
        activation: the network's input tensor.
        fine_bits: 0, or FINE_BITS in two-byte form (see InputCode).

    Raises:
        UnsupportedModel: the input lies so far from 0, for its width, that float32 cannot tell its codes apart; or the
            zero point leaves no room for fine codes.
    """
    if activation.zero_point + (1 << fine_bits) - 1 > activation.code_max:
        raise UnsupportedModel(f"the inputs' zero point {activation.zero_point} leaves no room for fine codes.")
    activation = before_split(activation, fine_bits)
    low, high = float(np.float32(minimum)), float(np.float32(maximum))
    steps = 1.0 / (scale * activation.scale)
    tolerated = 2.0 ** (activation.bits - 10)
    shift_point = activation.zero_point - offset * steps + 0.5
    for shift in range(MAX_INPUT_SHIFT, -1, -1):
        factor = float(np.float32(steps * 2.0**shift))
        bias = round(shift_point * 2.0**shift)
        if abs(factor) * max(abs(low), abs(high)) * (1 + 2.0**-23) + 1 + abs(bias) < _INPUT_LIMIT:
            rule = InputCode(low, high, factor, bias, shift, fine_bits)
            if np.isfinite(factor) and factor != 0.0 and input_error(rule, activation.scale * scale) < tolerated:
                return rule
            break
    raise UnsupportedModel(
        f"an input within {low:g} to {high:g} cannot be told apart in steps of {abs(scale * activation.scale):g}.",
        "Subtract its offset before the call, and train on what is left.",
    )


def input_error(rule: InputCode, step: float) -> float:
    """Return by how much a rule's value before rounding may differ from the ideal one, in codes.

    float32 rounding of the factor and of the product (2^-24 each, of |x * factor|), the truncation and the rounding of
    the bias (1 and 1/2 in units of 2^-shift codes).

    Args:
        rule: from `input_code`.
        step: width of one code in the unit of x.
    """
    largest = max(abs(rule.minimum), abs(rule.maximum)) / abs(step)
    return largest * 2.0**-23 * (1 + 2.0**-22) + 1.5 * 2.0**-rule.shift


def output_code(offset: float, scale: float, activation: Activation) -> OutputCode:
    """Derive the rule for one output: y = v * scale + offset, v = activation.scale * (code - zero_point).

    Args:
        offset: in the unit of y.
        scale: in the unit of y, not 0.
        activation: the network's answer tensor.

    Raises:
        UnsupportedModel: the offset is so large, for the output's width, that float32 cannot hold the codes' values.
    """
    step = scale * activation.scale
    zero = offset / step - activation.zero_point
    largest_code = max(abs(activation.code_min), activation.code_max)
    for shift in range(MAX_OUTPUT_SHIFT, -1, -1):
        bias = round(zero * 2.0**shift)
        if (largest_code << shift) + abs(bias) < _OUTPUT_LIMIT:
            return OutputCode(float(np.float32(step / 2.0**shift)), bias, shift)
    raise UnsupportedModel(
        f"an output with offset {offset:g} cannot be told apart in steps of {abs(step):g}.",
        "Subtract the offset in the kernel, and add it after the call.",
    )


def in_domain(rules: Sequence[InputCode], x: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return whether each row of x, float32 of shape (N, n), lies in the box; a NaN or an infinity does not."""
    low = np.array([rule.minimum for rule in rules], np.float32)
    high = np.array([rule.maximum for rule in rules], np.float32)
    return ((x >= low) & (x <= high)).all(axis=1)


def encode(rules: Sequence[InputCode], activation: Activation, x: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the input codes of x; rows outside the domain get the codes of the nearest corner and mean nothing.

    Args:
        rules: one an input.
        activation: the network's input tensor.
        x: float32, shape (N, n).

    Returns:
        Codes within the activation's range, int64, shape (N, n), or (N, 2 n) in two-byte form.
    """
    grid = before_split(activation, rules[0].fine_bits)
    codes = np.empty(x.shape, np.int64)
    for column, rule in enumerate(rules):
        inside = np.nan_to_num(x[:, column], nan=rule.minimum).clip(np.float32(rule.minimum), np.float32(rule.maximum))
        product = inside.astype(np.float32) * np.float32(rule.factor)
        codes[:, column] = (np.trunc(product).astype(np.int64) + rule.bias) >> rule.shift
    return split(codes.clip(grid.code_min, grid.code_max), rules[0].fine_bits, activation.zero_point)


def decode(rules: Sequence[OutputCode], codes: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return the outputs, float32 of shape (N, m), that answer codes of shape (N, m) stand for."""
    y = np.empty(codes.shape, np.float32)
    for column, rule in enumerate(rules):
        whole = (codes[:, column].astype(np.int64) << rule.shift) + rule.bias
        y[:, column] = whole.astype(np.float32) * np.float32(rule.factor)
    return y
