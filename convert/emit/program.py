"""The order in which a network runs: the predictor first, and of the rest only what the answer needs.

Elementwise operations are fused into what they read: a gate is computed, multiplied with its hidden unit and
requantised without
being stored. What a Dense layer reads, and the heads, are the program's stages.
"""

from __future__ import annotations

from dataclasses import dataclass

from axedge.convert.qnet import Dense, Multiply, Operation, QNet, sources_of


class NoForm(Exception):
    """A network holds something that a printer has no code for; the loops, which print everything, take over."""


@dataclass(frozen=True)
class Program:
    """Stages in order.

    Attributes:
        head: activations to complete before the logit is compared, the logit last; empty without a predictor.
        tail: activations to complete after it, the answer last.
    """

    head: tuple[str, ...]
    tail: tuple[str, ...]


def schedule(net: QNet) -> Program:
    """Return the stages of a network."""
    before = net.needed_for(net.logit) if net.logit else ()
    after = tuple(operation for operation in net.needed_for(net.answer) if operation not in before)
    whole = _stored(net)
    return Program(_stages(before, whole), _stages(after, whole))


def producer(net: QNet, name: str) -> Operation | None:
    """Return the operation that writes an activation, None for the input."""
    return next((operation for operation in net.operations if operation.target == name), None)


def _stages(operations: tuple[Operation, ...], whole: set[str]) -> tuple[str, ...]:
    return tuple(operation.target for operation in operations if operation.target in whole)


def _stored(net: QNet) -> set[str]:
    """Return the activations that must be complete at some time: heads, and what a Dense or two readers read."""
    stored = {net.answer} | ({net.logit} if net.logit else set())
    readers: dict[str, int] = {}
    for operation in net.operations:
        for name in sources_of(operation):
            readers[name] = readers.get(name, 0) + 1
        if isinstance(operation, Dense):
            stored.add(operation.source)
        if isinstance(operation, Multiply):
            stored |= {operation.left} & {operation.right}
    return {name for name in stored | {name for name, count in readers.items() if count > 1} if name != net.source}
