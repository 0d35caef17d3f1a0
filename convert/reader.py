"""From the bytes of a .tflite to a QNet, with TensorFlow Lite Micro's requantisation constants.

A .tflite is a file from outside: every number in it is checked before it is used, and whatever the engines cannot run
is refused here, before anything is written.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import ArtifactError, UnsupportedModel
from axedge.artifacts.heads import choose_heads
from axedge.convert import fixedpoint
from axedge.convert.qnet import Activation, Dense, Lookup, Multiply, Operation, QNet, Tanh16
from axedge.convert.schema import schema

SUPPORTED = "FULLY_CONNECTED, MUL of two equal shapes, TANH, LOGISTIC and RELU, int8 or 16x8"
#: A network for a microcontroller is far below this; more is a wrong file.
MAX_BYTES = 16 << 20
_MAX_TENSORS = 10_000
_BITS = {7: 16, 9: 8}  # TensorType INT16 and INT8
_NO_ACTIVATION, _RELU, _RELU_N1_TO_1, _RELU6 = range(4)


@dataclass(frozen=True)
class Parsed:
    """A .tflite as data, and where in the file its parts are.

    Attributes:
        net: the network.
        tensors: index of the file's tensor, by name of the activation.
        weights: index of the weight tensor, by name of a Dense's target.
        biases: index of the bias tensor (None without one), by name of a Dense's target.
        operators: builtin names, sorted, each once.
        answer_position: which of the file's outputs is y'.
        logit_position: which is the safe logit, if any.
    """

    net: QNet
    tensors: dict[str, int]
    weights: dict[str, int]
    biases: dict[str, int | None]
    operators: tuple[str, ...]
    answer_position: int
    logit_position: int | None


def read(tflite: bytes) -> QNet:
    """Return the network in the bytes of a .tflite.

    Raises:
        ArtifactError: damaged, or no .tflite.
        UnsupportedModel: it holds what the int8 engines cannot run.
    """
    return parse(tflite).net


def parse(tflite: bytes) -> Parsed:
    """Return the network in the bytes of a .tflite, and where its parts are; raises as `read` does."""
    if len(tflite) > MAX_BYTES:
        raise ArtifactError(f"the .tflite has {len(tflite)} bytes, more than any network for a microcontroller.")
    if len(tflite) < 8 or tflite[4:8] != b"TFL3":
        raise ArtifactError("this is no .tflite: it does not carry the mark TFL3.")
    with _damage():
        return _Reader(tflite).parsed()


@contextmanager
def _damage() -> Iterator[None]:
    """Turn what a damaged flatbuffer makes Python raise into one clear line."""
    try:
        yield
    except (struct.error, IndexError, ValueError, TypeError, AttributeError, OverflowError, UnicodeError) as error:
        raise ArtifactError(
            f"the .tflite is damaged ({type(error).__name__}).", "Run `axedge convert` again."
        ) from None


@dataclass(frozen=True)
class _Tensor:
    """One tensor of the file, checked.

    Attributes:
        scales: float32, one or one a channel.
        data: bytes of its buffer; empty for an activation.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    type: int
    scales: NDArray[np.float32]
    zero_points: NDArray[np.int64]
    channel_axis: int
    data: NDArray[np.uint8]

    @property
    def scale(self) -> float:
        return float(self.scales[0])

    @property
    def zero_point(self) -> int:
        return int(self.zero_points[0])

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))


