"""The numpy reference: executes a QNet with the bits of TensorFlow Lite Micro, on many inputs at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axedge.convert import fixedpoint
from axedge.convert.qnet import Dense, Lookup, Multiply, Operation, QNet, Tanh16

Codes = NDArray[np.int16] | NDArray[np.int8]

#: Inputs executed at a time, so that the memory needed does not grow with their number.
_BLOCK = 1 << 14


def run(net: QNet, codes: Codes) -> tuple[Codes, Codes]:
    """Return the codes of both heads.

    Args:
        net: the network.
        codes: input codes, shape (N, n).

    Returns:
        Answer codes, shape (N, m), and logit codes, shape (N,), int8 or int16 as the network is. Without a predictor
        every logit is the largest code.
    """
    answers, logits = [], []
    for start in range(0, max(len(codes), 1), _BLOCK):
        values = trace(net, codes[start : start + _BLOCK])
        answers.append(values[net.answer])
        logits.append(_logit(net, values))
    return np.concatenate(answers), np.concatenate(logits)


def trace(net: QNet, codes: Codes) -> dict[str, Codes]:
    """Return the codes of every activation, by name, each of shape (N, size).

    Raises:
        ValueError: the input has the wrong number of columns.
    """
    width = net.activations[net.source].size
    if codes.ndim != 2 or codes.shape[1] != width:
        raise ValueError(f"input codes must have shape (N, {width}). Received: {codes.shape}")
    kind = np.int8 if net.bits == 8 else np.int16
    values: dict[str, Codes] = {net.source: np.asarray(codes, kind)}
    for operation in net.operations:
        values[operation.target] = _execute(net, operation, values).astype(kind)
    return values


def accumulators(net: QNet, dense: Dense, codes: Codes) -> NDArray[np.int64]:
    """Return the sums of a Dense before requantisation, not wrapped, shape (N, units)."""
    centred = _centred(net, dense.source, {dense.source: codes})
    return centred @ dense.weights.astype(np.int64).T + dense.bias


def _logit(net: QNet, values: dict[str, Codes]) -> Codes:
    if net.logit is None:
        answer = values[net.answer]
        return np.full(len(answer), np.iinfo(answer.dtype).max, answer.dtype)
    return values[net.logit][:, 0]


def _execute(net: QNet, operation: Operation, values: dict[str, Codes]) -> NDArray[np.int64]:
    if isinstance(operation, Dense):
        sums = accumulators(net, operation, values[operation.source])
        factors = (operation.multiplier, operation.shift)
        wide = fixedpoint.requantise(sums, *factors) if net.bits == 8 else fixedpoint.requantise64(sums, *factors)
        return _place(net, operation, wide)
    if isinstance(operation, Multiply):
        left = _centred(net, operation.left, values)
        right = _centred(net, operation.right, values)
        return _place(net, operation, fixedpoint.requantise(left * right, operation.multiplier, operation.shift))
    if isinstance(operation, Lookup):
        return operation.table.astype(np.int64)[values[operation.source].astype(np.int64) + 128]
    if isinstance(operation, Tanh16):
        return fixedpoint.lookup16(operation.kind, values[operation.source], operation.multiplier, operation.shift)
    raise TypeError(f"unknown operation. Received: {operation!r}")


def _centred(net: QNet, name: str, values: dict[str, Codes]) -> NDArray[np.int64]:
    """Return the codes of an activation less its zero point."""
    return values[name].astype(np.int64) - net.activations[name].zero_point


def _place(net: QNet, operation: Dense | Multiply, wide: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add the zero point and clamp."""
    return np.clip(wide + net.activations[operation.target].zero_point, operation.low, operation.high)
