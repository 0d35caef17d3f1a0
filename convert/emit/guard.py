"""The domain guard in C: tables of bands, and an envelope as sums of products or as a loop over a table."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np

from axedge.convert.qnet import Band, Envelope

#: Products written out one by one, each for two projections; more of them make a loop.
_MOST_PRODUCTS = 64


def band_words(band: Band, bits: int) -> dict[str, object]:
    """Return what the template needs of one band; it looks at the upper 8 bits of codes."""
    text = " ".join(f"{{{low}, {high}}}," for low, high in zip(band.low.tolist(), band.high.tolist(), strict=True))
    return {
        "rows": len(band.low),
        "table": _wrapped(text),
        "row": _coarse(str(band.row), bits),
        "shift": band.row_shift,
        "column": _coarse(str(band.column), bits),
    }


def envelope_words(envelope: Envelope | None, bits: int, small: bool) -> dict[str, object] | None:
    """Return what the template needs of the envelope, None without one.

    Args:
        envelope: of the deployment.
        bits: of a code.
        small: whether bytes count for more than instructions.
    """
    if envelope is None:
        return None
    projections, inputs = envelope.weights.shape
    ends = list(zip(envelope.low.tolist(), envelope.high.tolist(), strict=True))
    words: dict[str, object] = {
        "form": "bytes",
        "rows": projections,
        "inputs": inputs,
        # An input that no projection takes has no variable: it would be set and not used.
        "coarse": [(index, _coarse(str(index), bits)) for index in np.flatnonzero(envelope.weights.any(axis=0))],
        "coarse_j": _coarse("j", bits),
        "table": _table(envelope.weights.tolist()),
        "ends": _table(ends),
        "shift": f" >> {envelope.shift}" if envelope.shift else "",
        "limit": envelope.limit,
    }
    if small:
        return words
    pairs, pair_ends = _packed(envelope)
    many = sum(weight != 0 for row in pairs for weight in row) > _MOST_PRODUCTS
    sums = [(_sum(row), ", ".join(map(str, four))) for row, four in zip(pairs, pair_ends, strict=True)]
    form = {"form": "loop" if many else "products", "rows": len(pairs), "parts": sums}
    return words | form | {"table": _table(pairs), "ends": _table(pair_ends)}


def _packed(envelope: Envelope) -> tuple[list[list[int]], list[list[int]]]:
    """Return weights and ends of two projections together: one product serves both, in 16 bits each of its 32."""
    weights, ends = envelope.weights.astype(np.int64), np.stack([envelope.low, envelope.high], axis=1)
    if len(weights) % 2:
        # Nothing lies outside: a sum of 0 within 0 to 0.
        weights, ends = (np.concatenate([part, np.zeros((1, part.shape[1]), np.int64)]) for part in (weights, ends))
    return (weights[::2] + 65536 * weights[1::2]).tolist(), ends.reshape(-1, 4).tolist()


def _coarse(index: str, bits: int) -> str:
    return f"codes[{index}]" if bits == 8 else f"(codes[{index}] >> 8)"


def _sum(weights: list[int]) -> str:
    """Return the C of weights times c0, c1, ..., modulo 2^32."""
    products = (f"weighed(c{index}, 0x{weight % 2**32:08x}u)" for index, weight in enumerate(weights) if weight)
    return " + ".join(products) or "0u"


def _table(rows: Sequence[Sequence[int]]) -> str:
    return "\n".join(_wrapped("{" + ", ".join(map(str, row)) + "},") for row in rows)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, width=110, initial_indent="    ", subsequent_indent="    ")
