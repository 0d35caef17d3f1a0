"""Tables and polynomials of falling size: the best that fits a flash budget is among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from axedge.convert.alternatives.emit import emit_polynomial, emit_polynomial_loops, emit_table
from axedge.convert.alternatives.polynomial import Polynomial, Term, fit_polynomial, term_sets
from axedge.convert.alternatives.table import MOST_INPUTS, LookupTable, fit_table
from axedge.kernels.kernel import Kernel, Samples
from axedge.kernels.metrics import is_safe

TRAIN_COUNT, VALIDATION_COUNT = 16_000, 10_000
#: Code of a table beside its nodes, and of a polynomial for a term and output, on the smallest core, written out and
#: walked in loops: first guesses, in bytes, which the build corrects.
_TABLE_CODE_BYTES = 400
_TERM_BYTES, _LOOP_TERM_BYTES = 8, 4
#: A term's coefficients are fitted to no fewer samples than these.
_SAMPLES_A_TERM = 16
#: Samples and reweightings while sets of terms are compared.
_QUICK_SAMPLES, _QUICK_ROUNDS = 8_000, 4
#: Sets of rising degree tried beyond the best one.
_PATIENCE = 6
#: Of a set's terms, how many stay when the smallest go.
_PRUNED = 0.8
#: Fewer terms are better where they cost no more than this of the safe share.
_AS_GOOD = 0.0005


@dataclass(frozen=True)
class Candidate:
    """An alternative, ready to be compiled in place of the kernel.

    Attributes:
        description: its size, in a few words.
        source: C.
        safe: how many of the validation samples it answers within the bound.
    """

    description: str
    source: str
    safe: int


@dataclass(frozen=True)
class Data:
    """Samples to fit and to choose by."""

    train: Samples
    validation: Samples

    @classmethod
    def of(cls, kernel: Kernel, seed: int) -> Data:
        """Draw them."""
        return cls(kernel.draw("train", TRAIN_COUNT, seed), kernel.draw("validation", VALIDATION_COUNT, seed))


def tables(kernel: Kernel, data: Data, flash_bytes: int) -> Iterator[Candidate]:
    """Yield tables, largest first; the first has about the size wanted."""
    outputs = len(kernel.outputs)
    nodes = (flash_bytes - _TABLE_CODE_BYTES) // (2 * outputs)
    while nodes >= 2 ** len(kernel.inputs):
        table = fit_table(kernel, data.train, data.validation, nodes)
        if table is None:
            return
        shape = " x ".join(str(count) for count in table.shape)
        safe = _safe(kernel, data.validation, table)
        yield Candidate(f"{shape} nodes of {_values(outputs)}", emit_table(kernel.name, table), safe)
        nodes = min(nodes - 1, int(0.9 * nodes))


@dataclass(frozen=True)
class _Tried:
    """A set of terms that was tried.

    Attributes:
        terms: as they were wanted; those of which nothing is left are not in the polynomial.
        quick: their polynomial, fitted to fewer samples than at the end.
        safe: how many validation samples it answers within the bound.
    """

    terms: tuple[Term, ...]
    quick: Polynomial
    safe: int


class Polynomials:
    """Sets of Chebyshev terms, each with the share of validation samples that it keeps within the bound.

    Args:
        kernel: what is approximated.
        data: to fit and to choose by.
        flash_bytes: what they may take.
    """

    def __init__(self, kernel: Kernel, data: Data, flash_bytes: int) -> None:
        self._kernel, self._data, self._flash_bytes = kernel, data, flash_bytes
        self._found: list[_Tried] = []
        most = min(flash_bytes // (_LOOP_TERM_BYTES * len(kernel.outputs) + 2), _QUICK_SAMPLES // _SAMPLES_A_TERM)
        self._grow(max(most, 1))
        self._prune()

    def _grow(self, most: int) -> None:
        """Try sets of rising degree until they no longer get better."""
        best, since, count = 0, 0, len(self._data.validation)
        for terms in term_sets(len(self._kernel.inputs), most):
            safe = self._try(terms).safe
            since = 0 if safe > best + _AS_GOOD * count else since + 1
            best = max(best, safe)
            if since > _PATIENCE or best == count:
                break

    def _prune(self) -> None:
        """Try the best set with fewer and fewer of its terms: those with the smallest coefficients go."""
        best = one = max(self._found, key=lambda one: (one.safe, -len(one.terms)))
        while len(one.quick.terms) > 1 and 2 * one.safe > best.safe:
            sizes = np.abs(one.quick.coefficients * np.array(one.quick.scales)).max(axis=1)
            kept = np.sort(np.argsort(-sizes, kind="stable")[: int(_PRUNED * len(sizes))])
            one = self._try(tuple(one.quick.terms[index] for index in kept))

    def _try(self, terms: tuple[Term, ...]) -> _Tried:
        """Fit a set to fewer samples than at the end, and keep how many answers are within the bound."""
        train, validation = self._data.train, self._data.validation
        quick = Samples(train.x[:_QUICK_SAMPLES], train.y[:_QUICK_SAMPLES])
        polynomial = fit_polynomial(self._kernel, quick, validation, terms, _QUICK_ROUNDS)
        tried = _Tried(terms, polynomial, _safe(self._kernel, validation, polynomial))
        self._found.append(tried)
        return tried

    def best(self) -> Iterator[Candidate]:
        """Yield the best that may fit, then those with fewer terms, best first."""
        left = self._found
        while left:
            top = max(one.safe for one in left) - _AS_GOOD * len(self._data.validation)
            terms = min((one.terms for one in left if one.safe >= top), key=len)
            yield from self._forms(terms)
            left = [one for one in left if len(one.terms) < len(terms)]

    def fewest(self, wanted: int) -> Iterator[Candidate]:
        """Yield those that keep at least `wanted` validation samples within the bound, fewest terms first."""
        for terms in sorted((one.terms for one in self._found if one.safe >= wanted), key=len):
            yield from (form for form in self._forms(terms) if form.safe >= wanted)

    def _forms(self, terms: tuple[Term, ...]) -> Iterator[Candidate]:
        """Yield a polynomial of these terms, the faster C first, as far as it may fit."""
        kernel, data = self._kernel, self._data
        chosen = fit_polynomial(kernel, data.train, data.validation, terms)
        safe = _safe(kernel, data.validation, chosen)
        words = f"{len(chosen.terms)} Chebyshev terms of degree {max(map(sum, terms))} or less"
        if len(chosen.terms) * _TERM_BYTES * (1 + len(kernel.outputs)) <= self._flash_bytes:
            yield Candidate(words, emit_polynomial(kernel.name, chosen), safe)
        if (small := emit_polynomial_loops(kernel.name, chosen)) is not None:
            yield Candidate(f"{words}, in loops", small, safe)


def _safe(kernel: Kernel, samples: Samples, alternative: LookupTable | Polynomial) -> int:
    return int(is_safe(kernel.error, samples.y, alternative.answer(samples.x)).sum())


def why_no_table(kernel: Kernel) -> str:
    """Return why no table fits, in words."""
    inputs = len(kernel.inputs)
    if inputs > MOST_INPUTS:
        return f"{inputs} inputs: each look-up would read {2**inputs:,} nodes"
    return f"no table with {inputs} inputs is that small"


def _values(count: int) -> str:
    return "16 bits" if count == 1 else f"{count} x 16 bits"
