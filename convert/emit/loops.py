"""Prints the network as small loops over constant arrays: portable, and the least flash."""

from __future__ import annotations

import numpy as np

from axedge.convert.emit.compact_parts import ANY_SHIFT, MULTIPLY_SMALL
from axedge.convert.emit.names import array, int_literal
from axedge.convert.fixedpoint import SIGMOID_TABLE, reduced_multiplier
from axedge.convert.qnet import Dense, Lookup, Multiply, Operation, QNet, Tanh16

MULTIPLY = """\
/* TensorFlow Lite Micro's MultiplyByQuantizedMultiplier for 32-bit sums: a doubling high product that rounds halves up,
   then a right shift that rounds halves away from zero. */
static int32_t requantise(int32_t x, int32_t multiplier, int shift)
{
    const int left = shift > 0 ? shift : 0;
    const int right = left - shift;
    const int64_t product = (int64_t)(int32_t)((uint32_t)x << left) * multiplier;
    const int32_t high = (int32_t)((product + ((int64_t)1 << 30)) >> 31);
    if (right == 0) {
        return high;
    }
    return (int32_t)(((int64_t)high + ((int64_t)1 << (right - 1)) - (high < 0)) >> right);
}
"""

MULTIPLY_WIDE = """\
/* TensorFlow Lite Micro's MultiplyByQuantizedMultiplier for 64-bit sums: a 15-bit factor, rounded once, halves up. */
static int32_t requantise_wide(int64_t x, int32_t multiplier, int shift)
{
    return (int32_t)((x * multiplier + ((int64_t)1 << (14 - shift))) >> (15 - shift));
}
"""

MULTIPLY_SPLIT = """\
/* TensorFlow Lite Micro's MultiplyByQuantizedMultiplier for 16-bit networks, a 15-bit factor, rounded once, halves up:
   of sums of 32 bits and right shifts of at least 17 in all, by two short products instead of a long one. */
static int32_t requantise_wide(int32_t x, int32_t multiplier, int shift)
{
@LESS@    const uint32_t low = ((uint32_t)x & 0xFFFFu) * (uint32_t)multiplier;
    const int32_t high = (x >> 16) * multiplier + (int32_t)(low >> 16);
    return (high + ((int32_t)1 << (-2 - shift))) >> (-1 - shift);
}
"""

SHIFTED_LESS = """\
    if (shift > -2) { /* a few units: the long one */
        return (int32_t)(((int64_t)x * multiplier + ((int64_t)1 << (14 - shift))) >> (15 - shift));
    }
"""

CLAMP = """\
static code clamp(int32_t x, int32_t low, int32_t high)
{
    return (code)(x < low ? low : x > high ? high : x);
}
"""

DENSE = """\
static void dense(const int8_t *weight, const {sum} *bias, const int32_t *multiplier, const int8_t *shift, int units,
                  int inputs, const code *in, code *out, int32_t zero, int32_t low, int32_t high)
{{
    int unit, j;
    for (unit = 0; unit < units; unit++) {{
        {sum} total = {read}(bias, unit);
        for (j = 0; j < inputs; j++) {{
            total += (int32_t)FLASH_I8(weight++, 0) * in[j];
        }}
        out[unit] = clamp(zero + {requantise}(total, FLASH_I32(multiplier, unit), FLASH_I8(shift, unit)), low, high);
    }}
}}
"""

SIGMOID = """\
/* TensorFlow Lite Micro's 16-bit TANH and LOGISTIC: |x| in steps of 1/24, interpolated. */
static code curve(int32_t x, int32_t multiplier, int shift, int is_tanh)
{
    const int32_t scaled = (x * multiplier + (shift > 0 ? (int32_t)1 << (shift - 1) : 0)) >> shift;
    const int32_t size = scaled < 0 ? -scaled : scaled;
    const int bits = is_tanh ? 8 : 9;
    const int32_t step = size >> bits;
    int32_t value;
    if (step >= 255) {
        value = is_tanh ? (int32_t)0xFFFF << 8 : (int32_t)0x7FFF << 10;
    } else {
        const int32_t first = (int32_t)FLASH_U16(sigmoid, step);
        value = first * (1 << bits);
        value += (size & ((1 << bits) - 1)) * ((int32_t)FLASH_U16(sigmoid, step + 1) - first);
    }
    if (is_tanh) {
        return (code)((scaled >= 0 ? value - 0x800000 + 0x80 : 0x800000 - value + 0x7F) >> 8);
    }
    return (code)((scaled >= 0 ? value + 0x200 : 0x2000000 - value + 0x1FF) >> 10);
}
"""


SIGMOID = array("static const uint16_t sigmoid[256]", SIGMOID_TABLE) + "\n\n" + SIGMOID


def curve_call(operation: Tanh16, argument: str) -> str:
    """Return C that computes a 16-bit curve of an argument."""
    multiplier, shift = operation.multiplier, operation.shift
    if multiplier == 0:
        multiplier, shift = 3 << shift, 0
    return f"curve({argument}, {multiplier}, {shift}, {int(operation.kind == 'tanh')})"


def short_sums(net: QNet) -> bool:
    """Whether the sums of a 16-bit network need no 64 bits."""
    layers = [operation for operation in net.operations if isinstance(operation, Dense)]
    return all(_largest_sum(net, layer) < 1 << 31 for layer in layers)


def _largest_sum(net: QNet, layer: Dense) -> int:
    codes = 1 << (net.activations[layer.source].bits - 1)
    return int((np.abs(layer.weights.astype(np.int64)).sum(axis=1) * codes + np.abs(layer.bias)).max())


