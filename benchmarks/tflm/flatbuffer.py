"""A quantised network written as a .tflite: the way back from what `axedge.convert.reader` reads."""

from __future__ import annotations

from typing import Any

import numpy as np

from axedge.artifacts.errors import CheckFailed
from axedge.convert.qnet import Dense, Lookup, Multiply, QNet, sources_of
from axedge.convert.reader import read
from axedge.convert.schema import schema

_VERSION = 3


def write_tflite(net: QNet) -> tuple[bytes, QNet]:
    """Return the network as a .tflite, and what it is when it is read.

    Scales are float32 there, and TFLM derives its factors from those: they may differ in their last bits.

    Raises:
        CheckFailed: anything else differs, or the network holds what cannot be written here.
    """
    file = _File(net)
    for operation in net.operations:
        file.add(operation)
    tflite = file.bytes()
    found = read(tflite)
    for one, other in zip(net.operations, found.operations, strict=True):
        for field, value in vars(one).items():
            is_name_or_factor = field in ("source", "target", "left", "right", "multiplier")
            if not is_name_or_factor and not np.array_equal(value, getattr(other, field)):
                raise CheckFailed(f"{one.target}: {field} came back as {getattr(other, field)} instead of {value}.")
    return tflite, found


class _File:
    """The parts of a model, collected; buffer 0 is the empty one, as the format wants it."""

    def __init__(self, net: QNet) -> None:
        self.s, self.net = schema(), net
        self.buffers: list[Any] = [self.s.BufferT()]
        self.tensors: list[Any] = []
        self.operators: list[Any] = []
        self.codes: list[int] = []
        kind = self.s.TensorType.INT8 if net.bits == 8 else self.s.TensorType.INT16
        self.index = {
            name: self.tensor(name, (1, one.size), kind, [one.scale], [one.zero_point])
            for name, one in net.activations.items()
        }

    def tensor(self, name: str, shape: tuple[int, ...], kind: int, scales: Any, zeros: Any, data: Any = None) -> int:
        tensor, quantisation = self.s.TensorT(), self.s.QuantizationParametersT()
        quantisation.scale, quantisation.zeroPoint = np.array(scales, np.float32), np.array(zeros, np.int64)
        tensor.name, tensor.shape, tensor.type, tensor.quantization = name.encode(), list(shape), kind, quantisation
        tensor.buffer = 0
        if data is not None:
            buffer = self.s.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            tensor.buffer = len(self.buffers)
            self.buffers.append(buffer)
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def add(self, operation: Any) -> None:
        """Add an operator, and the tensors of its weights."""
        s, one = self.s, self.s.OperatorT()
        inputs = [self.index[name] for name in sources_of(operation)]
        if isinstance(operation, Dense):
            code, inputs = s.BuiltinOperator.FULLY_CONNECTED, [*inputs, *self._weights(operation)]
            one.builtinOptionsType = s.BuiltinOptions.FullyConnectedOptions
            one.builtinOptions = s.FullyConnectedOptionsT()
            target = self.net.activations[operation.target]
            clamped = (operation.low, operation.high) != (target.code_min, target.code_max)
            one.builtinOptions.fusedActivationFunction = int(clamped)  # RELU is 1
        elif isinstance(operation, Multiply):
            code = s.BuiltinOperator.MUL
            one.builtinOptionsType, one.builtinOptions = s.BuiltinOptions.MulOptions, s.MulOptionsT()
        elif isinstance(operation, Lookup) and operation.kind == "tanh":
            code = s.BuiltinOperator.TANH
        else:
            raise CheckFailed(f"{type(operation).__name__} cannot be written.")
        if code not in self.codes:
            self.codes.append(code)
        one.opcodeIndex = self.codes.index(code)
        one.inputs, one.outputs = inputs, [self.index[operation.target]]
        self.operators.append(one)

    def _weights(self, dense: Dense) -> list[int]:
        s, source = self.s, self.net.activations[dense.source]
        scales = np.unique(dense.weight_scales) if len(set(dense.weight_scales.tolist())) == 1 else dense.weight_scales
        zeros = np.zeros(len(scales))
        kind, width = (s.TensorType.INT32, np.int32) if source.bits == 8 else (s.TensorType.INT64, np.int64)
        name = dense.target
        bias_scales = (np.float32(source.scale) * scales).astype(np.float32)
        return [
            self.tensor(f"{name}_w", dense.weights.shape, s.TensorType.INT8, scales, zeros, dense.weights),
            self.tensor(f"{name}_b", (len(dense.bias),), kind, bias_scales, zeros, dense.bias.astype(width)),
        ]

    def bytes(self) -> bytes:
        """Return the file."""
        import flatbuffers

        s, graph, model = self.s, self.s.SubGraphT(), self.s.ModelT()
        heads = [self.net.answer, *([self.net.logit] if self.net.logit else [])]
        graph.tensors, graph.operators = self.tensors, self.operators
        graph.inputs, graph.outputs = [self.index[self.net.source]], [self.index[name] for name in heads]
        model.version, model.buffers, model.subgraphs = _VERSION, self.buffers, [graph]
        model.operatorCodes = []
        for code in self.codes:
            entry = s.OperatorCodeT()
            entry.builtinCode = entry.deprecatedBuiltinCode = code
            entry.version = 4 if code == s.BuiltinOperator.FULLY_CONNECTED else 2
            model.operatorCodes.append(entry)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())
