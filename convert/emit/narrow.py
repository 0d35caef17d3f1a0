"""Prints the network for cores without a long multiplication (Cortex-M0, M0+, M1; any other runs it too).

Straight code, 32-bit arithmetic only; weights and factors are literals, requantisation is what narrow_forms.py finds.
Two units whose
sums fit 16 bits share one register and one multiplication an input.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from axedge.convert.emit.clamp import Clamp, clamp_choices
from axedge.convert.emit.domain import Knowledge, Staircase, requantiser, staircase
from axedge.convert.emit.loops import MULTIPLY
from axedge.convert.emit.names import array
from axedge.convert.emit.narrow_forms import NarrowForm, narrow_forms
from axedge.convert.emit.primitives import used_primitives
from axedge.convert.emit.program import NoForm, producer, schedule
from axedge.convert.emit.unused import mark_unused
from axedge.convert.qnet import Dense, Lookup, Multiply, QNet

_HALF_RANGE = 1 << 16


@dataclass(frozen=True)
class Held:
    """An element as the code holds it: the variable's value is the code minus `offset`."""

    variable: str
    offset: int


@dataclass(frozen=True)
class Sum:
    """A unit's sum.

    Attributes:
        form: what follows.
        low: smallest value, the form's bias included.
        high: largest value.
    """

    form: NarrowForm
    low: int
    high: int


