"""Fills the templates of a form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from axedge.convert.dropin.forms import Form
from axedge.convert.emit.names import float_literal

_TEMPLATES = Path(__file__).parent / "templates"


def render(form: Form, facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of all files but the C of network and kernel, by path below the folder."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters |= {"float_literal": float_literal, "c_string": c_string, "plain": plain, "percent": percent}
    values = {**facts, "form": form, "code": f"{form.sources}/" if form.sources else ""}
    own = {template: target.format_map(facts) for template, target in form.files.items()}
    example = f"{form.name}/example.j2"
    wanted = {f"{form.name}/{template}.j2": target for template, target in own.items()}
    wanted[example if example in environment.list_templates() else "common/example.c.j2"] = form.example
    wanted["common/number.h.j2"] = str(Path(form.example).with_name("number.h"))
    if facts["engine"] == "tflm":
        wanted["common/tflm.h.j2"] = str(Path(form.headers, f"{facts['library']}_tflm.h"))
    wanted |= {"common/README.md.j2": "README.md", "common/NOTICE.j2": "NOTICE"}
    texts = {target: environment.get_template(template).render(values) for template, target in wanted.items()}
    texts["LICENSE"] = (_TEMPLATES / "LICENSE").read_text(encoding="utf-8")
    return texts


def c_string(text: str) -> str:
    """Return a C string literal of the text's UTF-8, in printable ASCII."""
    safe = (chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}" for byte in text.encode())
    return f'"{"".join(safe)}"'


def plain(text: str) -> str:
    """Return one line of ASCII that neither ends a C comment nor starts a substitution in CMake, Kconfig or YAML."""
    line = " ".join(text.encode("ascii", "replace").decode().split())
    return line.replace("*/", "* /").replace("/*", "/ *").translate(str.maketrans({'"': "'", "\\": "/", "$": "S"}))


def percent(share: float) -> str:
    """Return a share as a percentage."""
    return f"{100 * share:.1f} %"
