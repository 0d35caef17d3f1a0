"""Prints the network for cores with MVE (Cortex-M55): 16 products an instruction, four requantisations at a time.

VQRDMULH is TFLM's doubling high product, halves up; VRSHR rounds halves up too, so that a sum's sign, added before it,
makes halves round away from zero. Codes lie in arrays that end in zeros up to a multiple of 16: what a row of weights
is read too far is multiplied by them. Every layer is also given in portable C.

It pays where layers are wide; `mve_pays` estimates both ways of running a network and compares.
"""

from __future__ import annotations

import numpy as np

from axedge.convert.emit.loops import CLAMP, DENSE, MULTIPLY, folded_bias
from axedge.convert.emit.names import array, int_literal
from axedge.convert.qnet import Dense, Lookup, Multiply, Operation, QNet, sources_of

_LANES, _SUMS = 16, 4

_INCLUDE = """\
#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#endif
"""


def mve_pays(net: QNet) -> bool:
    """Whether the network can run on MVE, and takes fewer instructions there than with the DSP extension."""
    return _is_supported(net) and sum(map(_mve_cost, net.operations)) < sum(map(_dsp_cost, net.operations))


def _is_supported(net: QNet) -> bool:
    """Whether all is 8 bits wide, and every factor shifts right."""
    shifts = [int(shift) for op in net.operations if isinstance(op, Dense) for shift in op.shift]
    shifts += [op.shift for op in net.operations if isinstance(op, Multiply)]
    kinds = all(isinstance(op, Dense | Multiply | Lookup) for op in net.operations)
    return net.bits == 8 and kinds and max(shifts, default=0) < 0


def _mve_cost(operation: Operation) -> int:
    """Estimate instructions; a group of four units loads weights, multiplies, requantises and stores together."""
    if isinstance(operation, Dense):
        units, inputs = operation.weights.shape
        return _groups(units) * (8 * _blocks(inputs) + 22) + 12
    return 0 if isinstance(operation, Lookup) else 40


