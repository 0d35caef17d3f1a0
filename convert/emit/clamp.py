"""How a value is kept within its codes, and by which amount it is kept displaced.

A unit's value need not be kept as its code: whatever reads it can fold a displacement into its own constants. The
displacement is chosen so that the clamp is one of the core's saturating instructions, or none at all where the
domain shows that it cannot act.
"""

from __future__ import annotations

from dataclasses import dataclass

from axedge.convert.emit.domain import Staircase


@dataclass(frozen=True)
class Clamp:
    """value = clamp(code - offset).

    Attributes:
        kind: "none", "signed" (to -2^(bits-1) .. 2^(bits-1)-1), "unsigned" (to 0 .. 2^bits-1), "range" (low to high).
        bits: of signed and unsigned.
        offset: code minus value.
        low: smallest value, of range.
        high: largest value, of range.
    """

    kind: str
    offset: int
    bits: int = 8
    low: int = 0
    high: int = 0

    def apply(self, value: int) -> int:
        """Return a value after the clamp."""
        half = 1 << (self.bits - 1)
        ends = {"signed": (-half, half - 1), "unsigned": (0, 2 * half - 1), "range": (self.low, self.high)}
        low, high = ends.get(self.kind, (value, value))
        return min(max(value, low), high)


def clamp_choices(
    stairs: Staircase, low: int, high: int, wanted: tuple[int, ...], bits: int = 8, strict: bool = False
) -> list[Clamp]:
    """Return clamps that let codes low..high through, the cheapest first.

    Args:
        stairs: of the code, with its values at the ends before clamping.
        low: smallest code let through.
        high: largest code let through.
        wanted: offsets that the readers would like, the best first; () if any will do.
        bits: of a code.
        strict: whether no other offset than those wanted will do.
    """
    below, above = stairs.at_low < low, stairs.at_high > high
    choices = [] if below or above else [Clamp("none", offset) for offset in (wanted or (0,))]
    lowest, highest = max(stairs.at_low, low), min(stairs.at_high, high)
    for kind, size in _kinds(high - low + 1, bits):
        width = 1 << size
        lift = width // 2 if kind == "signed" else 0
        for offset in dict.fromkeys((low + lift, high + 1 - width + lift)):
            bottom = offset - lift
            fits = bottom <= lowest and highest <= bottom + width - 1
            if fits and not (below and bottom != low) and not (above and bottom + width - 1 != high):
                choices.append(Clamp(kind, offset, size))
    if strict:
        choices = [choice for choice in choices if choice.offset in wanted]
    rank = {offset: place for place, offset in enumerate(wanted)}
    choices.sort(key=lambda choice: (choice.kind != "none", rank.get(choice.offset, len(wanted))))
    offset = wanted[0] if wanted else 0
    return [*choices, Clamp("range", offset, bits, low - offset, high - offset)]


def _kinds(count: int, bits: int) -> list[tuple[str, int]]:
    """Return the saturations to a power of two of values that also fit a signed half-word."""
    exact = count.bit_length() - 1
    sizes = {bits, exact} if count > 1 and count == 1 << exact else {bits}
    return [(kind, size) for size in sorted(sizes) for kind in ("unsigned", "signed") if kind == "signed" or size < 16]
