"""The domain guard in C: tables of bands, and an envelope as sums of products or as a loop over a table."""

from __future__ import annotations

import textwrap

from axedge.convert.qnet import Band, Envelope

#: Products written out one by one; more of them make a loop.
_MOST_PRODUCTS = 128


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
    looped = small or int((envelope.weights != 0).sum()) > _MOST_PRODUCTS
    sums = [_sum(row) for row in envelope.weights.tolist()]
    ends = list(zip(envelope.low.tolist(), envelope.high.tolist(), strict=True))
    weights = "\n".join(_wrapped("{" + ", ".join(map(str, row)) + "},") for row in envelope.weights.tolist())
    return {
        "looped": looped,
        "projections": projections,
        "inputs": inputs,
        "coarse": [_coarse(str(index), bits) for index in range(inputs)],
        "coarse_j": _coarse("j", bits),
        "weights": weights,
        "ends": _wrapped(" ".join(f"{{{low}, {high}}}," for low, high in ends)),
        "parts": [(text, low, high) for text, (low, high) in zip(sums, ends, strict=True)],
        "shift": f" >> {envelope.shift}" if envelope.shift else "",
        "limit": envelope.limit,
    }


def _coarse(index: str, bits: int) -> str:
    return f"codes[{index}]" if bits == 8 else f"(codes[{index}] >> 8)"


def _sum(weights: list[int]) -> str:
    """Return the C of weights times c0, c1, ..., which are int32_t."""
    terms = [(weight, f"c{index}") for index, weight in enumerate(weights) if weight]
    if not terms:
        return "0"
    text = " ".join(f"{'-' if weight < 0 else '+'} {abs(weight)} * {name}" for weight, name in terms)
    return text.removeprefix("+ ").replace("- ", "-", 1) if text.startswith("- ") else text.removeprefix("+ ")


def _wrapped(text: str) -> str:
    return textwrap.fill(text, width=110, initial_indent="    ", subsequent_indent="    ")
