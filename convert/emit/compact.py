"""Prints the network for the least flash: one loop nest that walks a table of layers.

Weights, biases and tables lie in the order in which they are used, so that a layer needs no pointers; factors are
stored once a layer
where all its units share them.
"""

from __future__ import annotations

import numpy as np

from axedge.convert.emit.compact_parts import ANY_SHIFT, DOT, LONG_DOT, MULTIPLY_SMALL, RIGHT_SHIFT
from axedge.convert.emit.loops import MULTIPLY, SIGMOID, folded_bias, sum_names, wide_multiply
from axedge.convert.emit.names import array, int_literal
from axedge.convert.emit.primitives import used_primitives
from axedge.convert.fixedpoint import reduced_multiplier
from axedge.convert.qnet import Dense, Lookup, Multiply, Operation, QNet, Tanh16, sources_of

_DENSE, _MULTIPLY, _LOOKUP, _TANH, _LOGISTIC = range(5)

#: For clang-tidy, which does not follow the table of layers.
_WRITTEN = "/* NOLINT: an earlier layer wrote it */"

#: Products in a network from which that is worth its flash.
LONG_PRODUCTS = 256

#: Columns of the table of layers, with their types; a factor's `shift` is TFLM's, or -1 - shift where all shift right.
_COLUMNS = {
    "multiplier": "int32_t",
    "units": "{count}",
    "inputs": "{count}",
    "source": "{count}",
    "other": "{count}",
    "target": "{count}",
    "kind": "uint8_t",
    "shift": "int8_t",
    "zero": "code",
    "zero_source": "code",
    "zero_other": "code",
    "low": "code",
    "high": "code",
}
_COUNTS = ("units", "inputs", "source", "other", "target")

_EVERY = (Dense, Multiply, Lookup, Tanh16)
_SCALED = (Dense, Multiply)

#: Which operations read a column; where they all agree it is a literal.
_USED_BY = dict.fromkeys(_COLUMNS, _EVERY) | {
    "inputs": (Dense,),
    "other": (Multiply,),
    "zero": _SCALED,
    "zero_source": (Multiply,),
    "zero_other": (Multiply,),
    "low": _SCALED,
    "high": _SCALED,
    "multiplier": (Dense, Multiply, Tanh16),
    "shift": (Dense, Multiply, Tanh16),
}