def _dsp_cost(operation: Operation) -> int:
    """Estimate instructions: an SMLAD a pair of inputs, a load of two words for two pairs, requantise, store."""
    if isinstance(operation, Dense):
        units, inputs = operation.weights.shape
        return units * (inputs // 2 + inputs // 4 + 6)
    return 0 if isinstance(operation, Lookup) else 40


def _groups(units: int) -> int:
    return -(-units // _SUMS)


def _blocks(inputs: int) -> int:
    return -(-inputs // _LANES)


class MvePrinter:
    """Prints one network that `mve_pays` let through."""

    def __init__(self, net: QNet) -> None:
        self._net = net
        self._head = net.needed_for(net.logit) if net.logit else ()
        self._tail = tuple(operation for operation in net.needed_for(net.answer) if operation not in self._head)
        self._used = (*self._head, *self._tail)

    def text(self) -> str:
        """Return tables, a function a layer, and `run`."""
        tables = [text for operation in self._used for text in self._table(operation)]
        layers = [self._layer(operation) for operation in self._used]
        portable = [MULTIPLY, CLAMP]
        if any(isinstance(op, Dense) for op in self._used):
            portable.append(DENSE.format(sum="int32_t", requantise="requantise", read="FLASH_I32"))
        helpers = "#if !defined(__ARM_FEATURE_MVE)\n" + "\n".join(portable) + "#endif\n"
        return "\n".join([_INCLUDE, helpers, *tables, *layers, self._run()])

    def _size(self, name: str) -> int:
        return self._net.activations[name].size

    def _table(self, operation: Operation) -> list[str]:
        name = operation.target
        if isinstance(operation, Lookup):
            return [array(f"static const int8_t {name}_table[256]", operation.table) + "\n"]
        if not isinstance(operation, Dense):
            return []
        units, inputs = operation.weights.shape
        rows, pad = _groups(units) * _SUMS, _blocks(inputs) * _LANES - inputs
        weights = np.zeros(rows * inputs + pad, np.int64)
        weights[: units * inputs] = operation.weights.reshape(-1)
        bias = [*map(int_literal, folded_bias(self._net, operation)), *["0"] * (rows - units)]
        texts = [
            array(f"static const int8_t {name}_weight[{len(weights)}]", weights),
            array(f"static const int32_t {name}_bias[{rows}]", bias),
        ]
        texts += [
            array(f"static const int32_t {name}_multiplier[{rows}]", _filled(operation.multiplier, rows)),
            array(f"static const int8_t {name}_shift[{rows}]", _filled(operation.shift, rows)),
        ]
        return [f"{text}\n" for text in texts]

    def _layer(self, operation: Operation) -> str:
        """Return a function that computes an activation from arrays that end in zeros."""
        sources = ", ".join(f"const code *{name}" for name in dict.fromkeys(_arguments(operation)))
        if isinstance(operation, Lookup):
            body = self._lookup(operation)
        else:
            print_one = self._dense if isinstance(operation, Dense) else self._multiply
            fast, plain = print_one(operation)
            body = ["#if defined(__ARM_FEATURE_MVE)", *fast, "#else", *plain, "#endif"]
        lines = "\n".join(line if line.startswith("#") else f"    {line}" for line in body)
        return f"static inline void run_{operation.target}({sources}, code *out)\n{{\n{lines}\n}}\n"

    def _dense(self, layer: Dense) -> tuple[list[str], list[str]]:
        name, (units, inputs) = layer.target, layer.weights.shape
        blocks = _blocks(inputs)
        lines = [f"const int8_t *w = {name}_weight;", "int i;"]
        lines += [f"const int8x16_t x{block} = vldrbq_s8(x + {_LANES * block});" for block in range(blocks)]
        lines += [f"for (i = 0; i < {units}; i += {_SUMS}, w += {_SUMS * inputs}) {{"]
        for unit in range(_SUMS):
            lines.append(f"    int32_t s{unit} = {name}_bias[i + {unit}];")
        lines.append("    int32x4_t s = vuninitializedq_s32();")
        for block in range(blocks):
            for unit in range(_SUMS):
                place = unit * inputs + _LANES * block
                lines.append(f"    s{unit} = vmladavaq_s8(s{unit}, x{block}, vldrbq_s8(w + {place}));")
        lines += [f"    s = vsetq_lane_s32(s{unit}, s, {unit});" for unit in range(_SUMS)]
        factors = {*zip(layer.multiplier.tolist(), layer.shift.tolist(), strict=True)}
        if len(factors) == 1:
            ((multiplier, shift),) = factors
            high, right = f"vqrdmulhq_n_s32(s, {multiplier})", f"vrshrq_n_s32(s, {-shift})"
        else:
            high = f"vqrdmulhq_s32(s, vldrwq_s32({name}_multiplier + i))"
            right = f"vrshlq_s32(s, vldrbq_s32({name}_shift + i))"
        lines += [f"    {line}" for line in self._finish(layer, units, high, right)]
        plain = (
            f"dense({name}_weight, {name}_bias, {name}_multiplier, {name}_shift, {units}, {inputs}, x, out, "
            f"{self._net.activations[name].zero_point}, {layer.low}, {layer.high});"
        )
        return [*lines, "}"], [plain]

    def _multiply(self, operation: Multiply) -> tuple[list[str], list[str]]:
        size, zero = self._size(operation.target), self._net.activations[operation.target].zero_point
        left, right = (self._net.activations[name].zero_point for name in (operation.left, operation.right))
        first, last = _arguments(operation)
        lines = ["int i;", f"for (i = 0; i < {size}; i += {_SUMS}) {{"]
        lines.append(f"    const int32x4_t a = vsubq_n_s32(vldrbq_s32({first} + i), {left});")
        lines.append(f"    const int32x4_t b = vsubq_n_s32(vldrbq_s32({last} + i), {right});")
        lines.append("    int32x4_t s = vmulq_s32(a, b);")
        high, shifted = f"vqrdmulhq_n_s32(s, {operation.multiplier})", f"vrshrq_n_s32(s, {-operation.shift})"
        lines += [f"    {line}" for line in self._finish(operation, size, high, shifted)]
        value = f"((int32_t){first}[i] - ({left})) * ({last}[i] - ({right})), {operation.multiplier}, {operation.shift}"
        plain = [
            "int i;",
            f"for (i = 0; i < {size}; i++) {{",
            f"    out[i] = clamp({zero} + requantise({value}), {operation.low}, {operation.high});",
            "}",
        ]
        return [*lines, "}"], plain

    def _finish(self, operation: Dense | Multiply, size: int, high: str, right: str) -> list[str]:
        """Return what requantises the four sums `s`, keeps them within the codes and stores them."""
        zero = self._net.activations[operation.target].zero_point
        lines = [f"s = {high};", "s = vaddq_s32(s, vshrq_n_s32(s, 31));", f"s = {right};"]
        lines += [f"s = vaddq_n_s32(s, {zero});"] if zero else []
        lines.append(f"s = vminq_s32(vmaxq_s32(s, vdupq_n_s32({operation.low})), vdupq_n_s32({operation.high}));")
        whole = size % _SUMS == 0
        store = "vstrbq_s32(out + i, s);" if whole else f"vstrbq_p_s32(out + i, s, vctp32q((uint32_t)({size} - i)));"
        return [*lines, store]

    def _lookup(self, operation: Lookup) -> list[str]:
        size = self._size(operation.target)
        return [
            "int i;",
            f"for (i = 0; i < {size}; i++) {{",
            f"    out[i] = FLASH_I8({operation.target}_table, x[i] + 128);",
            "}",
        ]

    def _arrays(self) -> dict[str, str]:
        """Return the array of each activation; an element computed from another replaces it."""
        arrays = {self._net.source: self._net.source}
        for position, operation in enumerate(self._used):
            later = {name for each in self._used[position + 1 :] for name in sources_of(each)}
            kept = later | {self._net.answer, self._net.logit}
            free = [name for name in sources_of(operation) if name not in kept]
            in_place = free and not isinstance(operation, Dense)
            arrays[operation.target] = arrays[free[0]] if in_place else operation.target
        return arrays

    def _run(self) -> str:
        net, arrays = self._net, self._arrays()
        read = {arrays[op.source] for op in self._used if isinstance(op, Dense)}
        lines = []
        for name in dict.fromkeys(arrays.values()):
            step = _LANES if name in read else _SUMS
            lines.append(f"code {name}[{-(-self._size(name) // step) * step}] = {{0}};")
        lines.append(f"memcpy({net.source}, in, {self._size(net.source)});")
        lines += [_call(operation, arrays) for operation in self._head]
        logit, answer = f"{arrays[net.logit]}[0]" if net.logit else "CODE_MAX", arrays[net.answer]
        if net.logit:
            lines += [f"if ({logit} < least) {{", f"    return {logit};", "}"]
        lines += [_call(operation, arrays) for operation in self._tail]
        lines.append(f"memcpy(out, {answer}, {self._size(net.answer)});")
        lines += [*([] if net.logit else ["(void)least;"]), f"return {logit};"]
        body = "\n".join(f"    {line}" for line in lines)
        return f"static int32_t run(const code *in, code *out, int32_t least)\n{{\n{body}\n}}\n"


def _filled(values: np.ndarray, rows: int) -> list[int]:
    """Return the values and, for rows that are computed in vain, the last one again."""
    listed = [int(value) for value in values]
    return listed + listed[-1:] * (rows - len(listed))


def _arguments(operation: Operation) -> tuple[str, ...]:
    """Return the names by which a layer's function calls what it reads."""
    if isinstance(operation, Multiply):
        return ("x", "x") if operation.left == operation.right else ("x", "y")
    return ("x",)


def _call(operation: Operation, arrays: dict[str, str]) -> str:
    sources = [arrays[name] for name in dict.fromkeys(sources_of(operation))]
    return f"run_{operation.target}({', '.join([*sources, arrays[operation.target]])});"