class _Reader:
    """Walks one file. Names are given to activations as operators produce them."""

    def __init__(self, tflite: bytes) -> None:
        self.model = schema().Model.GetRootAs(bytearray(tflite), 0)
        if self.model.SubgraphsLength() != 1:
            raise UnsupportedModel(f"the .tflite has {self.model.SubgraphsLength()} subgraphs.", "Supported: one.")
        self.graph = self.model.Subgraphs(0)
        if not 0 < self.graph.TensorsLength() <= _MAX_TENSORS or self.graph.OperatorsLength() > _MAX_TENSORS:
            raise ValueError("absurd number of tensors")
        self.builtin_names = {code: name for name, code in vars(schema().BuiltinOperator).items() if name[0] != "_"}
        self.looked_up = {self._input_of_lookup(position) for position in range(self.graph.OperatorsLength())}
        self.names: dict[int, str] = {}
        self.activations: dict[str, Activation] = {}
        self.weights: dict[str, int] = {}
        self.biases: dict[str, int | None] = {}

    def parsed(self) -> Parsed:
        if self.graph.InputsLength() != 1:
            raise UnsupportedModel(f"the network has {self.graph.InputsLength()} inputs.", "Supported: one vector.")
        answer, logit = choose_heads(self._outputs())
        self._reserve_heads(answer, logit)
        source = self._activation(self._tensor(self.graph.Inputs(0)))
        kinds, operations = set(), []
        for position in range(self.graph.OperatorsLength()):
            kind, operation = self._operation(self.graph.Operators(position))
            kinds.add(kind)
            operations.append(operation)
        heads = [self.names[self.graph.Outputs(position)] for position in (answer, logit) if position is not None]
        self._check_heads(heads, operations)
        net = QNet(self.activations, tuple(operations), source, heads[0], heads[1] if logit is not None else None)
        tensors = {name: index for index, name in self.names.items()}
        return Parsed(net, tensors, self.weights, self.biases, tuple(sorted(kinds)), answer, logit)

    def _check_heads(self, heads: list[str], operations: list[Operation]) -> None:
        made = {operation.target for operation in operations}
        if not set(heads) <= made or len({activation.bits for activation in self.activations.values()}) != 1:
            raise UnsupportedModel("an output is made by no layer, or activations are of mixed width.", _supported())

    def _outputs(self) -> list[tuple[str, int]]:
        """Return (name, size) of each output, by its name in the signature where there is one."""
        named = {}
        for index in range(self.model.SignatureDefsLength()):
            definition = self.model.SignatureDefs(index)
            for position in range(definition.OutputsLength()):
                entry = definition.Outputs(position)
                named[entry.TensorIndex()] = entry.Name().decode()
        tensors = [self._tensor(self.graph.Outputs(position)) for position in range(self.graph.OutputsLength())]
        return [(named.get(tensor.index, tensor.name), tensor.size) for tensor in tensors]

    def _reserve_heads(self, answer: int, logit: int | None) -> None:
        self.names[self.graph.Inputs(0)] = "u"
        self.names[self.graph.Outputs(answer)] = "y"
        if logit is not None:
            self.names[self.graph.Outputs(logit)] = "safe"

    def _tensor(self, index: int) -> _Tensor:
        """Return a tensor of the file, its quantisation and size checked."""
        if not 0 <= index < self.graph.TensorsLength():
            raise IndexError(index)
        raw = self.graph.Tensors(index)
        shape = tuple(raw.Shape(axis) for axis in range(min(raw.ShapeLength(), 8)))
        if any(not 0 < extent <= MAX_BYTES for extent in shape):
            raise ValueError(shape)
        name = (raw.Name() or b"").decode()
        quantisation = raw.Quantization()
        if quantisation is None or quantisation.ScaleLength() == 0:
            kind = {code: name for name, code in vars(schema().TensorType).items()}.get(raw.Type(), raw.Type())
            raise UnsupportedModel(f"tensor {name!r} of type {kind} is not quantised.", _supported())
        scales = np.array(quantisation.ScaleAsNumpy(), np.float32)
        zero_points = np.array(quantisation.ZeroPointAsNumpy(), np.int64)
        if len(scales) != len(zero_points) or not (np.isfinite(scales).all() and (scales > 0).all()):
            raise ValueError(name)
        axis = quantisation.QuantizedDimension()
        return _Tensor(index, name, shape, raw.Type(), scales, zero_points, axis, self._buffer(raw.Buffer()))

    def _buffer(self, index: int) -> NDArray[np.uint8]:
        if not 0 <= index < self.model.BuffersLength():
            raise IndexError(index)
        buffer = self.model.Buffers(index)
        return np.array(buffer.DataAsNumpy(), np.uint8) if buffer.DataLength() else np.zeros(0, np.uint8)

    def _activation(self, tensor: _Tensor, kind: str = "") -> str:
        """Return the name of the activation held by a tensor, which becomes known with this."""
        bits = _BITS.get(tensor.type)
        if bits is None or tensor.data.size:
            raise UnsupportedModel(f"tensor {tensor.name!r} is no int8 or int16 activation.", _supported())
        if tensor.size != tensor.shape[-1] or len(tensor.scales) != 1:
            raise UnsupportedModel(f"tensor {tensor.name!r} has shape {tensor.shape}.", "Supported: one row of values.")
        if not -(1 << (bits - 1)) <= tensor.zero_point < 1 << (bits - 1) or (bits == 16 and tensor.zero_point):
            raise ValueError(tensor.name)
        name = self.names.get(tensor.index) or self._new_name(tensor.name, kind)
        self.names[tensor.index] = name
        self.activations[name] = Activation(name, tensor.size, bits, tensor.scale, tensor.zero_point)
        return name

    def _new_name(self, path: str, kind: str) -> str:
        """Return a C identifier made of the layer's name: `functional_1/gates_0_1/MatMul` gives gates_0."""
        parts = [part for part in path.split(";")[-1].split("/") if part]
        layer = parts[-2] if len(parts) > 1 else (parts or ["tensor"])[0]
        stem = re.sub(r"\W", "_", layer).removesuffix("_1") or "tensor"
        stem = f"t_{stem}" if stem[0].isdigit() else stem
        stem = f"{stem}_{kind}" if kind else stem
        name, count = stem, 1
        while name in self.names.values():
            name, count = f"{stem}_{count}", count + 1
        return name

    def _known(self, index: int) -> _Tensor:
        tensor = self._tensor(index)
        if self.names.get(index) not in self.activations:
            raise UnsupportedModel(
                f"tensor {tensor.name!r} is read before a layer makes it, or constant.", _supported()
            )
        return tensor

    def _kind(self, operator: Any) -> str:
        if not 0 <= operator.OpcodeIndex() < self.model.OperatorCodesLength():
            raise IndexError(operator.OpcodeIndex())
        codes = self.model.OperatorCodes(operator.OpcodeIndex())
        code = max(codes.BuiltinCode(), codes.DeprecatedBuiltinCode())
        return self.builtin_names.get(code, f"operator {code}")

    def _input_of_lookup(self, position: int) -> int | None:
        """Return the tensor that an operator looks up in a table, None where it is another operator."""
        operator = self.graph.Operators(position)
        return operator.Inputs(0) if self._kind(operator) in ("TANH", "LOGISTIC", "RELU") else None

    def _operation(self, operator: Any) -> tuple[str, Operation]:
        kind = self._kind(operator)
        makers: dict[str, Callable[[Any], Operation]] = {
            "FULLY_CONNECTED": self._dense,
            "MUL": self._multiply,
            "TANH": lambda raw: self._lookup(raw, "tanh"),
            "LOGISTIC": lambda raw: self._lookup(raw, "logistic"),
            "RELU": lambda raw: self._lookup(raw, "relu"),
        }
        if kind not in makers:
            raise UnsupportedModel(f"layer {self._place(operator)!r} is a {kind}, which no engine runs.", _supported())
        if operator.OutputsLength() != 1:
            raise IndexError(operator.OutputsLength())
        return kind, makers[kind](operator)

    def _place(self, operator: Any) -> str:
        """Return the name of the operator's first output: what a user can find in the model."""
        raw = self.graph.Tensors(operator.Outputs(0)) if operator.OutputsLength() else None
        return (raw.Name() or b"").decode().split(";")[-1] if raw is not None else "?"

    def _options(self, operator: Any, kind: str) -> Any:
        table = operator.BuiltinOptions()
        if table is None:
            raise ValueError(kind)
        options = getattr(schema(), kind)()
        options.Init(table.Bytes, table.Pos)
        return options

    def _dense(self, operator: Any) -> Dense:
        options = self._options(operator, "FullyConnectedOptions")
        source, kernel = self._known(operator.Inputs(0)), self._tensor(operator.Inputs(1))
        target = self._tensor(operator.Outputs(0))
        if options.WeightsFormat() != 0:
            raise UnsupportedModel(f"layer {kernel.name!r} has shuffled weights.", _supported())
        weights = self._weights(kernel, source.size, target.size)
        name = self._activation(target, "sum" if target.index in self.looked_up else "")
        bias, bias_index = self._bias(operator, self.activations[name].bits, target.size)
        multiplier, shift = _dense_factors(source, kernel, target)
        self._check_shift(shift, self.activations[name].bits, kernel.name)
        low, high = _fused_range(options.FusedActivationFunction(), self.activations[name], kernel.name)
        self.weights[name], self.biases[name] = kernel.index, bias_index
        scales = np.broadcast_to(kernel.scales, (target.size,)).copy()
        return Dense(self.names[source.index], name, weights, scales, bias, multiplier, shift, low, high)

    def _weights(self, kernel: _Tensor, inputs: int, units: int) -> NDArray[np.int8]:
        if kernel.type != 9 or kernel.shape != (units, inputs) or not kernel.data.size:
            raise UnsupportedModel(f"weights {kernel.name!r} are no constant int8 matrix.", _supported())
        if kernel.zero_points.any() or len(kernel.scales) not in (1, units) or kernel.channel_axis != 0:
            raise UnsupportedModel(f"weights {kernel.name!r} are not symmetric with one scale a unit.", _supported())
        return kernel.data.view(np.int8).reshape(units, inputs)

    def _bias(self, operator: Any, bits: int, units: int) -> tuple[NDArray[np.int64], int | None]:
        if operator.InputsLength() < 3 or operator.Inputs(2) < 0:
            return np.zeros(units, np.int64), None
        tensor = self._tensor(operator.Inputs(2))
        width, code = (np.dtype("<i4"), 2) if bits == 8 else (np.dtype("<i8"), 4)
        if tensor.type != code:
            raise UnsupportedModel(f"bias {tensor.name!r} is not {width.name}.", _supported())
        bias = tensor.data.view(width).astype(np.int64)
        if bias.shape != (units,):
            raise ValueError(tensor.name)
        return bias, tensor.index

    def _multiply(self, operator: Any) -> Multiply:
        options = self._options(operator, "MulOptions")
        if operator.InputsLength() != 2:
            raise IndexError(operator.InputsLength())
        left, right = self._known(operator.Inputs(0)), self._known(operator.Inputs(1))
        target = self._tensor(operator.Outputs(0))
        if not left.size == right.size == target.size:
            raise UnsupportedModel(f"MUL {target.name!r} has factors of unequal size.", _supported())
        name = self._activation(target)
        multiplier, shift = fixedpoint.quantise_multiplier(left.scale * right.scale / target.scale)
        self._check_shift(np.array([shift]), self.activations[name].bits, target.name)
        low, high = _fused_range(options.FusedActivationFunction(), self.activations[name], target.name)
        return Multiply(self.names[left.index], self.names[right.index], name, multiplier, shift, low, high)

    def _lookup(self, operator: Any, kind: str) -> Operation:
        source, target = self._known(operator.Inputs(0)), self._tensor(operator.Outputs(0))
        if source.size != target.size:
            raise ValueError(target.name)
        name = self._activation(target)
        bits = self.activations[name].bits
        origin = self.names[source.index]
        if kind == "relu":
            if bits != 8:
                raise UnsupportedModel(
                    f"RELU {target.name!r} stands alone in 16 bits.", "Fuse it into its Dense layer."
                )
            table = fixedpoint.relu_table(source.scale, source.zero_point, target.scale, target.zero_point)
            return Lookup(kind, origin, name, table)
        fixed = {("tanh", 8): (7, 0), ("logistic", 8): (8, -128)}.get((kind, bits), (15, 0))
        if target.scale != 2.0 ** -fixed[0] or target.zero_point != fixed[1]:
            raise UnsupportedModel(f"{kind.upper()} {target.name!r} has an output scale that TFLM does not know.")
        if bits == 16:
            return Tanh16(kind, origin, name, *fixedpoint.lookup16_factor(kind, source.scale))
        table_of = fixedpoint.tanh_table if kind == "tanh" else fixedpoint.logistic_table
        return Lookup(kind, origin, name, table_of(source.scale, source.zero_point))

    def _check_shift(self, shift: NDArray[np.int32], bits: int, name: str) -> None:
        """Refuse scales so far apart that TFLM's arithmetic is not defined."""
        if shift.max() > (30 if bits == 8 else 7):
            raise UnsupportedModel(f"the scales around {name!r} lie too far apart to be requantised.")