class CompactPrinter:
    """Prints one network."""

    def __init__(self, net: QNet) -> None:
        self._net = net
        head = net.needed_for(net.logit) if net.logit else ()
        tail = tuple(operation for operation in net.needed_for(net.answer) if operation not in head)
        self._operations = (*head, *tail)
        self._head = len(head)
        self._places = self._place()
        self._same: dict[str, str] = {}
        self._per_unit = any(
            isinstance(op, Dense) and len({*zip(op.multiplier.tolist(), op.shift.tolist(), strict=True)}) > 1
            for op in self._operations
        )

    def text(self) -> str:
        """Return tables and `run`."""
        layers = self._layers()
        function = self._function()
        helpers = [
            text
            for name, text in (
                ("dot(", self._dot()),
                ("requantise(", self._requantise()),
                ("requantise_wide(", wide_multiply(self._net)),
                ("curve(", SIGMOID),
            )
            if name in function
        ]
        return "\n".join([*helpers, *self._tables(), layers, function])

    def _dot(self) -> str:
        wide, sums = self._net.bits == 16, sum_names(self._net)["sum"]
        products = sum(op.weights.size for op in self._operations if isinstance(op, Dense))
        if wide or products < LONG_PRODUCTS:
            return DOT.format(sum=sums)
        helpers = used_primitives("dsp.inc", LONG_DOT)
        return f"#if defined(__ARM_FEATURE_DSP) && !defined(__ARM_FEATURE_MVE)\n{helpers}#endif\n\n{LONG_DOT}"

    def _requantise(self) -> str:
        if not self._small_sums():
            return MULTIPLY
        before, after = RIGHT_SHIFT if self._all_right() else ANY_SHIFT
        return MULTIPLY_SMALL.replace("@BEFORE@", before).replace("@AFTER@", after)

    def _all_right(self) -> bool:
        """Whether every factor of an 8-bit network shifts right."""
        shifts = [int(shift) for op in self._operations if isinstance(op, Dense) for shift in op.shift]
        shifts += [op.shift for op in self._operations if isinstance(op, Multiply)]
        return self._net.bits == 8 and max(shifts, default=0) < 0 and self._small_sums()

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
        sums = sum_names(self._net)["sum"]
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
            shifts = [-1 - value if self._all_right() else value for op in dense for value in op.shift.tolist()]
            parts.append(array(f"static const int32_t factors[{len(factors)}]", factors))
            parts.append(array(f"static const int8_t shifts[{len(shifts)}]", shifts))
        return [f"{part}\n" for part in parts]

    def _multipliers(self, layer: Dense) -> list[int]:
        values = layer.multiplier if self._net.bits == 8 else reduced_multiplier(layer.multiplier)
        return [int(value) for value in values]

    def _layers(self) -> str:
        """Return the table of layers: the columns in which they differ."""
        rows = [self._row(operation) for operation in self._operations]
        for column, uses in _USED_BY.items():
            if column == "units":
                continue
            values = {row[column] for row, op in zip(rows, self._operations, strict=True) if isinstance(op, uses)}
            if len(values) < 2:
                self._same[column] = int_literal(values.pop()) if values else "0"
        widest = max([self._size, *(max(row[column] for column in _COUNTS) for row in rows)])
        count = "uint8_t" if widest < 256 else "uint16_t"
        fields = {column: kind.format(count=count) for column, kind in _COLUMNS.items() if column not in self._same}
        lines = ",\n".join("    {" + ", ".join(int_literal(row[name]) for name in fields) + "}" for row in rows)
        declared = "".join(f"    {kind} {name};\n" for name, kind in fields.items())
        return (
            "/* Sizes, and places in the array of codes; the factor is all units', unless they have their own. */\n"
            f"typedef struct {{\n{declared}}} layer;\n\n"
            f"static const layer layers[{len(rows)}] = {{\n{lines},\n}};\n"
        )

    def _field(self, column: str) -> str:
        return self._same.get(column, f"l->{column}")

    def _row(self, operation: Operation) -> dict[str, int]:
        activations = self._net.activations
        sources = sources_of(operation)
        target = activations[operation.target]
        first, last = sources[0], sources[-1]
        row = {
            "units": target.size,
            "inputs": 0,
            "source": self._places[first],
            "other": self._places[last],
            "target": self._places[operation.target],
            "zero": target.zero_point,
            "zero_source": activations[first].zero_point,
            "zero_other": activations[last].zero_point,
            "low": target.code_min,
            "high": target.code_max,
        }
        if isinstance(operation, Dense | Multiply):
            row |= {"low": operation.low, "high": operation.high}
        if isinstance(operation, Dense):
            factor, shift = self._multipliers(operation)[0], int(operation.shift[0])
            kind, row["inputs"] = _DENSE, operation.weights.shape[1]
        elif isinstance(operation, Multiply):
            factor, shift, kind = operation.multiplier, operation.shift, _MULTIPLY
        elif isinstance(operation, Lookup):
            factor, shift, kind = 0, 0, _LOOKUP
        else:
            (factor, shift), kind = _curve_factor(operation), _TANH if operation.kind == "tanh" else _LOGISTIC
        shift = -1 - shift if self._all_right() and isinstance(operation, Dense | Multiply) else shift
        return row | {"multiplier": factor, "shift": shift, "kind": kind}

    def _function(self) -> str:
        kinds = {type(operation) for operation in self._operations}
        wide = self._net.bits == 16
        sums = sum_names(self._net)["sum"]
        lines = [f"code a[{self._size}];", "const layer *l;", "int i;"]
        lines += ["const int8_t *weight = weights;"] if kinds & {Dense, Lookup} else []
        lines += [f"const {sums} *bias = biases;"] if Dense in kinds else []
        lines += ["int unit = 0;"] if self._per_unit else []
        size = self._net.activations[self._net.source].size
        lines += [f"for (i = 0; i < {size}; i++) {{", "    a[i] = in[i];", "}"]
        lines += [f"for (l = layers; l < layers + {len(self._operations)}; l++) {{"]
        lines += [f"    const code *from = a + {self._field('source')};"]
        lines += [f"    const code *other = a + {self._field('other')};"] if Multiply in kinds else []
        lines += [f"    code *to = a + {self._field('target')};"]
        if self._net.logit:
            test = f"l == layers + {self._head} && a[{self._places[self._net.logit]}] < least"
            lines += [f"    if ({test}) {{ {_WRITTEN}"]
            lines += ["        break;", "    }"]
        lines += [f"    for (i = {self._field('units')}; i > 0; i--) {{"]
        lines += [f"        {line}" for line in self._element(kinds, wide)]
        lines += ["        *to++ = (code)value;", "    }"]
        lines += [f"    weight += {self._field('kind')} == {_LOOKUP} ? 256 : 0;"] if Lookup in kinds else []
        lines += ["}"]
        answer, count = self._places[self._net.answer], self._net.activations[self._net.answer].size
        copy = [f"for (i = 0; i < {count}; i++) {{", f"    out[i] = a[{answer} + i];", "}"]
        if self._net.logit:
            logit = f"a[{self._places[self._net.logit]}]"
            lines += [f"if ({logit} >= least) {{", *(f"    {line}" for line in copy), "}", f"return {logit};"]
        else:
            lines += ["(void)least;", *copy, "return CODE_MAX;"]
        body = "\n".join(f"    {line}" for line in lines)
        return f"static int32_t run(const code *in, code *out, int32_t least)\n{{\n{body}\n}}\n"

    def _element(self, kinds: set[type], wide: bool) -> list[str]:
        """Return what computes `value`, an element of a layer.

        The kinds of an 8-bit network that end in a requantisation share it.
        """
        branches = [(kind, self._branch(kind, wide)) for kind in (Dense, Multiply, Lookup, Tanh16) if kind in kinds]
        scaled = [kind for kind, _ in branches if kind in (Dense, Multiply)]
        lines = ["int32_t value;"]
        if self._per_unit and not wide:
            lines += [f"int32_t factor = {self._field('multiplier')};", f"int shift = {self._field('shift')};"]
        inner = self._chosen([(kind, branch) for kind, branch in branches if kind in scaled])
        factor = "factor, shift" if self._per_unit else self._factor()
        if scaled and not wide:
            inner.append(f"value = requantise(value, {factor});")
        if scaled:
            low, high = self._field("low"), self._field("high")
            inner += [f"value += {self._field('zero')};"]
            inner += [f"value = value < {low} ? {low} : value > {high} ? {high} : value;"]
        others = [(kind, branch) for kind, branch in branches if kind not in scaled]
        if not others:
            return [*lines, *inner]
        tested = [(f"{self._field('kind')} {_KINDS[kind]}", branch) for kind, branch in others]
        for place, (test, branch) in enumerate(tested):
            is_last = place == len(tested) - 1 and not scaled
            opening = f"if ({test}) {{" if not is_last else "{"
            lines += [("} else " if place else "") + opening, *(f"    {line}" for line in branch)]
        if scaled:
            lines += ["} else {", *(f"    {line}" for line in inner)]
        return [*lines, "}"]

    def _branch(self, kind: type, wide: bool) -> list[str]:
        if kind is Dense:
            sums = sum_names(self._net)["sum"]
            inputs, read = self._field("inputs"), sum_names(self._net)["read"]
            lines = [f"const {sums} sum = dot(weight, from, {inputs}, {read}(bias, 0));"]
            lines += ["bias++;", f"weight += {inputs};"]
            own = "FLASH_I32(factors, unit), FLASH_I8(shifts, unit)"
            if wide:
                lines.append(f"value = requantise_wide(sum, {own if self._per_unit else self._factor()});")
            elif self._per_unit:
                lines += ["value = sum;", "factor = FLASH_I32(factors, unit);", "shift = FLASH_I8(shifts, unit);"]
            else:
                lines.append("value = sum;")
            return [*lines, *(["unit++;"] if self._per_unit else [])]
        if kind is Multiply:
            left, right = self._field("zero_source"), self._field("zero_other")
            product = f"((int32_t)*from++ - ({left})) * (*other++ - ({right}))"
            value = f"requantise({product}, {self._factor()})" if wide else product
            return [f"value = {value}; {_WRITTEN}"]
        if kind is Lookup:
            return ["value = FLASH_I8(weight, *from++ + 128);"]
        return [f"value = curve(*from++, {self._factor()}, {self._field('kind')} == {_TANH});"]

    def _chosen(self, branches: list[tuple[type, list[str]]]) -> list[str]:
        """Return C that takes the branch of the layer's kind, the last one where no other fits."""
        if len(branches) < 2:
            return [line for _, branch in branches for line in branch]
        (_, first), (_, last) = branches
        return [
            f"if ({self._field('kind')} == {_DENSE}) {{",
            *(f"    {line}" for line in first),
            "} else {",
            *(f"    {line}" for line in last),
            "}",
        ]

    def _factor(self) -> str:
        return f"{self._field('multiplier')}, {self._field('shift')}"


#: How a kind that ends in no requantisation is told from the others.
_KINDS = {Lookup: f"== {_LOOKUP}", Tanh16: f">= {_TANH}"}


def _curve_factor(operation: Tanh16) -> tuple[int, int]:
    if operation.multiplier == 0:
        return 3 << operation.shift, 0
    return operation.multiplier, operation.shift
