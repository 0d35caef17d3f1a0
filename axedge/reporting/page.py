"""The report as one HTML file that needs no network: style, script, Plotly and data are all inside."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axedge.artifacts.errors import ToolMissing
from axedge.host.words import exact_percent, number, percent
from axedge.reporting.charts import Chart, charts_of
from axedge.reporting.material import Material

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Number:
    """One of the four numbers at the top: what it is, its value, and a few words."""

    name: str
    value: str
    note: str


def render_page(material: Material, command: str) -> str:
    """Return the page.

    Args:
        material: what it is about.
        command: that made it, for the provenance.

    Raises:
        ToolMissing: Plotly or jinja2 is not installed.
    """
    try:
        import jinja2
        import plotly.offline
    except ImportError as error:
        raise ToolMissing(f"{error.name} is not installed.", "Install it: pip install 'axedge[report]'.") from None

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    environment.filters |= {"percent": percent, "number": number, "glue": glue}
    charts = charts_of(material)
    return environment.get_template("report.html.j2").render(
        bench=material.bench,
        convert=material.convert,
        alternatives=material.alternatives,
        numbers=four_numbers(material),
        charts=charts,
        boards=board_rows(material),
        provenance=provenance(material, command),
        style=(_TEMPLATES / "report.css").read_text(encoding="utf-8"),
        script=(_TEMPLATES / "report.js").read_text(encoding="utf-8"),
        plotly=plotly.offline.get_plotlyjs(),
        data=script_data(charts),
    )


def glue(text: str) -> str:
    """Return text in which no line ends between a number and its percent sign."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def script_data(charts: list[Chart]) -> str:
    """Return the figures as JSON that can stand inside a script element, whatever words it holds."""
    body: dict[str, Any] = {chart.name: list(chart.figures.values()) for chart in charts}
    text = json.dumps(body, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def four_numbers(material: Material) -> tuple[Number, ...]:
    """Return what a reader looks for first."""
    bench, size = material.bench, material.bench.footprint
    if bench.guarantee is None:
        used = Number("Invocation", percent(bench.invocation), "of the inputs; nothing is promised about the answers")
    else:
        wanted = exact_percent(1 - bench.guarantee.eps)
        note = (
            f"of the inputs, at {wanted} precision promised with {exact_percent(1 - bench.guarantee.delta)} confidence"
        )
        used = Number("Invocation at the guarantee", percent(bench.invocation), note)
    gain = bench.speedup
    if gain.value is None:
        faster = Number("Speed-up", "-", "there is no exact function to compare with, or too little was measured")
    else:
        limit = "" if gain.bound is None else f"; at this invocation less than {gain.bound:.2f}"
        faster = Number("Speed-up", f"{gain.value:.2f}x", f"in {gain.of}, against the exact function alone{limit}")
    flash = Number("Flash", f"{size.engine_flash_bytes:,} B", f"for the network; {size.flash_bytes:,} B in all")
    bound = material.convert.error.bound
    worst = Number(
        "Worst error seen",
        number(bench.error.max),
        f"{bench.violations:,} of the {bench.paths.approximated:,} answers used exceed the bound of {bound:g} "
        f"({material.convert.error.metric})",
    )
    return (used, faster, flash, worst)


def board_rows(material: Material) -> list[tuple[str, ...]]:
    """Return one row a bench of this kernel, the report's own first; a heading row at the top."""
    rows = [
        (
            "board",
            "engine",
            "used",
            "precision",
            "network",
            "exact",
            "gated",
            "unit",
            "speed-up",
            "flash of the network",
        )
    ]
    for record in (material.bench, *material.others):
        means = [
            spread.mean if spread else None
            for spread in (record.ticks.approximate, record.ticks.exact, record.ticks.gated)
        ]
        rows.append(
            (
                record.board,
                f"{record.engine}, {record.activations}",
                percent(record.invocation),
                percent(record.precision, None if record.guarantee is None else 1 - record.guarantee.eps),
                *("-" if mean is None else f"{mean:,.0f}" for mean in means),
                record.ticks.unit,
                "-" if record.speedup.value is None else f"{record.speedup.value:.2f}",
                f"{record.footprint.engine_flash_bytes:,} B",
            )
        )
    return rows


def provenance(material: Material, command: str) -> list[tuple[str, str]]:
    """Return what made these figures: names and values."""
    convert, build, bench = material.convert, material.build, material.bench
    rows = [
        ("command", command),
        ("axedge", bench.axedge),
        ("kernel", f"{convert.kernel}, digest {convert.kernel_digest[:16]}"),
        ("model hash", bench.model_hash),
        ("build id", bench.build_id),
        ("engine", f"{bench.engine}, {convert.form}, optimised for {build.optimize}"),
        ("compiler", build.compiler),
        ("samples", f"{bench.samples:,}, seed {bench.seed}"),
        ("clock", f"{bench.ticks.source}, {bench.ticks.hz:,} Hz" + _shift(bench.ticks.icount_shift)),
        ("versions", ", ".join(f"{name} {version}" for name, version in convert.versions.items())),
    ]
    if material.train is not None:
        train = material.train
        shape = f"approximator {list(train.topology.approximator)}, predictor {list(train.topology.predictor)}"
        rows.insert(3, ("network", f"{shape}, {train.parameters} parameters, seed {train.options.seed}"))
    return rows


def _shift(icount_shift: int | None) -> str:
    return "" if icount_shift is None else f", QEMU -icount shift={icount_shift}: instructions, not time"
