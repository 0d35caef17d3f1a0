"""Joins the printed network with the templates of the pair."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2

from axedge.artifacts.records.base import axedge_version
from axedge.convert.affine import before_split
from axedge.convert.emit.floats import (
    InputRule,
    check_output_rule,
    input_factor,
    input_rule,
    output_factor,
    soft_input,
    soft_output,
)
from axedge.convert.emit.guard import band_words, envelope_words
from axedge.convert.emit.names import float_literal
from axedge.convert.qnet import Activation, Deployment, OutputCode

#: Changes whenever a .h and a .c of different axedge versions would not fit together.
FORMAT = 1

_TEMPLATES = Path(__file__).parent / "templates"
_READING_BITS = {8: 20, 12: 16, 16: 12}
#: Stands for the exact function's name until the file's own names have made room for it.
_EXACT = "@exact@"


def render_pair(deployment: Deployment, network: str, variant: str, inlined: bool, small: bool) -> dict[str, str]:
    """Return the two files' names and texts.

    Args:
        deployment: checked.
        network: C of `static int32_t run(const code *in, code *out, int32_t least)` and all it needs. It returns the
            logit and writes `out`, which may be `in`, only if the logit is at least `least`.
        variant: a sentence for the banner: what the code was made for.
        inlined: whether a few more bytes may save instructions around the network.
        small: whether bytes count for more than instructions.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["float_literal"] = float_literal
    values = _values(deployment, small) | {"network": network, "variant": variant, "inlined": inlined}
    header, source = (environment.get_template(f"axnet.{kind}.j2").render(values) for kind in ("h", "c"))
    source = _make_room(source, deployment.kernel)
    return {
        f"axnet_{deployment.kernel}.h": header,
        f"axnet_{deployment.kernel}.c": source.replace(_EXACT, deployment.kernel),
    }


def _values(deployment: Deployment, small: bool) -> dict[str, object]:
    net = deployment.net
    source, answer = net.activations[net.source], net.activations[net.answer]
    bits, fine_bits = net.bits, deployment.fine_bits
    grid = before_split(source, fine_bits)
    rules = [input_rule(rule, index) for index, rule in enumerate(deployment.inputs)]
    return {
        "kernel": deployment.kernel,
        "KERNEL": deployment.kernel.upper(),
        "version": axedge_version(),
        "format": FORMAT,
        "model_hash": deployment.model_hash,
        "has_exact": deployment.has_exact,
        "has_logit": net.logit is not None,
        "bits": bits,
        "codes": source.size,
        "fine_bits": fine_bits,
        "fine_zero": source.zero_point,
        "grid_bits": grid.bits,
        "grid_ends": ["CODE_MIN", "CODE_MAX"] if not fine_bits else [grid.code_min, grid.code_max],
        "grid_min": grid.code_min,
        "grid_max": grid.code_max,
        "code_min": source.code_min,
        "code_max": source.code_max,
        "threshold": deployment.threshold if net.logit else source.code_min,
        "eps": deployment.eps,
        "delta": deployment.delta,
        "calibration_count": deployment.calibration_count,
        "eps_text": f"{deployment.eps:g}",
        "delta_text": f"{deployment.delta:g}",
        "notes": [_comment(line) for line in deployment.notes],
        "inputs": deployment.inputs,
        "outputs": [check_output_rule(rule, index, answer) for index, rule in enumerate(deployment.outputs)],
        "rules": rules,
        "guard": " ||\n        ".join(
            f"!within(in[{index}], 0x{rule.first:08x}u, 0x{rule.span:08x}u)" for index, rule in enumerate(rules)
        ),
        "soft_inputs": sum(soft_input(rule.rule) for rule in rules),
        "soft_outputs": sum(soft_output(rule) for rule in deployment.outputs),
        "bands": [band_words(band, bits) for band in deployment.guard],
        "envelope": envelope_words(deployment.envelope, bits, small),
        "full_range": (source.code_min, source.code_max) == (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
        "any_clamp": any(_may_saturate(rule, grid) for rule in rules),
        "encode_expression": lambda rule, index: _encode(rule, index, grid),
        "decode_expression": _decode,
        "reading_bits": _READING_BITS[bits],
        "reading_one": 1 << _READING_BITS[bits],
        "grid_reading_bits": _READING_BITS[grid.bits],
        "grid_reading_one": 1 << _READING_BITS[grid.bits],
    }


def _may_saturate(rule: InputRule, grid: Activation) -> bool:
    return rule.low < grid.code_min or rule.high > grid.code_max


def _encode(rule: InputRule, index: int, grid: Activation) -> str:
    """Return C for the code of an input, before it is split where that is wanted."""
    constants = rule.rule
    value = f"(int32_t)(in[{index}] * {float_literal(constants.factor)})"
    if soft_input(constants):
        high, low, exponent = input_factor(constants.factor)
        value = f"SCALED(in[{index}], {float_literal(constants.factor)}, {high}u, {low}u, {exponent})"
    if constants.bias:
        value = f"({value} {'+' if constants.bias > 0 else '-'} {abs(constants.bias)})"
    value = f"{value} >> {constants.shift}" if constants.shift else value
    value = f"saturate({value})" if _may_saturate(rule, grid) else f"({value})"
    return value if rule.rule.fine_bits else f"(code){value}"


def _decode(rule: OutputCode, index: int) -> str:
    value = f"(int32_t)codes[{index}]"
    if rule.shift:
        value = f"{value} * {1 << rule.shift}"
    if rule.bias:
        value = f"{value} {'+' if rule.bias > 0 else '-'} {abs(rule.bias)}"
    if soft_output(rule):
        high, low, exponent = output_factor(rule.factor)
        return f"UNSCALED({value}, {float_literal(rule.factor)}, {high}u, {low}u, {exponent})"
    return f"(float)({value}) * {float_literal(rule.factor)}"


def _make_room(source: str, kernel: str) -> str:
    """Return a .c in which nothing of its own has the name of the exact function, such as decode or run."""
    own = {"in", "out", "copy", *re.findall(r"^#define (\w+)", source, re.MULTILINE)}
    own |= set(re.findall(r"^(?:static|typedef)\b[^;{=(\[\n]*\b(\w+)\s*[\[(;=]", source, re.MULTILINE))
    return re.sub(rf"\b{kernel}\b", f"{kernel}_", source) if kernel in own else source


def _comment(line: str) -> str:
    """Return a line that cannot end the comment it stands in, nor continue it."""
    text = " ".join(line.replace("*/", "* /").replace("/*", "/ *").split())
    return text.encode("ascii", "replace").decode().rstrip("\\").replace("??/", "? ?/")