class NarrowPrinter:
    """Prints one network of 8-bit activations."""

    def __init__(self, net: QNet) -> None:
        self._net = net
        self._known = Knowledge(net)
        self._lines: list[str] = []
        self._held: dict[tuple[str, int], Held] = {}
        self._sums: dict[str, list[Sum]] = {}
        self._summed: set[tuple[str, int]] = set()
        self._tables: dict[str, str] = {}

    def text(self) -> str:
        """Return primitives, tables and `run`.

        Raises:
            NoForm: a requantisation does not fit 32 bits.
        """
        net = self._net
        if net.bits != 8:
            raise NoForm(net.source)
        program = schedule(net)
        self._stages(program.head)
        logit = "CODE_MAX"
        if net.logit:
            logit = self._code(net.logit, 0)
            self._say(f"const int32_t safe = {logit};", "if (safe < least) {", "    return safe;", "}")
            logit = "safe"
        self._stages(program.tail)
        for index in range(net.activations[net.answer].size):
            self._say(f"out[{index}] = (code)({self._code(net.answer, index)});")
        self._say(*([] if net.logit else ["(void)least;"]), f"return {logit};")
        body = "\n".join(f"    {line}" for line in mark_unused(self._lines))
        function = f"static int32_t run(const code *in, code *out, int32_t least)\n{{\n{body}\n}}\n"
        helpers = [used_primitives("narrow.inc", function), *([MULTIPLY] if "requantise(" in function else [])]
        return "\n".join([*helpers, *self._tables.values(), function])

    def _say(self, *lines: str) -> None:
        self._lines += lines

    def _stages(self, names: tuple[str, ...]) -> None:
        for name in names:
            for index in range(self._net.activations[name].size):
                self._element(name, index)

    def _code(self, name: str, index: int) -> str:
        held = self._element(name, index)
        return plus(held.variable, held.offset)

    def _element(self, name: str, index: int) -> Held:
        """Return an element, computing it if it was not yet."""
        if (name, index) not in self._held:
            operation = producer(self._net, name)
            if operation is None:
                self._say(f"const int32_t {name}_{index} = in[{index}];")
                held = Held(f"{name}_{index}", 0)
            elif isinstance(operation, Dense):
                held = self._dense(operation, index)
            elif isinstance(operation, Multiply):
                held = self._multiply(operation, index)
            elif isinstance(operation, Lookup):
                held = self._lookup(operation, index)
            else:
                raise NoForm(name)
            self._held[name, index] = held
        return self._held[name, index]

    def _dense(self, layer: Dense, unit: int) -> Held:
        variable = f"{layer.target}_{unit}"
        if (layer.target, unit) not in self._summed:
            self._sum(layer, unit)
        return self._requantise(variable, f"{variable}_sum", self._planned(layer)[unit].form)

    def _planned(self, layer: Dense) -> list[Sum]:
        if layer.target not in self._sums:
            zero = self._net.activations[layer.target].zero_point
            sums = []
            for unit, domain in enumerate(self._known.sums(layer)):
                function = requantiser(int(layer.multiplier[unit]), int(layer.shift[unit]), zero)
                stairs = staircase(domain, function, layer.low, layer.high)
                form = self._form(stairs, layer, int(layer.multiplier[unit]), int(layer.shift[unit]), True)
                sums.append(Sum(form, domain.low + form.bias, domain.high + form.bias))
            self._sums[layer.target] = sums
        return self._sums[layer.target]

    def _form(
        self, stairs: Staircase, operation: Dense | Multiply, multiplier: int, shift: int, free_bias: bool
    ) -> NarrowForm:
        zero = self._net.activations[operation.target].zero_point
        readers = [op for op in self._net.operations if isinstance(op, Multiply)]
        wanted = (zero, -128) if any(operation.target in (op.left, op.right) for op in readers) else (-128,)
        if operation.target in (self._net.answer, self._net.logit):
            wanted = (0, -128)
        clamps = clamp_choices(stairs, operation.low, operation.high, wanted)
        clamps = [clamp for clamp in clamps if clamp.kind != "signed"]
        if stairs.bottom == stairs.top:
            return NarrowForm(0, 0, 0, 0, 0, stairs.bottom, 0, Clamp("none", 0))
        return narrow_forms(stairs, multiplier, shift, zero, clamps, free_bias)[0]

    def _sum(self, layer: Dense, unit: int) -> None:
        """Print a unit's sum, together with the next unit's where both fit one register."""
        sums = self._planned(layer)
        for index in range(layer.weights.shape[1]):
            self._element(layer.source, index)
        bias = self._bias(layer, unit)
        other = next((each for each in range(unit + 1, len(sums)) if self._may_share(layer, unit, each)), None)
        name = f"{layer.target}_{unit}_sum"
        self._summed.add((layer.target, unit))
        if other is None:
            self._say(f"const int32_t {name} = {self._terms(layer, unit, bias)};")
            return
        self._summed.add((layer.target, other))
        self._print_two(layer, unit, other)

    def _may_share(self, layer: Dense, unit: int, other: int) -> bool:
        sums = self._planned(layer)
        free = (layer.target, other) not in self._summed
        return free and all(
            each.low >= -_HALF_RANGE // 2 and each.high < _HALF_RANGE // 2 for each in (sums[unit], sums[other])
        )

    def _print_two(self, layer: Dense, first: int, second: int) -> None:
        both = f"{layer.target}_{first}_{second}"
        weights = layer.weights.astype(np.int64)
        start = (self._bias(layer, first) + (self._bias(layer, second) << 16)) % 2**32
        terms = [f"0x{start:08x}u"]
        for index in range(weights.shape[1]):
            packed = int(weights[first, index] + (weights[second, index] << 16)) % 2**32
            if packed:
                terms.append(f"times_two({self._held[layer.source, index].variable}, 0x{packed:08x}u)")
        self._say(
            f"const int32_t {both} = (int32_t)({' + '.join(terms)});",
            f"const int32_t {layer.target}_{first}_sum = (int16_t)({both} & 0xFFFF);",
            f"const int32_t {layer.target}_{second}_sum = ({both} - {layer.target}_{first}_sum) >> 16;",
        )

    def _bias(self, layer: Dense, unit: int) -> int:
        zero = self._net.activations[layer.source].zero_point
        bias = int(layer.bias[unit]) + self._planned(layer)[unit].form.bias
        for index, weight in enumerate(layer.weights[unit].tolist()):
            bias += weight * (self._held[layer.source, index].offset - zero)
        if not -(1 << 31) < bias < 1 << 31:
            raise NoForm(layer.target)
        return bias

    def _terms(self, layer: Dense, unit: int, bias: int) -> str:
        text = str(bias)
        for index, weight in enumerate(layer.weights[unit].tolist()):
            if weight:
                product = weighed(self._held[layer.source, index].variable, abs(weight))
                text += f" {'+' if weight > 0 else '-'} {product}"
        return text

    def _multiply(self, operation: Multiply, index: int) -> Held:
        zero = self._net.activations[operation.target].zero_point
        domain = self._known.products(operation)[index]
        function = requantiser(operation.multiplier, operation.shift, zero)
        stairs = staircase(domain, function, operation.low, operation.high)
        form = self._form(stairs, operation, operation.multiplier, operation.shift, False)
        factors = []
        for name in (operation.left, operation.right):
            held = self._element(name, index)
            factors.append(f"({plus(held.variable, held.offset - self._net.activations[name].zero_point)})")
        variable = f"{operation.target}_{index}"
        self._say(f"const int32_t {variable}_sum = {factors[0]} * {factors[1]};")
        return self._requantise(variable, f"{variable}_sum", form)

    def _lookup(self, operation: Lookup, index: int) -> Held:
        held = self._element(operation.source, index)
        name = f"{operation.target}_table"
        self._tables.setdefault(name, array(f"static const int8_t {name}[256]", operation.table))
        variable = f"{operation.target}_{index}"
        self._say(f"const int32_t {variable} = FLASH_I8({name}, {plus(held.variable, 128 + held.offset)});")
        return Held(variable, 0)

    def _requantise(self, name: str, total: str, form: NarrowForm) -> Held:
        first, second = narrow_product(total, form.low), narrow_product(total, form.high)
        self._say(f"const int32_t {name} = {narrow_value(total, form, first, second, form.addend)};")
        if form.low == 0 and form.high == 0 and not form.wide:
            self._say(f"(void){total};")
        return Held(name, form.clamp.offset)


