"""An alternative as C: one function with the kernel's name and signature, so that it can stand in for the kernel."""

from __future__ import annotations

from pathlib import Path

import jinja2

from axedge.artifacts.records.base import axedge_version
from axedge.convert.alternatives.polynomial import BASIS_BITS, ONE, Polynomial
from axedge.convert.alternatives.positions import FRACTION_BITS, Axis
from axedge.convert.alternatives.table import LookupTable, corner_offsets
from axedge.convert.emit.names import float_literal

#: Up to this many inputs the corners of a cell are written out one by one.
_WRITTEN_OUT_INPUTS = 3

_TEMPLATES = Path(__file__).parent / "templates"


def emit_table(name: str, table: LookupTable) -> str:
    """Return C of `void name(const float in[n], float out[m])` that answers as the table does."""
    outputs = table.codes.shape[1]
    unit, pairs = outputs, corner_offsets(table.strides[:-1])
    return _render(
        "table.c.j2",
        name,
        table.axes,
        outputs=[(scale.offset, scale.scale) for scale in table.outputs],
        nodes=table.codes.tolist(),
        strides=[stride * unit for stride in table.strides],
        pairs=[offset * unit for offset in pairs],
        written_out=len(table.axes) <= _WRITTEN_OUT_INPUTS,
    )


def emit_polynomial(name: str, polynomial: Polynomial) -> str:
    """Return C of `void name(const float in[n], float out[m])` that answers as the polynomial does."""
    terms = [
        (
            [(index, degree) for index, degree in enumerate(term) if degree],
            [int(value) for value in polynomial.coefficients[number]],
        )
        for number, term in enumerate(polynomial.terms)
    ]
    return _render(
        "polynomial.c.j2",
        name,
        polynomial.axes,
        outputs=list(zip(polynomial.constants, polynomial.scales, strict=True)),
        terms=terms,
        degrees=polynomial.degrees,
        one=ONE,
        basis_bits=BASIS_BITS,
    )


def emit_nothing(name: str, inputs: int, outputs: int) -> str:
    """Return C of a function that uses the library's float routines as every alternative does, and nothing else.

    What an alternative takes over this is its own.
    """
    axes = tuple(Axis(0.0, 1.0, 1, 1.0) for _ in range(inputs))
    return _render("nothing.c.j2", name, axes, outputs=[(1, 0.5)] * outputs)


def _render(template: str, name: str, axes: tuple[Axis, ...], **values: object) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["float_literal"] = float_literal
    return environment.get_template(template).render(
        name=name, axes=axes, fraction_bits=FRACTION_BITS, version=axedge_version(), **values
    )
