"""A polynomial over the kernel's box in products of Chebyshev polynomials, evaluated in whole numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axedge.convert.alternatives.codes import LARGEST_SCALE
from axedge.convert.alternatives.fit import ROUNDS, fit
from axedge.convert.alternatives.positions import FRACTION_BITS, Axis
from axedge.kernels.kernel import Kernel, Samples

#: T_k(x) is held with this many fraction bits.
BASIS_BITS = 14
ONE = 1 << BASIS_BITS
#: Cells of the axis: positions 0 to 2 ONE.
CELLS = (2 * ONE) >> FRACTION_BITS
#: The sum over all terms stays below this, whatever the input.
_SUM_LIMIT = 1 << 30
#: So many bits of it are dropped: the rest is exact in a float32.
SUM_SHIFT = 7

Term = tuple[int, ...]
"""Degree in each input."""
Keep = Callable[[Term, int], bool]


@dataclass(frozen=True)
class Polynomial:
    """A sum of terms; each is a coefficient times the product of T_k of the inputs.

    Attributes:
        axes: one an input; position - ONE is the input mapped to -ONE .. ONE.
        terms: the constant is not among them.
        coefficients: whole numbers [terms, m].
        constants: one an output, added to the sum.
        scales: float32, one an output: y = float32((sum + constant) >> SUM_SHIFT) * scale.
    """

    axes: tuple[Axis, ...]
    terms: tuple[Term, ...]
    coefficients: NDArray[np.int32]
    constants: tuple[int, ...]
    scales: tuple[float, ...]

    @property
    def degrees(self) -> tuple[int, ...]:
        """The highest degree in each input."""
        return tuple(max((term[i] for term in self.terms), default=0) for i in range(len(self.axes)))

    def answer(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the answers [N, m] to inputs [N, n], bit for bit as the C gives them."""
        basis = basis_of(self.axes, self.terms, x)
        sums = basis.astype(np.int64) @ self.coefficients + np.array(self.constants, np.int64)
        return (sums >> SUM_SHIFT).astype(np.float32) * np.array(self.scales, np.float32)


def fit_polynomial(
    kernel: Kernel, train: Samples, validation: Samples, terms: tuple[Term, ...], rounds: int = ROUNDS
) -> Polynomial:
    """Return the polynomial of these terms that keeps most samples within the bound.

    Args:
        kernel: gives the box and the metric.
        train: samples to fit.
        validation: samples to choose by.
        terms: see `term_sets`; without the constant.
        rounds: see `fit`.

    Raises:
        ValueError: an input's range is too narrow for float32, or an output's too wide.
    """
    axes = tuple(Axis.of(port, CELLS) for port in kernel.inputs)

    def features(x: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.column_stack([np.ones(len(x)), basis_of(axes, terms, x) / ONE])

    start = np.zeros((len(terms) + 1, train.y.shape[1]))
    start[0] = train.y.mean(axis=0)
    found = fit(features, train, validation, kernel.error, start, rounds).coefficients
    whole, constants, scales = [], [], []
    for output in range(found.shape[1]):
        scale = _scale(found[:, output])
        scales.append(float(np.float32(scale * 2.0**SUM_SHIFT)))
        whole.append(np.round(found[1:, output] / (ONE * scale)))
        constants.append(round(float(found[0, output]) / scale))
    rows = np.stack(whole, axis=1).astype(np.int32)
    used = rows.any(axis=1)
    kept = tuple(term for term, is_used in zip(terms, used, strict=True) if is_used)
    return Polynomial(axes, kept, rows[used], tuple(constants), tuple(scales))


def term_sets(inputs: int, most: int) -> Iterator[tuple[Term, ...]]:
    """Yield sets of at most `most` terms: total degree 1, 2, ..., and for several inputs hyperbolic crosses.

    A hyperbolic cross keeps the terms whose product of (degree + 1) is bounded: high degrees in one input at a time.
    """
    seen: set[tuple[Term, ...]] = set()
    for degree in range(1, most + 1):
        found = False
        for keep in (_total, _cross):
            terms = _terms(inputs, degree, keep, most)
            if terms is not None:
                found = True
                if terms not in seen:
                    seen.add(terms)
                    yield terms
        if not found:
            return


def basis_of(axes: tuple[Axis, ...], terms: tuple[Term, ...], x: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return the terms' products [N, terms] with BASIS_BITS fraction bits, bit for bit as the C has them."""
    highest = [max((term[i] for term in terms), default=0) for i in range(len(axes))]
    single = [_chebyshev(axis.positions(x[:, i]) - ONE, highest[i]) for i, axis in enumerate(axes)]
    columns = np.empty((len(x), len(terms)), np.int32)
    for column, term in enumerate(terms):
        factors = [single[i][degree] for i, degree in enumerate(term) if degree]
        value = factors[0]
        for factor in factors[1:]:
            value = (value * factor) >> BASIS_BITS
        columns[:, column] = value
    return columns


def _chebyshev(t: NDArray[np.int32], highest: int) -> list[NDArray[np.int32]]:
    """Return T_0 .. T_highest by T_k = 2 t T_(k-1) - T_(k-2), each rounded down."""
    found = [np.full_like(t, ONE), t]
    for _ in range(2, highest + 1):
        found.append(((t * found[-1]) >> (BASIS_BITS - 1)) - found[-2])
    return found


def _scale(coefficients: NDArray[np.float64]) -> float:
    """Return the finest scale with which no sum of terms and constant leaves 31 bits.

    Raises:
        ValueError: it is too large for the float rules.
    """
    scale = float(np.float32((1.1 * float(np.abs(coefficients).sum()) + 1e-20) / _SUM_LIMIT))
    if not scale * 2.0**SUM_SHIFT < LARGEST_SCALE:
        raise ValueError("an output's range is too wide.")
    return scale


def _total(term: Term, degree: int) -> bool:
    return sum(term) <= degree


def _cross(term: Term, degree: int) -> bool:
    return int(np.prod([part + 1 for part in term])) <= degree + 1


def _terms(inputs: int, degree: int, keep: Keep, most: int) -> tuple[Term, ...] | None:
    """Return the terms that `keep` keeps, low degrees first, or None where there are more than `most`."""
    found: list[Term] = []
    for term in _walk(inputs, degree, keep):
        found.append(term)
        if len(found) > most:
            return None
    return tuple(sorted(found, key=lambda term: (sum(term), term)))


def _walk(inputs: int, degree: int, keep: Keep) -> Iterator[Term]:
    """Yield every kept term but the constant; a term is kept only if those of lower degree are."""

    def grow(prefix: Term) -> Iterator[Term]:
        if len(prefix) == inputs:
            if any(prefix):
                yield prefix
            return
        for part in range(degree + 1):
            grown = (*prefix, part)
            if not keep((*grown, *[0] * (inputs - len(grown))), degree):
                return
            yield from grow(grown)

    return grow(())