def narrow_value(total: str, form: NarrowForm, first: str, second: str, addend: int | str) -> str:
    """Return C that requantises a sum.

    Args:
        total: the sum's variable.
        form: what to compute.
        first: the product with the form's low factor.
        second: the product with its high factor.
        addend: the form's, or a variable.
    """
    value = f"shifted({first}, {form.split})" if form.split else first
    if form.high:
        value = f"{second} + {value}"
    if form.wide:
        multiplier, shift, zero = form.wide
        value = plus(f"requantise({total}, {multiplier}, {shift})", zero)
    elif form.low == 0 and form.high == 0:
        value = "0"
    if form.sign > 0:
        value = f"{value} - (int32_t)((uint32_t){total} >> {form.sign})"
    elif form.sign < 0:
        value = f"{value} + ({total} >> 31) * {1 << -form.sign}"
    if form.wide:
        addend = 0
    value = plus(value, addend) if isinstance(addend, int) else f"{value} + {addend}"
    if form.shift:
        value = f"shifted({value}, {form.shift})"
    clamp = form.clamp
    if clamp.kind == "unsigned":
        return f"clamp_unsigned({value}, {(1 << clamp.bits) - 1})"
    if clamp.kind == "range":
        return f"clamp({value}, {clamp.low}, {clamp.high})"
    return value


def weighed(variable: str, weight: int) -> str:
    """Return C for the product of a code, or a code's distance from another, with a positive weight."""
    return narrow_product(variable, weight).replace("times(", "times_weight(")


def narrow_product(variable: str, factor: int) -> str:
    """Return C for the product with a positive number; a power of two is a shift."""
    if factor & (factor - 1) == 0:
        return f"{variable} * {factor}" if factor > 1 else variable
    return f"(int32_t)times({variable}, {factor}u)"


def plus(expression: str, amount: int) -> str:
    """Return C for an expression plus a number."""
    return f"{expression} {'+' if amount > 0 else '-'} {abs(amount)}" if amount else expression
