"""Prints the network for cores with Arm's DSP extension (Cortex-M4, M7, M33, M55).

Two codes travel in one register, SMLAD multiplies two pairs, requantisation is what dsp_forms.py finds. A stage is
straight code
or, where that saves much flash for few instructions, a loop over its elements. Every primitive is also given in
portable C, so
that the code gives the same bits, only slower, on any other core.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from axedge.convert.emit.dsp_forms import DspForm
from axedge.convert.emit.dsp_plan import DspPlanner
from axedge.convert.emit.grouping import common_forms, runs
from axedge.convert.emit.loops import SIGMOID, curve_call
from axedge.convert.emit.names import array, int_literal
from axedge.convert.emit.primitives import used_primitives
from axedge.convert.emit.program import NoForm, producer, schedule
from axedge.convert.emit.stream import Stream
from axedge.convert.emit.unused import mark_unused
from axedge.convert.qnet import Dense, Lookup, Multiply, Operation, QNet, Tanh16, sources_of

#: Bytes of flash that one instruction a call is worth.
WORTH = {"speed": 12.0, "balanced": 1.0, "size": 0.1}

#: What a loop costs a round: store, count, compare, branch, and a load in the loop that reads it.
_LOOP_INSTRUCTIONS = 5
_LEAST_ROUNDS = 4

#: Registers that can hold pairs of codes throughout a layer.
_PAIR_REGISTERS = 9


@dataclass(frozen=True)
class Held:
    """An element as the code holds it: the expression's value is the code minus `offset`."""

    expression: str
    offset: int


@dataclass(frozen=True)
class Pair:
    """Two elements of an activation in the halves of a register; `high` is None where there is none."""

    expression: str
    low: int
    high: int | None


