"""Sorts the elements of a stage into loops: those of one loop differ in constants only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Protocol, TypeVar


class Form(Protocol):
    """An exact form as far as grouping is concerned."""

    @property
    def cost(self) -> int:
        """Instructions."""

    @property
    def signature(self) -> tuple[object, ...]:
        """All that a loop's rounds must have in common."""


AnyForm = TypeVar("AnyForm", bound=Form)

#: Instructions that an element may lose for being in a loop with others.
_SACRIFICE = 2


def common_forms(candidates: Sequence[Sequence[AnyForm]]) -> list[AnyForm]:
    """Choose a form for every element so that few different signatures remain (a greedy cover).

    Args:
        candidates: for each element its exact forms, the cheapest first.
    """
    chosen: dict[int, AnyForm] = {}
    allowed = [[form for form in forms if form.cost <= forms[0].cost + _SACRIFICE] for forms in candidates]
    while len(chosen) < len(candidates):
        left = [index for index in range(len(candidates)) if index not in chosen]
        votes = Counter(signature for index in left for signature in {form.signature for form in allowed[index]})
        cost = {form.signature: form.cost for index in left for form in allowed[index]}
        best = max(votes, key=lambda signature: (votes[signature], -cost[signature], str(signature)))
        for index in left:
            fitting = next((form for form in allowed[index] if form.signature == best), None)
            if fitting:
                chosen[index] = fitting
    return [chosen[index] for index in range(len(candidates))]


def runs(keys: Sequence[Hashable]) -> list[list[int]]:
    """Return the indices by equal keys, the keys in the order in which they first appear."""
    groups: dict[Hashable, list[int]] = {}
    for index, key in enumerate(keys):
        groups.setdefault(key, []).append(index)
    return list(groups.values())
