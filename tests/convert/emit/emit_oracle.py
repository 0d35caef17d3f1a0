"""A second, slow and plain execution of a QNet, written from gemmlowp's formulas and from nothing of axedge.convert.

Whole numbers in object arrays: nothing can overflow unseen, and division is written as C++ does it (towards zero).
"""

import math

import numpy as np

from axedge.convert.qnet import Dense, Lookup, Multiply, Tanh16


def divide_towards_zero(a, b):
    return a // b if (a >= 0) == (b > 0) else -((-a) // b)


def doubling_high_mul(a, b):
    product = a * b
    nudge = 1 << 30 if product >= 0 else 1 - (1 << 30)
    return divide_towards_zero(product + nudge, 1 << 31)


def rounding_divide_by_pot(x, exponent):
    mask = (1 << exponent) - 1
    remainder = x & mask
    threshold = (mask >> 1) + (1 if x < 0 else 0)
    return (x >> exponent) + (1 if remainder > threshold else 0)


def requantise(x, multiplier, shift):
    left, right = max(shift, 0), max(-shift, 0)
    scaled = x * (1 << left)
    assert -(1 << 31) <= scaled < 1 << 31, "the test's network overflows"
    return rounding_divide_by_pot(doubling_high_mul(scaled, multiplier), right)


def requantise_wide(x, multiplier, shift):
    reduced = (multiplier + (1 << 15)) >> 16 if multiplier < 0x7FFF0000 else 0x7FFF
    return (x * reduced + (1 << (14 - shift))) >> (15 - shift)


def curve(kind, x, multiplier, shift, table):
    if multiplier == 0:
        multiplier, shift = 3 << shift, 0
    scaled = (x * multiplier + (1 << (shift - 1) if shift > 0 else 0)) >> shift
    size, bits = abs(scaled), 8 if kind == "tanh" else 9
    step, part = size >> bits, size & ((1 << bits) - 1)
    if kind == "tanh":
        value = 0xFFFF << 8 if step >= 255 else (table[step] << 8) + part * (table[step + 1] - table[step])
        value = value - (1 << 23) + (1 << 7) if scaled >= 0 else -value + (1 << 23) + (1 << 7) - 1
        return value >> 8
    value = 0x7FFF << 10 if step >= 255 else (table[step] << 9) + part * (table[step + 1] - table[step])
    return (value + (1 << 9) if scaled >= 0 else (1 << 25) - value + (1 << 9) - 1) >> 10


def run(net, codes, sigmoid=None):
    """Return (answers, logits or None), lists of lists, for rows of input codes."""
    answers, logits = [], []
    for row in codes:
        values = {net.source: [int(code) for code in row]}
        for operation in net.operations:
            values[operation.target] = execute(net, operation, values, sigmoid)
        answers.append(values[net.answer])
        if net.logit:
            logits.append(values[net.logit][0])
    return np.array(answers), np.array(logits) if net.logit else None


def execute(net, operation, values, sigmoid):
    def centred(name):
        return [value - net.activations[name].zero_point for value in values[name]]

    zero = net.activations[operation.target].zero_point
    if isinstance(operation, Lookup):
        return [int(operation.table[value + 128]) for value in values[operation.source]]
    if isinstance(operation, Tanh16):
        return [
            curve(operation.kind, v, operation.multiplier, operation.shift, sigmoid) for v in values[operation.source]
        ]
    if isinstance(operation, Multiply):
        totals = [a * b for a, b in zip(centred(operation.left), centred(operation.right), strict=True)]
        scaled = [requantise(total, operation.multiplier, operation.shift) for total in totals]
    else:
        assert isinstance(operation, Dense)
        inputs = centred(operation.source)
        scale = requantise_wide if net.bits == 16 else requantise
        scaled = []
        for unit, weights in enumerate(operation.weights.tolist()):
            total = sum(w * x for w, x in zip(weights, inputs, strict=True)) + int(operation.bias[unit])
            scaled.append(scale(total, int(operation.multiplier[unit]), int(operation.shift[unit])))
    return [min(max(value + zero, operation.low), operation.high) for value in scaled]


def encode(rule, x, low, high):
    """Return the code of a float32 by the written rule, or None outside the domain."""
    if not np.float32(rule.minimum) <= np.float32(x) <= np.float32(rule.maximum):
        return None
    product = float(np.float32(np.float32(x) * np.float32(rule.factor)))
    return min(max((math.trunc(product) + rule.bias) >> rule.shift, low), high)


def decode(rule, code):
    return np.float32(np.float32(code * (1 << rule.shift) + rule.bias) * np.float32(rule.factor))
