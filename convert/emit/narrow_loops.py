"""Loops for the large layers of a network on cores without a long multiplication.

Codes and weights are unsigned bytes (plus 128), because Thumb-1 loads an unsigned byte at an offset in one instruction
and a signed one
in two; 128 times the sum of the codes is taken off again. Each round computes two units, so that every code is loaded
once for both.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from axedge.convert.emit.clamp import Clamp
from axedge.convert.emit.domain import Staircase, requantiser, staircase
from axedge.convert.emit.grouping import common_forms, runs
from axedge.convert.emit.names import array, int_literal
from axedge.convert.emit.narrow import Held, NarrowPrinter, narrow_product, narrow_value, plus
from axedge.convert.emit.narrow_forms import NarrowForm, alike, narrow_forms
from axedge.convert.emit.program import producer
from axedge.convert.qnet import Dense, Lookup, Multiply, Operation, QNet, Tanh16, sources_of

#: Bytes of flash that one instruction a call is worth.
WORTH = {"speed": 6.0, "balanced": 1.0, "size": 0.1}

_LEAST_ROUNDS = 4
_POOL = 6
_LANES = ("a", "b")


class LoopingPrinter(NarrowPrinter):
    """Prints loops where they save much flash for few instructions, else straight code."""

    def __init__(self, net: QNet, optimize: str) -> None:
        super().__init__(net)
        self._worth = WORTH[optimize]
        self._arrays: dict[str, str] = {}
        self._orders: dict[str, list[int | None]] = {}
        self._chosen: dict[str, list[NarrowForm]] = {}
        self._hoisted: list[str] = []
        self._shades: set[str] = set()

    def _stages(self, names: tuple[str, ...]) -> None:
        for name in names:
            if self._in_a_loop(name):
                self._loop(name)
            else:
                super()._stages((name,))

    def _in_a_loop(self, name: str) -> bool:
        chain = self._chain(name)
        size = self._net.activations[name].size
        if size < _LEAST_ROUNDS or any(isinstance(op, Tanh16) for op in chain):
            return False
        inputs = [op.weights.shape[1] for op in chain if isinstance(op, Dense)]
        straight = sum(7 * count + 26 for count in inputs) + 26 * (len(chain) - len(inputs))
        penalty = sum(count // 3 + 8 for count in inputs)
        return straight * (size - 2) - sum(inputs) * size > self._worth * penalty * size

    def _chain(self, name: str) -> list[Operation]:
        """Return the operations that are computed together for an element of a stage."""
        operation = producer(self._net, name)
        if operation is None or isinstance(operation, Dense):
            return [operation] if operation else []
        sources = [each for each in sources_of(operation) if (each, 0) not in self._held]
        return [*(op for each in sources for op in self._chain(each)), operation]

    def _loop(self, name: str) -> None:
        chain = self._chain(name)
        for operation in chain:
            if isinstance(operation, Dense | Multiply):
                self._chosen[operation.target] = self._common(operation)
        size = self._net.activations[name].size
        chosen = [self._chosen[op.target] for op in chain if op.target in self._chosen]
        groups = runs([tuple(forms[index].signature for forms in chosen) for index in range(size)])
        order: list[int | None] = []
        for group in groups:
            order += [*group, *[None] * (len(group) % 2)]
        layers = [op for op in chain if isinstance(op, Dense)]
        fused = min(layers, key=lambda layer: layer.weights.shape[1]) if layers else None
        for operation in chain:
            if isinstance(operation, Multiply):
                for source in sources_of(operation):
                    if (source, 0) not in self._held and fused not in self._chain(source):
                        self._print_loops(source, order, groups)
        self._print_loops(name, order, groups)

    def _common(self, operation: Dense | Multiply) -> list[NarrowForm]:
        """Return forms for all elements that need few loops."""
        cases = self._cases(operation)
        free = isinstance(operation, Dense)
        zero = self._net.activations[operation.target].zero_point
        own = [narrow_forms(stairs, *factor, zero, self._clamps(operation), free) for stairs, factor in cases]
        popular = [form for form, _ in Counter(forms[0] for forms in own if not forms[0].wide).most_common(_POOL)]
        candidates = []
        for (stairs, (_, shift)), forms in zip(cases, own, strict=True):
            shared = [form for form in (alike(each, stairs, shift, free) for each in popular) if form]
            candidates.append(sorted([*shared, *forms], key=lambda form: form.cost))
        return common_forms(candidates)

    def _cases(self, operation: Dense | Multiply) -> list[tuple[Staircase, tuple[int, int]]]:
        zero = self._net.activations[operation.target].zero_point
        if isinstance(operation, Dense):
            factors = list(zip(operation.multiplier.tolist(), operation.shift.tolist(), strict=True))
            domains = self._known.sums(operation)
        else:
            domains = self._known.products(operation)
            factors = [(operation.multiplier, operation.shift)] * len(domains)
        return [
            (staircase(domain, requantiser(*factor, zero), operation.low, operation.high), factor)
            for domain, factor in zip(domains, factors, strict=True)
        ]

    def _clamps(self, operation: Dense | Multiply) -> list[Clamp]:
        """Return clamps after which a value fits an unsigned byte: the code plus 128."""
        if operation.low == -128 and operation.high == 127:
            return [Clamp("unsigned", -128)]
        return [Clamp("range", -128, 8, operation.low + 128, operation.high + 128)]

    def _print_loops(self, name: str, order: list[int | None], groups: list[list[int]]) -> None:
        storage = self._storage(name, order)
        start = 0
        for group in groups:
            rounds = order[start : start + len(group) + len(group) % 2]
            outer, self._lines = self._lines, []
            values = self._values(name, rounds, start)
            self._say(*(f"{storage}[i + {lane}] = (uint8_t){values[lane].variable};" for lane in range(2)))
            body = [f"    {line}" for line in self._lines]
            head = f"for (int i = {start}; i < {start + len(rounds)}; i += 2) {{"
            self._lines = [*outer, *self._hoisted, head, *body, "}"]
            self._hoisted = []
            start += len(rounds)
        for place, index in enumerate(order):
            if index is not None:
                self._held[name, index] = Held(f"(int32_t){storage}[{place}]", -128)
        self._orders[name] = order

    def _storage(self, name: str, order: list[int | None]) -> str:
        """Return the array for a stage: that of a product's factor, written in place, or a new one."""
        operation = producer(self._net, name)
        operands = sources_of(operation) if isinstance(operation, Multiply | Lookup) else ()
        read_once = [each for each in operands if sum(each in sources_of(op) for op in self._net.operations) == 1]
        reused = [self._arrays[each] for each in read_once if each in self._arrays]
        if not reused:
            self._say(f"uint8_t {name}[{len(order)}];")
        self._arrays[name] = reused[0] if reused else name
        return self._arrays[name]

    def _values(self, name: str, rounds: list[int | None], start: int) -> list[Held]:
        """Print what computes the two elements of a round."""
        operation = producer(self._net, name)
        if name in self._arrays and (self._orders.get(name) is not None):
            return [Held(f"{self._arrays[name]}[i + {lane}]", -128) for lane in range(2)]
        if isinstance(operation, Dense):
            return self._two_units(operation, rounds, start)
        if isinstance(operation, Multiply):
            return self._two_products(operation, rounds, start)
        assert isinstance(operation, Lookup)
        table = f"{name}_table"
        self._tables.setdefault(table, array(f"static const int8_t {table}[256]", operation.table))
        indices = self._values(operation.source, rounds, start)
        for lane, held in zip(_LANES, indices, strict=True):
            code = f"FLASH_I8({table}, {plus(held.variable, 128 + held.offset)})"
            self._say(f"const int32_t {name}_{lane} = {code} + 128;")
        return [Held(f"{name}_{lane}", -128) for lane in _LANES]

    def _two_units(self, layer: Dense, rounds: list[int | None], start: int) -> list[Held]:
        name = layer.target
        codes, order = self._bytes(layer.source)
        weights = np.full((len(rounds), len(order)), 128, np.int64)
        for row, unit in enumerate(rounds):
            for column, index in enumerate(order):
                if unit is not None and index is not None:
                    weights[row, column] += layer.weights[unit, index]
        pairs = weights.reshape(-1, 2, len(order)).transpose(0, 2, 1).reshape(-1)
        table = f"{name}_weight{start or ''}"
        self._tables[table] = array(f"static const uint8_t {table}[{pairs.size}]", pairs)
        self._say("READ_AGAIN();", f"const uint8_t *{name}_w = {table} + {_counter(start)} * {len(order)};")
        columns = self._columns(name, rounds, start, [self._loop_bias(layer, unit) for unit in rounds])
        for lane, letter in enumerate(_LANES):
            self._say(f"int32_t {name}_{letter}_sum = {columns[lane]['bias']} - {self._shade(layer.source)};")
        for column in range(len(order)):
            for lane, letter in enumerate(_LANES):
                weight = f"FLASH_U8({name}_w, {2 * column + lane})"
                self._say(f"{name}_{letter}_sum += (int32_t)((unsigned){codes}[{column}] * {weight});")
        return self._two_values(name, rounds, columns)

    def _bytes(self, name: str) -> tuple[str, list[int | None]]:
        """Return an activation as an array of unsigned bytes (code plus 128), and its order."""
        if name not in self._arrays:
            size = self._net.activations[name].size
            held = [self._element(name, index) for index in range(size)] if producer(self._net, name) else []
            lines = [f"uint8_t {name}_u[{size}];"]
            if held:
                lines += [
                    f"{name}_u[{index}] = (uint8_t)({plus(each.variable, each.offset + 128)});"
                    for index, each in enumerate(held)
                ]
            else:
                lines += [f"for (int i = 0; i < {size}; i++) {{", f"    {name}_u[i] = (uint8_t)(in[i] + 128);", "}"]
            self._hoisted = [*self._hoisted, *lines]
            self._arrays[name], self._orders[name] = f"{name}_u", list(range(size))
            for index in range(size):
                self._held[name, index] = Held(f"(int32_t){name}_u[{index}]", -128)
        return self._arrays[name], self._orders[name]

    def _shade(self, name: str) -> str:
        """Return a variable that holds 128 times the sum of an array's bytes."""
        shade = f"{name}_shade"
        if shade not in self._shades:
            codes, order = self._bytes(name)
            self._hoisted = [
                *self._hoisted,
                f"int32_t {shade} = 0;",
                f"for (int i = 0; i < {len(order)}; i++) {{",
                f"    {shade} += {codes}[i] * 128;",
                "}",
            ]
            self._shades.add(shade)
        return shade

    def _loop_bias(self, layer: Dense, unit: int | None) -> int:
        if unit is None:
            return 0
        bias = int(layer.bias[unit]) + self._chosen[layer.target][unit].bias
        zero = self._net.activations[layer.source].zero_point
        return bias + (-128 - zero) * int(layer.weights[unit].astype(np.int64).sum())

    def _columns(self, name: str, rounds: list[int | None], start: int, biases: list[int]) -> list[dict[str, str]]:
        """Return, for both lanes, C for a round's constants: literals where all rounds agree, else out of a table."""
        forms = [self._chosen[name][unit if unit is not None else rounds[row - 1]] for row, unit in enumerate(rounds)]
        values = {"bias": biases}
        values |= {key: [getattr(form, key) for form in forms] for key in ("low", "high", "addend")}
        vary = [key for key, column in values.items() if len(set(column)) > 1]
        if vary:
            table = f"{name}_constant{start or ''}"
            rows = [int_literal(values[key][row]) for row in range(len(rounds)) for key in vary]
            self._tables[table] = array(f"static const int32_t {table}[{len(rows)}]", rows)
            self._say(f"const int32_t *{name}_c = {table} + {_counter(start)} * {len(vary)};")

        def constant(key: str, lane: int) -> str:
            place = lane * len(vary) + vary.index(key) if key in vary else 0
            return f"FLASH_I32({name}_c, {place})" if key in vary else int_literal(values[key][0])

        return [{key: constant(key, lane) for key in values} for lane in range(2)]

    def _two_values(self, name: str, rounds: list[int | None], columns: list[dict[str, str]]) -> list[Held]:
        form = self._chosen[name][next(unit for unit in rounds if unit is not None)]
        for lane, letter in enumerate(_LANES):
            total = f"{name}_{letter}_sum"
            low, high, addend = (columns[lane][key] for key in ("low", "high", "addend"))
            first = narrow_product(total, form.low) if low.isdigit() else f"{total} * {low}"
            second = narrow_product(total, form.high) if high.isdigit() else f"{total} * {high}"
            amount = form.addend if addend == int_literal(form.addend) else addend
            self._say(f"const int32_t {name}_{letter} = {narrow_value(total, form, first, second, amount)};")
        return [Held(f"{name}_{letter}", form.clamp.offset) for letter in _LANES]

    def _two_products(self, operation: Multiply, rounds: list[int | None], start: int) -> list[Held]:
        name = operation.target
        operands = [(each, self._values(each, rounds, start)) for each in sources_of(operation)]
        for lane, letter in enumerate(_LANES):
            left, right = (
                plus(held[lane].variable, held[lane].offset - self._net.activations[each].zero_point)
                for each, held in operands
            )
            self._say(f"const int32_t {name}_{letter}_sum = ({left}) * ({right});")
        columns = self._columns(name, rounds, start, [0] * len(rounds))
        return self._two_values(name, rounds, columns)


def _counter(start: int) -> str:
    return f"(i - {start})" if start else "i"
