"""Prints the network for the least flash: one loop nest that walks a table of layers.

Weights, biases and tables lie in the order in which they are used, so that a layer needs no pointers; factors are
stored once a layer
where all its units share them.
"""

from __future__ import annotations

import numpy as np

from axedge.convert.emit.loops import MULTIPLY, MULTIPLY_SMALL, MULTIPLY_WIDE, SIGMOID, folded_bias
from axedge.convert.emit.names import array, int_literal
from axedge.convert.fixedpoint import reduced_multiplier
from axedge.convert.qnet import Dense, Lookup, Multiply, Operation, QNet, Tanh16, sources_of

_DENSE, _MULTIPLY, _LOOKUP, _TANH, _LOGISTIC = range(5)


class CompactPrinter:
    """Prints one network."""

    def __init__(self, net: QNet) -> None:
        self._net = net
        head = net.needed_for(net.logit) if net.logit else ()
        tail = tuple(operation for operation in net.needed_for(net.answer) if operation not in head)
        self._operations = (*head, *tail)
        self._head = len(head)
        self._places = self._place()
        self._per_unit = any(
            isinstance(op, Dense) and len({*zip(op.multiplier.tolist(), op.shift.tolist(), strict=True)}) > 1
            for op in self._operations
        )

    def text(self) -> str:
        """Return tables and `run`."""
        function = self._function()
        helpers = [
            text
            for name, text in (
                ("requantise(", MULTIPLY_SMALL if self._small_sums() else MULTIPLY),
                ("requantise_wide(", MULTIPLY_WIDE),
                ("curve(", SIGMOID),
            )
            if name in function
        ]
        return "\n".join([*helpers, *self._tables(), self._layers(), "", function])

    def _small_sums(self) -> bool:
        """Whether every sum stays below 2^30, shifted left as TFLM does: then 16-bit parts cannot overflow."""
        widest = 1 << self._net.bits
        for operation in self._operations:
            if isinstance(operation, Dense) and self._net.bits == 8:
                sums = abs(operation.weights.astype(np.int64)).sum(axis=1) * widest + abs(operation.bias)
                left = np.maximum(operation.shift.astype(np.int64), 0)
                if int((sums << left).max()) >= 1 << 30:
                    return False
            elif isinstance(operation, Multiply) and operation.shift > 0:
                return False
        return True

    def _place(self) -> dict[str, int]:
        """Return where each activation starts in the one array; a product takes the place of its first factor."""
        places, end = {self._net.source: 0}, self._net.activations[self._net.source].size
        for position, operation in enumerate(self._operations):
            later = {name for each in self._operations[position + 1 :] for name in sources_of(each)}
            kept = later | {self._net.answer, self._net.logit}
            free = [name for name in sources_of(operation) if name not in kept]
            if free and not isinstance(operation, Dense):
                places[operation.target] = places[free[0]]
                continue
            places[operation.target] = end
            end += self._net.activations[operation.target].size
        self._size = end
        return places

    def _tables(self) -> list[str]:
        sums = "int64_t" if self._net.bits == 16 else "int32_t"
        dense = [op for op in self._operations if isinstance(op, Dense)]
        weights: list[int] = []
        for operation in self._operations:
            if isinstance(operation, Dense):
                weights += operation.weights.reshape(-1).tolist()
            elif isinstance(operation, Lookup):
                weights += operation.table.tolist()
        parts = []
        if weights:
            parts.append(array(f"static const int8_t weights[{len(weights)}]", weights))
        if dense:
            biases = [int_literal(bias) for op in dense for bias in folded_bias(self._net, op)]
            parts.append(array(f"static const {sums} biases[{len(biases)}]", biases))
        if self._per_unit:
            factors = [value for op in dense for value in self._multipliers(op)]
            shifts = [value for op in dense for value in op.shift.tolist()]
            parts.append(array(f"static const int32_t factors[{len(factors)}]", factors))
            parts.append(array(f"static const int8_t shifts[{len(shifts)}]", shifts))
        return [f"{part}\n" for part in parts]

    def _multipliers(self, layer: Dense) -> list[int]:
        values = layer.multiplier if self._net.bits == 8 else reduced_multiplier(layer.multiplier)
        return [int(value) for value in values]

    def _layers(self) -> str:
        rows = [self._row(operation) for operation in self._operations]
        widest = max([self._size, *(max(row[1:5]) for row in rows)])
        count = "uint8_t" if widest < 256 else "uint16_t"
        lines = ",\n".join("    {" + ", ".join(map(str, row)) + "}" for row in rows)
        return (
            "typedef struct {\n    int32_t multiplier; /* of all units, unless they have their own */\n"
            f"    {count} units, inputs, source, other, target; /* sizes, and places in the array of codes */\n"
            "    uint8_t kind; /* 0 dense, 1 product, 2 table, 3 tanh, 4 logistic */\n"
            "    int8_t shift;\n    code zero, zero_source, zero_other, low, high;\n} layer;\n\n"
            f"static const layer layers[{len(rows)}] = {{\n{lines},\n}};\n"
        )

    def _row(self, operation: Operation) -> list[int]:
        activations = self._net.activations
        sources = sources_of(operation)
        target = activations[operation.target]
        first, last = sources[0], sources[-1]
        places = [self._places[first], self._places[last], self._places[operation.target]]
        zeros = [target.zero_point, activations[first].zero_point, activations[last].zero_point]
        if isinstance(operation, Dense):
            factor = (self._multipliers(operation)[0], int(operation.shift[0]))
            kind, inputs, ends = _DENSE, operation.weights.shape[1], (operation.low, operation.high)
        elif isinstance(operation, Multiply):
            factor, kind, inputs = (operation.multiplier, operation.shift), _MULTIPLY, 0
            ends = (operation.low, operation.high)
        elif isinstance(operation, Lookup):
            factor, kind, inputs, ends = (0, 0), _LOOKUP, 0, (target.code_min, target.code_max)
        else:
            factor = _curve_factor(operation)
            kind, inputs, ends = _TANH if operation.kind == "tanh" else _LOGISTIC, 0, (target.code_min, target.code_max)
        return [factor[0], target.size, inputs, *places, kind, factor[1], *zeros, *ends]

    def _function(self) -> str:
        kinds = {type(operation) for operation in self._operations}
        wide = self._net.bits == 16
        sums = "int64_t" if wide else "int32_t"
        lines = [f"code a[{self._size}];", "const layer *l = layers;", "int i, j;"]
        lines += ["const int8_t *weight = weights;"] if kinds & {Dense, Lookup} else []
        lines += [f"const {sums} *bias = biases;"] if Dense in kinds else []
        lines += ["int unit = 0;"] if self._per_unit else []
        size = self._net.activations[self._net.source].size
        lines += [f"for (i = 0; i < {size}; i++) {{", "    a[i] = in[i];", "}"]
        lines += [f"for (; l < layers + {len(self._operations)}; l++) {{"]
        if self._net.logit:
            place = self._places[self._net.logit]
            lines += [f"    if (l == layers + {self._head} && a[{place}] < least) {{", "        break;", "    }"]
        lines += ["    for (i = 0; i < l->units; i++) {", "        int32_t value;"]
        branches = [(kind, self._branch(kind, wide)) for kind in (Dense, Multiply, Lookup, Tanh16) if kind in kinds]
        for position, (kind, branch) in enumerate(branches):
            last = position == len(branches) - 1
            test = f"if (l->kind == {_KINDS[kind]}) " if not last else ""
            lines.append("        " + ("} else " if position else "") + test + "{" * (bool(test) or position > 0))
            lines += [f"            {line}" if len(branches) > 1 else f"        {line}" for line in branch]
        lines += ["        }"] if len(branches) > 1 else []
        lines = [line for line in lines if line.strip()]
        lines += ["        a[l->target + i] = (code)value;", "    }"]
        lines += ["    weight += l->kind == 2 ? 256 : 0;"] if Lookup in kinds else []
        lines += ["}"]
        answer, count = self._places[self._net.answer], self._net.activations[self._net.answer].size
        copy = [f"for (i = 0; i < {count}; i++) {{", f"    out[i] = a[{answer} + i];", "}"]
        if self._net.logit:
            logit = f"a[{self._places[self._net.logit]}]"
            lines += [f"if ({logit} >= least) {{", *(f"    {line}" for line in copy), "}", f"return {logit};"]
        else:
            lines += ["(void)least;", *copy, "return CODE_MAX;"]
        lines.insert(3, "(void)j;") if Dense not in kinds else None
        body = "\n".join(f"    {line}" for line in lines)
        return f"static int32_t run(const code *in, code *out, int32_t least)\n{{\n{body}\n}}\n"

    def _branch(self, kind: type, wide: bool) -> list[str]:
        clamp = [
            "value += l->zero;",
            "value = value < l->low ? l->low : value > l->high ? l->high : value;",
        ]
        if kind is Dense:
            factor = "factors[unit], shifts[unit]" if self._per_unit else "l->multiplier, l->shift"
            sums, function = ("int64_t", "requantise_wide") if wide else ("int32_t", "requantise")
            return [
                f"{sums} sum = *bias++;",
                "for (j = 0; j < l->inputs; j++) {",
                f"    sum += ({sums})*weight++ * a[l->source + j];",
                "}",
                f"value = {function}(sum, {factor});",
                *(["unit++;"] if self._per_unit else []),
                *clamp,
            ]
        if kind is Multiply:
            product = "(a[l->source + i] - l->zero_source) * (a[l->other + i] - l->zero_other)"
            return [f"value = requantise({product}, l->multiplier, l->shift);", *clamp]
        if kind is Lookup:
            return ["value = weight[a[l->source + i] + 128];"]
        return ["value = curve(a[l->source + i], l->multiplier, l->shift, l->kind == 3);"]


_KINDS = {Dense: _DENSE, Multiply: _MULTIPLY, Lookup: _LOOKUP, Tanh16: _TANH}


def _curve_factor(operation: Tanh16) -> tuple[int, int]:
    if operation.multiplier == 0:
        return 3 << operation.shift, 0
    return operation.multiplier, operation.shift
