"""An alternative as C: one function with the kernel's name and signature, so that it can stand in for the kernel."""

from __future__ import annotations

import re
from itertools import accumulate
from pathlib import Path

import jinja2

from axedge.artifacts.records.base import axedge_version
from axedge.convert.alternatives.polynomial import BASIS_BITS, ONE, SUM_SHIFT, Polynomial
from axedge.convert.alternatives.positions import FRACTION_BITS, Axis
from axedge.convert.alternatives.table import LookupTable, corner_offsets
from axedge.convert.emit.floats import input_factor, output_factor
from axedge.convert.emit.names import float_literal

#: Up to this many inputs the corners of a cell, and the inputs of a polynomial, are written out one by one.
_WRITTEN_OUT_INPUTS = 3
#: Up to this many outputs a polynomial's sums are kept side by side; more are taken one after the other.
_SUMS_SIDE_BY_SIDE = 4
#: Values that a byte can name.
_PLACES = 256

_TEMPLATES = Path(__file__).parent / "templates", Path(__file__).parents[1] / "emit" / "templates"
#: Stands for the kernel's name until nothing else has it.
_NAME = "AXE_ALTERNATIVE"


def emit_table(name: str, table: LookupTable) -> str:
    """Return C of `void name(const float in[n], float out[m])` that answers as the table does."""
    outputs = table.codes.shape[1]
    unit, pairs = outputs, corner_offsets(table.strides[:-1])
    return _render(
        "table.c.j2",
        name,
        axes=table.axes,
        used=range(len(table.axes)),
        outputs=[(scale.offset, scale.scale) for scale in table.outputs],
        nodes=table.codes.tolist(),
        strides=[stride * unit for stride in table.strides],
        pairs=[offset * unit for offset in pairs],
        written_out=len(table.axes) <= _WRITTEN_OUT_INPUTS,
    )


def emit_polynomial(name: str, polynomial: Polynomial) -> str:
    """Return C of `void name(const float in[n], float out[m])` that answers as the polynomial does, written out."""
    return _render(
        "polynomial.c.j2",
        name,
        terms=_terms(polynomial),
        by_output=len(polynomial.scales) > _SUMS_SIDE_BY_SIDE,
        **_common(polynomial),
    )


def emit_polynomial_loops(name: str, polynomial: Polynomial) -> str | None:
    """Return C that answers as `emit_polynomial`'s, in less than half the flash and more slowly: it walks in loops.

    Returns:
        None: so many outputs, or single polynomials, are not catered for.
    """
    # Every input's T_0 has a place of its own, so that one recursion serves them all.
    starts = list(accumulate((degree + 1 if degree else 0 for degree in polynomial.degrees), initial=0))
    if len(polynomial.scales) > _SUMS_SIDE_BY_SIDE or starts[-1] > _PLACES:
        return None
    groups, sorted_terms = [], []
    for count in range(1, len(polynomial.axes) + 1):
        group = [term for term in _terms(polynomial) if len(term[0]) == count]
        rows = [[starts[index] + degree for index, degree in factors] for factors, _ in group]
        sorted_terms += group
        if group:
            groups.append({"factors": count, "rows": rows, "bytes": count * len(rows), "end": len(sorted_terms)})
    return _render(
        "polynomial_loops.c.j2",
        name,
        terms=sorted_terms,
        groups=groups,
        starts=starts,
        values=starts[-1],
        by_output=False,
        **_common(polynomial),
    )


def _terms(polynomial: Polynomial) -> list[tuple[list[tuple[int, int]], list[int]]]:
    """Return each term's factors, as input and degree, and its coefficients, one an output."""
    return [
        (
            [(index, degree) for index, degree in enumerate(term) if degree],
            [int(value) for value in polynomial.coefficients[number]],
        )
        for number, term in enumerate(polynomial.terms)
    ]


def _common(polynomial: Polynomial) -> dict[str, object]:
    return {
        "axes": polynomial.axes,
        "sum_shift": SUM_SHIFT,
        "outputs": list(zip(polynomial.constants, polynomial.scales, strict=True)),
        "degrees": polynomial.degrees,
        "used": [index for index, degree in enumerate(polynomial.degrees) if degree],
        "walk_inputs": sum(map(bool, polynomial.degrees)) > _WRITTEN_OUT_INPUTS,
        "one": ONE,
        "basis_bits": BASIS_BITS,
    }


def emit_nothing(name: str, inputs: int, outputs: int) -> str:
    """Return C of a function that does nothing: what an alternative takes over this is its own."""
    return _render("nothing.c.j2", name, inputs=inputs, outputs=outputs)


def _render(template: str, name: str, **values: object) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    filters = {
        "float_literal": float_literal,
        "minus_shift": lambda axis: f" - {float_literal(axis.shift)}" if axis.shift else "",
        "range_values": _range_values,
        "scale_values": lambda factor: ", ".join(_output_factor(factor)),
        "times": lambda number, factor: f"UNSCALED({', '.join([number, *_output_factor(factor)])})",
    }
    environment.filters.update(filters)
    # The network's own float rules, so that neither pays more for them.
    rules = {"soft_inputs": 1, "soft_outputs": 1}
    text = environment.get_template(template).render(
        name=_NAME, fraction_bits=FRACTION_BITS, version=axedge_version(), **rules, **values
    )
    return re.sub(rf"\b{name}\b", f"{name}_", text).replace(_NAME, name)


def _range_values(axis: Axis) -> str:
    high, low, exponent = input_factor(axis.scale)
    ends = ", ".join(map(str, axis.bits))
    return f"{ends}, {float_literal(axis.scale)}, {high}u, {low}u, {exponent}, {axis.base}, {axis.top}"


def _output_factor(factor: float) -> tuple[str, ...]:
    high, low, exponent = output_factor(factor)
    return float_literal(factor), f"{high}u", f"{low}u", str(exponent)