def _supported() -> str:
    return f"Supported: {SUPPORTED}."


def _dense_factors(source: _Tensor, kernel: _Tensor, target: _Tensor) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return multiplier and shift per unit: TFLM multiplies one scale in float32, many in double."""
    if len(kernel.scales) == 1:
        product = float(np.float32(source.scale) * np.float32(kernel.scale))
        factors = [fixedpoint.quantise_multiplier(product / target.scale)] * target.size
    else:
        factors = [fixedpoint.quantise_multiplier(source.scale * float(w) / target.scale) for w in kernel.scales]
    multiplier, shift = np.array(factors, np.int64).T
    return multiplier.astype(np.int32), shift.astype(np.int32)


def _fused_range(activation: int, target: Activation, name: str) -> tuple[int, int]:
    """Return the smallest and the largest code that a fused activation lets through."""

    def code(real: float) -> int:
        steps = np.float32(real) / np.float32(target.scale)
        return target.zero_point + int(np.sign(steps) * np.floor(np.abs(steps) + np.float32(0.5)))

    bounds = {_NO_ACTIVATION: (None, None), _RELU: (0.0, None), _RELU6: (0.0, 6.0), _RELU_N1_TO_1: (-1.0, 1.0)}
    if activation not in bounds:
        raise UnsupportedModel(f"layer {name!r} has a fused activation that no engine runs.", _supported())
    low, high = bounds[activation]
    smallest = target.code_min if low is None else max(target.code_min, code(low))
    largest = target.code_max if high is None else min(target.code_max, code(high))
    return smallest, largest
