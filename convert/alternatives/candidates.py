"""Tables and polynomials of falling size: the best that fits a flash budget is among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from axedge.convert.alternatives.emit import emit_polynomial, emit_table
from axedge.convert.alternatives.polynomial import Term, fit_polynomial, term_sets
from axedge.convert.alternatives.table import MOST_INPUTS, fit_table
from axedge.kernels.kernel import Kernel, Samples
from axedge.kernels.metrics import is_safe

TRAIN_COUNT, VALIDATION_COUNT = 16_000, 10_000
#: Code of a table beside its nodes, and of a polynomial for a term and output, on the smallest core: a first guess, in
#: bytes, which the build corrects.
_TABLE_CODE_BYTES = 400
_TERM_BYTES = 8
#: Samples and reweightings while sets of terms are compared.
_QUICK_SAMPLES, _QUICK_ROUNDS = 8_000, 4
#: Sets of terms tried beyond the best one.
_PATIENCE = 4
#: Fewer terms are better where they cost no more than this of the safe share.
_AS_GOOD = 0.0005


@dataclass(frozen=True)
class Candidate:
    """An alternative, ready to be compiled in place of the kernel.

    Attributes:
        description: its size, in a few words.
        source: C.
    """

    description: str
    source: str


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
        yield Candidate(f"{shape} nodes of {_values(outputs)}", emit_table(kernel.name, table))
        nodes = min(nodes - 1, int(0.9 * nodes))


def polynomials(kernel: Kernel, data: Data, flash_bytes: int) -> Iterator[Candidate]:
    """Yield polynomials: the best by validation that may fit, then those with fewer terms, best first."""
    most = max(flash_bytes // (_TERM_BYTES * (1 + len(kernel.outputs))), 1)
    quick = Samples(data.train.x[:_QUICK_SAMPLES], data.train.y[:_QUICK_SAMPLES])
    found: list[tuple[float, tuple[Term, ...]]] = []
    best, since = 0.0, 0
    for terms in term_sets(len(kernel.inputs), most):
        polynomial = fit_polynomial(kernel, quick, data.validation, terms, _QUICK_ROUNDS)
        share = float(is_safe(kernel.error, data.validation.y, polynomial.answer(data.validation.x)).mean())
        found.append((share, terms))
        since = 0 if share > best + _AS_GOOD else since + 1
        best = max(best, share)
        if since > _PATIENCE or best == 1.0:
            break
    while found:
        top = max(share for share, _ in found)
        terms = min((terms for share, terms in found if share >= top - _AS_GOOD), key=len)
        chosen = fit_polynomial(kernel, data.train, data.validation, terms)
        degree = max(map(sum, terms))
        words = f"{len(chosen.terms)} Chebyshev terms of degree {degree} or less"
        yield Candidate(words, emit_polynomial(kernel.name, chosen))
        found = [(share, one) for share, one in found if len(one) < len(terms)]


def why_no_table(kernel: Kernel) -> str:
    """Return why no table fits, in words."""
    inputs = len(kernel.inputs)
    if inputs > MOST_INPUTS:
        return f"{inputs} inputs: each look-up would read {2**inputs:,} nodes"
    return f"no table with {inputs} inputs is that small"


def _values(count: int) -> str:
    return "16 bits" if count == 1 else f"{count} x 16 bits"