def sum_names(net: QNet) -> dict[str, str]:
    """Return the type of a Dense layer's sums, what requantises them, and what reads their biases."""
    requantise = "requantise_wide" if net.bits == 16 else "requantise"
    if net.bits == 16 and not short_sums(net):
        return {"sum": "int64_t", "requantise": requantise, "read": "FLASH_I64"}
    return {"sum": "int32_t", "requantise": requantise, "read": "FLASH_I32"}


def wide_multiply(net: QNet) -> str:
    """Return C that requantises the sums of a 16-bit network: the cheapest that its sums and shifts allow."""
    if not short_sums(net):
        return MULTIPLY_WIDE
    shifts = [int(operation.shift.max()) for operation in net.operations if isinstance(operation, Dense)]
    return MULTIPLY_SPLIT.replace("@LESS@", SHIFTED_LESS if max(shifts, default=-2) > -2 else "")


def print_loops(net: QNet) -> str:
    """Return the helpers, the arrays and `run` for the network."""
    parts = [*_helpers(net), *(text for op in net.operations for text in _data(net, op)), _run(net)]
    return "\n".join(part if part.endswith("\n") else part + "\n" for part in parts)


def _helpers(net: QNet) -> list[str]:
    kinds = {type(operation) for operation in net.operations}
    wide = net.bits == 16
    parts = []
    if (Dense in kinds and not wide) or Multiply in kinds:
        parts.append(_multiply_of(net))
    if Dense in kinds and wide:
        parts.append(wide_multiply(net))
    if kinds & {Dense, Multiply}:
        parts.append(CLAMP)
    if Dense in kinds:
        parts.append(DENSE.format(**sum_names(net)))
    if Tanh16 in kinds:
        parts.append(SIGMOID)
    return parts


def _multiply_of(net: QNet) -> str:
    """Return the requantisation of 32-bit numbers; the products of 16-bit networks need no long product for it."""
    shifts = [op.shift for op in net.operations if isinstance(op, Multiply)]
    if net.bits == 16 and max(shifts, default=0) <= 0:
        return MULTIPLY_SMALL.replace("@BEFORE@", ANY_SHIFT[0]).replace("@AFTER@", ANY_SHIFT[1])
    return MULTIPLY


def _data(net: QNet, operation: Operation) -> list[str]:
    name = operation.target
    if isinstance(operation, Lookup):
        return [array(f"static const int8_t {name}_table[256]", operation.table)]
    if not isinstance(operation, Dense):
        return []
    units, inputs = operation.weights.shape
    sums = sum_names(net)["sum"]
    factors = reduced_multiplier(operation.multiplier) if net.bits == 16 else operation.multiplier
    return [
        array(f"static const int8_t {name}_weight[{units * inputs}]", operation.weights.reshape(-1)),
        array(f"static const {sums} {name}_bias[{units}]", map(int_literal, folded_bias(net, operation))),
        array(f"static const int32_t {name}_multiplier[{units}]", factors),
        array(f"static const int8_t {name}_shift[{units}]", operation.shift),
    ]


def folded_bias(net: QNet, layer: Dense) -> list[int]:
    """Return the biases with the input's zero point folded in: bias - zero_point * sum of the unit's weights."""
    zero = net.activations[layer.source].zero_point
    sums = layer.weights.astype(np.int64).sum(axis=1)
    return [int(bias) - zero * int(total) for bias, total in zip(layer.bias, sums, strict=True)]


def _run(net: QNet) -> str:
    head = net.needed_for(net.logit) if net.logit else ()
    tail = [operation for operation in net.needed_for(net.answer) if operation not in head]
    used = [*head, *tail]
    lines = [f"    code {op.target}[{net.activations[op.target].size}];" for op in used]
    loops = any(not isinstance(op, Dense) for op in used)
    lines.append("    int i;")
    for operation in head:
        lines += _statement(net, operation)
    if net.logit:
        lines += [f"    if ({net.logit}[0] < least) {{", f"        return {net.logit}[0];", "    }"]
    for operation in tail:
        lines += _statement(net, operation)
    size = net.activations[net.answer].size
    answer = "in" if net.answer == net.source else net.answer
    lines += [f"    for (i = 0; i < {size}; i++) {{", f"        out[i] = {answer}[i];", "    }"]
    lines.append(f"    return {net.logit}[0];" if net.logit else "    (void)least;\n    return CODE_MAX;")
    del loops
    return "static int32_t run(const code *in, code *out, int32_t least)\n{\n" + "\n".join(lines) + "\n}\n"


def _statement(net: QNet, operation: Operation) -> list[str]:
    def place(name: str) -> str:
        return "in" if name == net.source else name

    target = net.activations[operation.target]
    name = operation.target
    if isinstance(operation, Dense):
        units, inputs = operation.weights.shape
        return [
            f"    dense({name}_weight, {name}_bias, {name}_multiplier, {name}_shift, {units}, {inputs}, "
            f"{place(operation.source)}, {name}, {target.zero_point}, {operation.low}, {operation.high});"
        ]
    if isinstance(operation, Multiply):
        left, right = net.activations[operation.left], net.activations[operation.right]
        value = (
            f"clamp({target.zero_point} + requantise(((int32_t){place(operation.left)}[i] - {left.zero_point}) * "
            f"({place(operation.right)}[i] - {right.zero_point}), {operation.multiplier}, {operation.shift}), "
            f"{operation.low}, {operation.high})"
        ).replace("- -", "+ ")
    elif isinstance(operation, Lookup):
        value = f"FLASH_I8({name}_table, {place(operation.source)}[i] + 128)"
    else:
        value = curve_call(operation, f"{place(operation.source)}[i]")
    return [f"    for (i = 0; i < {target.size}; i++) {{", f"        {name}[i] = {value};", "    }"]
