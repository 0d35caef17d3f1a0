"""The two float rules of docs/architecture.md as constants that the generated C needs.

What can be proved while generating is not left to the device: a clamp that cannot act is not emitted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from axedge.artifacts.errors import UnsupportedModel
from axedge.convert.qnet import Activation, InputCode, OutputCode

_PRODUCT_LIMIT = 1 << 30
_EXACT_FLOAT = 1 << 24


@dataclass(frozen=True)
class InputRule:
    """One input's guard and conversion.

    Attributes:
        rule: the constants of the written rule.
        first: ordered bits of the domain's lower end, modulo 2^32.
        span: ordered bits of the upper end minus `first`.
        low: code of the lower end of the domain before clamping.
        high: code of the upper end of the domain before clamping.
    """

    rule: InputCode
    first: int
    span: int
    low: int
    high: int


def ordered_bits(value: float, zero_below: bool) -> int:
    """Return the float32's bits as an int32 that orders as the floats do (-0 directly below +0).

    Args:
        value: a finite number.
        zero_below: whether a zero of either sign shall count as -0.
    """
    single = np.float32(value)
    if single == 0:
        return -1 if zero_below else 0
    bits = int(single.view(np.int32))
    return bits if bits >= 0 else bits ^ 0x7FFFFFFF


def input_rule(rule: InputCode, index: int) -> InputRule:
    """Derive what the C needs from the rule of input `index`.

    Raises:
        UnsupportedModel: the domain is empty or not finite, or the integers of the rule could overflow.
    """
    ends = np.array([rule.minimum, rule.maximum], np.float32)
    factor = np.float32(rule.factor)
    if not (np.isfinite(ends).all() and np.isfinite(factor) and ends[0] <= ends[1] and factor != 0):
        raise UnsupportedModel(
            f"input {index} has the domain [{rule.minimum}, {rule.maximum}] and the factor {rule.factor}.",
            "Its ends must be finite and in order, its factor finite and not 0.",
        )
    products = ends * factor
    largest = max(abs(float(product)) for product in products)
    if not (largest + abs(rule.bias) < _PRODUCT_LIMIT and 0 <= rule.shift <= 24):
        raise UnsupportedModel(
            f"input {index}: |x * {rule.factor}| + |{rule.bias}| reaches {largest + abs(rule.bias):.0f}.",
            "It must stay below 2^30, with a shift of 0 to 24.",
        )
    codes = sorted((int(product) + rule.bias) >> rule.shift for product in products)
    first, last = ordered_bits(float(ends[0]), True), ordered_bits(float(ends[1]), False)
    return InputRule(rule, first % 2**32, last - first, codes[0], codes[1])


def check_output_rule(rule: OutputCode, index: int, activation: Activation) -> OutputCode:
    """Return the rule of output `index` if each of its integers is exact in a float32.

    Raises:
        UnsupportedModel: one is not.
    """
    ends = [(code << rule.shift) + rule.bias for code in (activation.code_min, activation.code_max)]
    if not (0 <= rule.shift <= 24 and max(abs(end) for end in ends) < _EXACT_FLOAT and np.isfinite(rule.factor)):
        raise UnsupportedModel(
            f"output {index}: (code << {rule.shift}) + {rule.bias} reaches {max(ends, key=abs)}.",
            "It must stay below 2^24 in magnitude, with a finite factor.",
        )
    return rule


def significand(factor: float) -> tuple[int, int, int]:
    """Return the upper 8 and lower 16 bits of a positive normal float32's significand, and its biased exponent."""
    bits = int(np.float32(factor).view(np.uint32))
    whole = (bits & 0x7FFFFF) | 0x800000
    return whole >> 16, whole & 0xFFFF, bits >> 23


def input_factor(factor: float) -> tuple[int, int, int]:
    """Return a factor's significand in two parts and the exponent, as SCALED of the C wants them."""
    # x * factor = significands * 2^(exponents - 300); without its lower 24 bits the product's exponent is 0 at 276.
    high, low, exponent = significand(factor)
    return high, low, 276 - exponent


def output_factor(factor: float) -> tuple[int, int, int]:
    """Return a factor's significand in two parts and the exponent, as UNSCALED of the C wants them."""
    # 24 lower bits are dropped; one less because the significand's leading 1 adds itself to the exponent.
    high, low, exponent = significand(factor)
    return high, low, exponent + 23


def soft_input(rule: InputCode) -> bool:
    """Whether the product of an input's rule can be made of integers: subnormal inputs must give 0."""
    factor = np.float32(rule.factor)
    return bool(np.finfo(np.float32).tiny <= factor < 2.0**126)


def soft_output(rule: OutputCode) -> bool:
    """Whether the product of an output's rule can be made of integers: no result may be subnormal or infinite."""
    return bool(np.finfo(np.float32).tiny <= np.float32(rule.factor) < 2.0**100)
