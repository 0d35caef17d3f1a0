"""The static proof: its bounds hold for all codes, are reached, and an overflow is refused."""

from __future__ import annotations

import dataclasses

import convert_nets
import numpy as np
import pytest

from axedge.artifacts.errors import CheckFailed
from axedge.convert.proof import prove
from axedge.convert.qnet import Dense, Multiply, QNet
from axedge.convert.reader import read
from axedge.convert.reference import accumulators, trace

pytestmark = pytest.mark.train


def sums(net: QNet, operation, values) -> np.ndarray:
    if isinstance(operation, Dense):
        return accumulators(net, operation, values[operation.source])
    left, right = (
        values[n].astype(np.int64) - net.activations[n].zero_point for n in (operation.left, operation.right)
    )
    return left * right


@pytest.mark.parametrize("activations", ["int8", "int16"])
@pytest.mark.parametrize("kind", ["small", "wide", "relu"])
def test_no_codes_leave_the_bounds(converted, kind, activations):
    net = read(convert_nets.random_member(converted(kind, activations), 8))
    values = trace(net, convert_nets.random_codes(net, 8, 4000))
    bounds = {bound.layer: bound for bound in prove(net)}
    for operation in net.operations:
        if isinstance(operation, (Dense, Multiply)):
            found, bound = sums(net, operation, values), bounds[operation.target]
            assert bound.low <= found.min() and found.max() <= bound.high
            assert max(-bound.low, bound.high) <= bound.magnitude <= bound.limit


def test_the_first_layers_bounds_are_reached_at_corners(converted):
    net = read(converted("small"))
    corners = np.array([[a, b] for a in (-128, 127) for b in (-128, 127)], np.int8)
    first = next(op for op in net.operations if op.target == "approximator_0")
    found = accumulators(net, first, corners)
    bound = next(bound for bound in prove(net) if bound.layer == "approximator_0")
    assert (bound.low, bound.high) == (found.min(), found.max())


def changed(net: QNet, target: str, **fields) -> QNet:
    operations = [dataclasses.replace(op, **fields) if op.target == target else op for op in net.operations]
    return dataclasses.replace(net, operations=tuple(operations))


def test_a_sum_that_may_overflow_is_refused(converted):
    net = read(converted("small"))
    y = next(op for op in net.operations if op.target == "y")
    room = 2**31 - 1 - int(np.abs(y.weights.astype(np.int64)).sum(axis=1).max()) * 256
    bias = np.full(len(y.bias), room)
    assert prove(changed(net, "y", bias=bias, shift=np.zeros_like(y.shift)))
    with pytest.raises(CheckFailed, match="layer y may overflow"):
        prove(changed(net, "y", bias=np.full(len(y.bias), 2**31 - 1), shift=np.zeros_like(y.shift)))


def test_a_left_shift_that_may_overflow_is_refused(converted):
    net = read(converted("small"))
    with pytest.raises(CheckFailed, match="layer gated_0 may overflow"):
        prove(changed(net, "gated_0", shift=16))
    assert prove(changed(net, "gated_0", shift=14))


def test_wide_sums_are_refused_where_the_result_would_not_fit(converted):
    net = read(converted("small", "int16"))
    y = next(op for op in net.operations if op.target == "y")
    with pytest.raises(CheckFailed, match="layer y may overflow"):
        prove(changed(net, "y", shift=np.full_like(y.shift, 7), bias=np.full(len(y.bias), 2**40)))
