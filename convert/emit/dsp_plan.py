"""The exact forms that the DSP code may choose from, found before anything is printed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from axedge.convert.emit.clamp import Clamp, clamp_choices
from axedge.convert.emit.domain import Domain, Knowledge, Staircase, requantiser, staircase
from axedge.convert.emit.dsp_forms import DspForm, dsp_forms
from axedge.convert.fixedpoint import reduced_multiplier
from axedge.convert.qnet import Dense, Multiply, QNet


class DspPlanner:
    """Finds the forms of a network."""

    def __init__(self, net: QNet) -> None:
        self._net = net
        self._known = Knowledge(net)
        self._found: dict[str, list[tuple[DspForm, ...]]] = {}

    def forms(self, operation: Dense | Multiply) -> list[tuple[DspForm, ...]]:
        """Return, for each element of the operation's target, its exact forms, the cheapest first."""
        if operation.target not in self._found:
            find = self._dense if isinstance(operation, Dense) else self._multiply
            self._found[operation.target] = find(operation)
        return self._found[operation.target]

    def _dense(self, layer: Dense) -> list[tuple[DspForm, ...]]:
        return [self._unit(layer, unit, domain) for unit, domain in enumerate(self._known.sums(layer))]

    def _unit(self, layer: Dense, unit: int, domain: Domain) -> tuple[DspForm, ...]:
        largest = max(1, int(np.abs(layer.weights[unit].astype(np.int64)).max(initial=0)))
        scales = range(0, (32767 // largest).bit_length())
        multiplier, shift = int(layer.multiplier[unit]), int(layer.shift[unit])
        if self._net.bits == 16:
            return (_wide_form(domain, multiplier, shift, layer.low, layer.high, scales),)
        zero = self._net.activations[layer.target].zero_point
        stairs = staircase(domain, requantiser(multiplier, shift, zero), layer.low, layer.high)
        clamps = clamp_choices(stairs, layer.low, layer.high, *self._wanted(layer.target))
        return dsp_forms(stairs, multiplier, shift, zero, clamps, scales, free_bias=True)

    def _multiply(self, operation: Multiply) -> list[tuple[DspForm, ...]]:
        zero = self._net.activations[operation.target].zero_point
        function = requantiser(operation.multiplier, operation.shift, zero)
        found = []
        for domain in self._known.products(operation):
            steps = self._net.bits == 8
            stairs = staircase(domain, function, operation.low, operation.high) if steps else _ends(domain, function)
            clamps = clamp_choices(stairs, operation.low, operation.high, *self._wanted(operation.target))
            found.append(
                dsp_forms(stairs, operation.multiplier, operation.shift, zero, clamps, range(0, 3), free_bias=False)
            )
        return found

    def _wanted(self, name: str) -> tuple[tuple[int, ...], int, bool]:
        """Return which offsets the readers of an activation like, its bits, and whether they insist."""
        bits = self._net.bits
        if name in (self._net.answer, self._net.logit):
            return (0,), bits, True
        zero = self._net.activations[name].zero_point
        multiplied = any(isinstance(op, Multiply) and name in (op.left, op.right) for op in self._net.operations)
        return ((zero,) if multiplied else ()), bits, False


def _ends(domain: Domain, function) -> Staircase:
    """Return a staircase of which only the ends are known."""
    empty = np.zeros(0, np.int64)
    low, high = function(np.array([domain.low, domain.high], np.int64))
    return Staircase(empty, empty, empty, domain.low, domain.high, *[int(low), int(high)] * 2)


def _wide_form(domain: Domain, multiplier: int, shift: int, low: int, high: int, scales: range) -> DspForm:
    """Return TFLM's single rounding of 64-bit sums, (a * m + 2^(t-1)) >> t with t = 15 - shift.

    Where everything fits 32 bits it is one instruction: t is made 32 by scaling the sum and the 15-bit factor.
    """
    factor, total = int(reduced_multiplier(multiplier)), 15 - shift
    if total <= 32:
        scale = max(0, 32 - total - 16)
        form = DspForm("affine", scale, 0, factor << (32 - total - scale), True, 0, False, 0, Clamp("none", 0))
    else:
        form = DspForm("affine", 0, 0, factor, False, 1 << (total - 33), False, total - 32, Clamp("none", 0))
    if form.scale not in scales or not form.fits(domain.low, domain.high):
        form = DspForm("wide16", 0, 0, factor, False, 0, False, total, Clamp("none", 0))
    ends = _ends(domain, lambda arguments: np.array([form.value(int(argument)) for argument in arguments]))
    return replace(form, clamp=clamp_choices(ends, low, high, (0,), 16, True)[0])