class DspPrinter:
    """Prints one network."""

    def __init__(self, net: QNet, optimize: str) -> None:
        self._net = net
        self._worth = WORTH[optimize]
        self._planner = DspPlanner(net)
        self._stream = Stream()
        self._lines: list[str] = []
        self._held: dict[tuple[str, int], Held] = {}
        self._pairs: dict[str, list[Pair]] = {}
        self._arrays: dict[str, str] = {}
        self._chosen: dict[str, list[DspForm]] = {}
        self._looping = False
        self._constants: dict[str, str] = {}
        self._tables: dict[str, str] = {}

    def text(self) -> str:
        """Return primitives, tables, constants and `run`.

        Raises:
            NoForm: a sum leaves 32 bits.
        """
        net = self._net
        program = schedule(net)
        self._inputs()
        for name in program.head:
            self._stage(name)
        logit = "CODE_MAX"
        if net.logit:
            logit = self._element(net.logit, 0).expression
            self._say(f"if ({logit} < least) {{", f"    return {logit};", "}")
        for name in program.tail:
            self._stage(name)
        for index in range(net.activations[net.answer].size):
            self._say(f"out[{index}] = (code){self._element(net.answer, index).expression};")
        self._stream.end(self._lines)
        self._say(*([] if net.logit else ["(void)least;"]), f"return {logit};")
        constants = [self._stream.definition(), ""] if self._stream else []
        function = self._function()
        return "\n".join([used_primitives("dsp.inc", function), *self._tables.values(), *constants, function])

    def _function(self) -> str:
        start = [*(["const uint32_t *k = hidden(words);"] if self._stream else []), *self._constants.values()]
        body = "\n".join(f"    {line}" for line in mark_unused([*start, *self._lines]))
        return f"static int32_t run(const code *in, code *out, int32_t least)\n{{\n{body}\n}}\n"

    def _say(self, *lines: str) -> None:
        self._lines += lines

    def _inputs(self) -> None:
        source = self._net.activations[self._net.source]
        size, name = source.size, source.name
        for index in range(size):
            self._held[name, index] = Held(f"in[{index}]", 0)
        read = any(isinstance(op, Dense) and op.source == name for op in self._net.operations)
        pairs = self._pairs[name] = []
        done = 0
        while read and self._net.bits == 8 and size - done >= 4:
            word = f"{name}_{done}"
            self._say(f"const uint32_t {word} = load_word(in + {done});")
            for half, (first, second) in (("even", (done, done + 2)), ("odd", (done + 1, done + 3))):
                self._say(f"const int32_t {word}_{half} = {half}_bytes({word});")
                pairs.append(Pair(f"{word}_{half}", first, second))
            done += 4
        while read and size - done >= 2:
            value = f"pack(in[{done}], in[{done + 1}])" if self._net.bits == 8 else f"(int32_t)load_word(in + {done})"
            self._say(f"const int32_t {name}_{done} = {value};")
            pairs.append(Pair(f"{name}_{done}", done, done + 1))
            done += 2
        if read and done < size:
            self._say(f"const int32_t {name}_{done} = in[{done}];")
            pairs.append(Pair(f"{name}_{done}", done, None))

    def _stage(self, name: str) -> None:
        """Complete an activation, in registers or in an array."""
        if self._in_a_loop(name):
            self._loop(name)
            return
        packed = any(isinstance(op, Dense) and op.source == name for op in self._net.operations)
        size = self._net.activations[name].size
        for index in range(size):
            held = self._element(name, index)
            if packed and index % 2:
                pair = f"{name}_{index - 1}_{index}"
                self._say(f"const int32_t {pair} = pack({self._held[name, index - 1].expression}, {held.expression});")
                self._pairs.setdefault(name, []).append(Pair(pair, index - 1, index))
            elif packed and index == size - 1:
                self._pairs.setdefault(name, []).append(Pair(held.expression, index, None))

    def _element(self, name: str, index: int) -> Held:
        """Return an element, computing it in straight code if it was not yet."""
        if (name, index) not in self._held:
            self._held[name, index] = self._compute(name, [index], f"{name}_{index}")
        return self._held[name, index]

    def _compute(self, name: str, rounds: Sequence[int], variable: str) -> Held:
        """Print what computes the elements `rounds` of an activation: one of them, or one a round of a loop."""
        operation = producer(self._net, name)
        if isinstance(operation, Dense):
            return self._dense(operation, rounds, variable)
        if isinstance(operation, Multiply):
            return self._multiply(operation, rounds, variable)
        if isinstance(operation, Lookup):
            return self._lookup(operation, rounds, variable)
        if isinstance(operation, Tanh16):
            return self._curve(operation, rounds, variable)
        raise ValueError(f"nothing computes {name}")

    def _operand(self, name: str, rounds: Sequence[int], variable: str) -> Held:
        if len(rounds) == 1 and not self._looping:
            return self._element(name, rounds[0])
        if name in self._arrays:
            self._say(f"const int32_t {variable} = {self._arrays[name]}.half[i];")
            return Held(variable, self._held[name, rounds[0]].offset)
        return self._compute(name, rounds, variable)

    def _dense(self, layer: Dense, rounds: Sequence[int], variable: str) -> Held:
        forms = [self._form(layer.target, unit) for unit in rounds]
        biases = [self._bias(layer, unit, each) for unit, each in zip(rounds, forms, strict=True)]
        total = f"{variable}_sum"
        pairs = self._pairs[layer.source]
        if not pairs[0].expression:
            self._say(f"const int32_t *{variable}_from = {self._arrays[layer.source]}.word;")
        self._say(f"int32_t {total} = {self._word(biases)};")
        for place, pair in enumerate(pairs):
            words = [_both(layer, unit, pair, each.scale) for unit, each in zip(rounds, forms, strict=True)]
            codes = pair.expression or self._read_array(variable, place)
            if any(words):
                self._say(f"{total} = smlad({codes}, {self._word(words)}, {total});")
        if not pairs[0].expression and len(pairs) % 2:
            self._say(f"(void){variable}_p{len(pairs)};")
        multiplier = self._word([each.multiplier for each in forms])
        return self._requantise(variable, total, multiplier, forms[0])

    def _read_array(self, variable: str, place: int) -> str:
        """Return a pair of an array, printing a load for every second one."""
        if place % 2 == 0:
            self._say(f"LOAD_DATA({variable}_p{place}, {variable}_p{place + 1}, {variable}_from);")
        return f"{variable}_p{place}"

    def _bias(self, layer: Dense, unit: int, form: DspForm) -> int:
        zero = self._net.activations[layer.source].zero_point
        bias = int(layer.bias[unit])
        for index, weight in enumerate(layer.weights[unit].tolist()):
            bias += weight * (self._held[layer.source, index].offset - zero)
        value = (bias << form.scale) + form.bias
        if not -(1 << 31) <= value < 1 << 31:
            raise NoForm(layer.target)
        return value

    def _form(self, name: str, index: int) -> DspForm:
        if name in self._chosen:
            return self._chosen[name][index]
        return self._planner.forms(producer(self._net, name))[index][0]

    def _multiply(self, operation: Multiply, rounds: Sequence[int], variable: str) -> Held:
        form = self._form(operation.target, rounds[0])
        factors = []
        for name, suffix in ((operation.left, "left"), (operation.right, "right")):
            held = self._operand(name, rounds, f"{variable}_{suffix}")
            factors.append((held.expression, held.offset - self._net.activations[name].zero_point))
        # The scaling goes to a factor whose zero point must be taken off anyway: one instruction does both.
        factors.sort(key=lambda factor: factor[1] == 0)
        (left, displaced), (right, other) = factors
        if form.scale and displaced:
            amount = self._constant(displaced << form.scale)
            self._say(f"SHIFT_ADD({variable}_scaled, {left}, {form.scale}, {amount});")
            left = f"{variable}_scaled"
        else:
            left = _plus(f"{left} * {1 << form.scale}" if form.scale else left, displaced)
        return self._requantise(variable, f"({left}) * ({_plus(right, other)})", int_literal(form.multiplier), form)

    def _constant(self, value: int) -> str:
        """Return a name for a number that shall stay in a register."""
        name = f"n{value}".replace("-", "m")
        self._constants.setdefault(name, f"const int32_t {name} = constant({value});")
        return name

    def _requantise(self, name: str, total: str, multiplier: str, form: DspForm) -> Held:
        if form.kind.startswith("wide"):
            return self._requantise_wide(name, total, multiplier, form)
        if form.sign and total != f"{name}_sum":
            self._say(f"const int32_t {name}_sum = {total};")
            total = f"{name}_sum"
        high = f"{'smmlar' if form.rounded else 'smmla'}({total}, {multiplier}, {int_literal(form.constant)})"
        if form.constant == 0:
            high = f"{'smmulr' if form.rounded else 'smmul'}({total}, {multiplier})"
        if form.sign:
            high = f"add_sign({high}, {name}_sum)"
        return self._clamp(name, high, form)

    def _requantise_wide(self, name: str, total: str, multiplier: str, form: DspForm) -> Held:
        if form.kind == "wide16":
            value = f"requantise_wide({total}, {multiplier}, {form.shift})"
        else:
            value = f"requantise({total}, {multiplier}, {form.scale}, INT64_C({form.constant}), {form.shift})"
        clamp = form.clamp
        if clamp.kind != "none":
            half = 1 << (clamp.bits - 1)
            ends = {"signed": (-half, half - 1), "unsigned": (0, 2 * half - 1), "range": (clamp.low, clamp.high)}
            value = "clamp({}, {}, {})".format(value, *ends[clamp.kind])
        self._say(f"const int32_t {name} = {value};")
        return Held(name, clamp.offset)

    def _clamp(self, name: str, high: str, form: DspForm) -> Held:
        clamp, shift = form.clamp, form.shift
        if clamp.kind in ("signed", "unsigned"):
            macro = "SSAT" if clamp.kind == "signed" else "USAT"
            self._say(f"{macro}({name}, {clamp.bits}, {high}, {'asr' if shift else 'lsl'}, {shift});")
            return Held(name, clamp.offset)
        value = f"{high} >> {shift}" if shift else high
        if clamp.kind == "range":
            value = f"clamp({value}, {clamp.low}, {clamp.high})"
        self._say(f"const int32_t {name} = {value};")
        return Held(name, clamp.offset)

    def _lookup(self, operation: Lookup, rounds: Sequence[int], variable: str) -> Held:
        held = self._operand(operation.source, rounds, f"{variable}_index")
        table = f"{operation.target}_table"
        self._tables.setdefault(table, array(f"static const int8_t {table}[256]", operation.table))
        self._say(f"const int32_t {variable} = {table}[{_plus(held.expression, 128 + held.offset)}];")
        return Held(variable, 0)

    def _curve(self, operation: Tanh16, rounds: Sequence[int], variable: str) -> Held:
        held = self._operand(operation.source, rounds, f"{variable}_argument")
        self._tables.setdefault("sigmoid", SIGMOID)
        self._say(f"const int32_t {variable} = {curve_call(operation, held.expression)};")
        return Held(variable, 0)

    def _word(self, values: Sequence[int]) -> str:
        return self._stream.word(values, self._lines)

    def _in_a_loop(self, name: str) -> bool:
        """Whether a loop saves more flash than its instructions are worth."""
        chain = self._chain(name)
        size = self._net.activations[name].size
        if size < _LEAST_ROUNDS or any(isinstance(op, Tanh16) for op in chain):
            return False
        inputs = [op.weights.shape[1] for op in chain if isinstance(op, Dense)]
        straight = sum(count // 2 + count // 4 + 6 for count in inputs) + 5 * (len(chain) - len(inputs))
        overhead = _LOOP_INSTRUCTIONS * len(inputs)
        return 4 * straight * (size - 1) > self._worth * overhead * size

    def _chain(self, name: str) -> list[Operation]:
        """Return the operations that are computed together for an element of a stage."""
        operation = producer(self._net, name)
        if operation is None or isinstance(operation, Dense):
            return [operation] if operation else []
        sources = [each for each in sources_of(operation) if (each, 0) not in self._held]
        return [*(op for each in sources for op in self._chain(each)), operation]

    def _loop(self, name: str) -> None:
        """Complete a stage in loops; of a product's operands only the one with the fewest inputs is fused."""
        chain = self._chain(name)
        for operation in chain:
            if isinstance(operation, Dense | Multiply):
                self._chosen[operation.target] = common_forms(self._planner.forms(operation))
        size = self._net.activations[name].size
        keys = [
            tuple(self._chosen[op.target][index].signature for op in chain if op.target in self._chosen)
            for index in range(size)
        ]
        groups = runs(keys)
        layers = [op for op in chain if isinstance(op, Dense)]
        fused = min(layers, key=lambda layer: layer.weights.shape[1]) if layers else None
        for operation in chain:
            if isinstance(operation, Multiply):
                for source in sources_of(operation):
                    if (source, 0) not in self._held and fused not in self._chain(source):
                        self._print_loops(source, groups)
        self._print_loops(name, groups)

    def _print_loops(self, name: str, groups: list[list[int]]) -> None:
        order = [index for group in groups for index in group]
        place_of = self._storage(name, len(order))
        start = 0
        for group in groups:
            self._stream.begin_loop(self._lines)
            outer, self._lines = self._lines, []
            self._looping = True
            held = self._compute(name, group, f"{name}_i")
            self._say(f"{place_of}.half[i] = (int16_t){held.expression};")
            self._stream.end_loop(self._lines)
            self._looping = False
            body = [f"    {line}" for line in self._lines]
            self._lines = [*outer, f"for (int i = {start}; i < {start + len(group)}; i++) {{", *body, "}"]
            for place, index in enumerate(group, start):
                self._held[name, index] = Held(f"{place_of}.half[{place}]", held.offset)
            start += len(group)
        self._pair_array(name, order)

    def _storage(self, name: str, size: int) -> str:
        """Return the array for a stage: that of a product's factor, written in place, or a new one."""
        operation = producer(self._net, name)
        operands = sources_of(operation) if isinstance(operation, Multiply | Lookup) else ()
        read_once = [each for each in operands if sum(each in sources_of(op) for op in self._net.operations) == 1]
        reused = [each for each in read_once if each in self._arrays]
        if reused:
            self._arrays[name] = self._arrays[reused[0]]
            return self._arrays[name]
        halves = size + -size % 4
        self._say(f"union {{ int16_t half[{halves}]; int32_t word[{halves // 2}]; }} {name};")
        self._say(*(f"{name}.half[{place}] = 0;" for place in range(size, halves)))
        self._arrays[name] = name
        return name

    def _pair_array(self, name: str, order: list[int]) -> None:
        """Let an array's words be read as pairs: from registers if they are few, else where they are needed."""
        pairs = [
            (order[place], order[place + 1] if place + 1 < len(order) else None) for place in range(0, len(order), 2)
        ]
        few = len(pairs) <= _PAIR_REGISTERS
        if few and any(isinstance(op, Dense) and op.source == name for op in self._net.operations):
            self._say(
                *(f"const int32_t {name}_w{place} = {self._arrays[name]}.word[{place}];" for place in range(len(pairs)))
            )
        expressions = [f"{name}_w{place}" if few else "" for place in range(len(pairs))]
        self._pairs[name] = [Pair(text, *pair) for text, pair in zip(expressions, pairs, strict=True)]


def _both(layer: Dense, unit: int, pair: Pair, scale: int) -> int:
    """Return the weights of a pair, times 2^scale, as the halves of a word."""
    low, high = (0 if index is None else int(layer.weights[unit, index]) << scale for index in (pair.low, pair.high))
    return low % 2**16 + (high % 2**16 << 16)


def _plus(expression: str, amount: int) -> str:
    return f"{expression} {'+' if amount > 0 else '-'} {abs(amount)}" if amount else expression
