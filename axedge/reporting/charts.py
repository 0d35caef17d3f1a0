"""The report's charts, as Plotly figures; colours of text and grid are the page's."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.kept import TURNED_AWAY
from axedge.kernels.metrics import let_through
from axedge.reporting.maps import Map, maps_of, that_matter
from axedge.reporting.material import Material

if TYPE_CHECKING:
    import plotly.graph_objects as go

# Okabe and Ito's colours, told apart by colour-blind eyes as well.
BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#888888"
_CURVE_POINTS = 300
_BARS = 60
_SMALLEST_RATIO = 1e-4


@dataclass(frozen=True)
class Chart:
    """A place in the page for one or more figures, of which one is shown.

    Attributes:
        name: its id in the page.
        title: a heading.
        caption: what it shows, for everybody, also who cannot see it.
        figures: by the label of a choice; Plotly's own dictionaries.
        summary: rows of a small table that says the same in numbers.
    """

    name: str
    title: str
    caption: str
    figures: dict[str, dict[str, Any]]
    summary: list[tuple[str, ...]] = field(default_factory=list)


def charts_of(material: Material) -> list[Chart]:
    """Return the charts in the order of the page."""
    return [_trust(material), _curve(material), _errors(material), _latency(material), _footprint(material)]


def _trust(material: Material) -> Chart:
    """Return the maps of trust and of error."""
    convert = material.convert
    labels = [_label(rule.name, rule.unit) for rule in convert.inputs]
    figures = {}
    quantities = (
        ("trusted", "share of inputs on which the network is used", 1.0),
        ("wrong", "share of its answers outside the bound", None),
        ("typical", "median error of its answers, as a share of the bound", None),
    )
    for one in maps_of(material.judged, convert.threshold, convert.error.bound):
        span = " and ".join(convert.inputs[column].name for column in one.columns)
        for attribute, words, top in quantities:
            figure = _map_figure(one, getattr(one, attribute), labels, words, top)
            figures[f"{span}: {words}" if len(convert.inputs) > 2 else words.capitalize()] = _plain(figure)
    shown = "two of the inputs at a time, all others as they fall" if len(convert.inputs) > 2 else "over the inputs"
    caption = (
        f"Where the network is trusted and where it errs, {shown}, on {len(material.judged.x):,} test samples. "
        "Cells with fewer than three samples are left empty."
    )
    return Chart("trust", "Where it is trusted", caption, figures, _thirds(material))


def _thirds(material: Material) -> list[tuple[str, ...]]:
    """Return what happens in the lowest, middle and highest third of the samples, by each input of the maps."""
    judged = material.judged
    used = judged.logit >= material.convert.threshold
    rows = [("input", "from", "to", "used", "of those outside the bound")]
    for column in that_matter(judged.x, used):
        rule, values = material.convert.inputs[column], judged.x[:, column]
        edges = np.quantile(values, [0, 1 / 3, 2 / 3, 1])
        third = np.searchsorted(edges[1:-1], values, side="right")
        for index in range(3):
            mine = third == index
            if mine.any():
                wrong = ~judged.safe[mine & used]
                share = _percent(float(wrong.mean())) if wrong.size else "-"
                span = (f"{edges[index]:.3g}", f"{edges[index + 1]:.3g}")
                rows.append((_named(rule.name, rule.unit), *span, _percent(float(used[mine].mean())), share))
    return rows


def _map_figure(one: Map, values: NDArray[np.float64], labels: list[str], words: str, top: float | None) -> go.Figure:
    import plotly.graph_objects as go

    middles = [np.round((line[1:] + line[:-1]) / 2, 6) for line in one.edges]
    figure = go.Figure()
    if len(one.columns) == 1:
        figure.add_bar(x=middles[0], y=_rounded(values), marker_color=BLUE)
        figure.update_yaxes(title_text=words, range=None if top is None else [0, top])
    else:
        figure.add_heatmap(
            x=middles[0],
            y=middles[1],
            z=_rounded(values),
            zmin=0,
            zmax=top,
            colorscale="Viridis",
            hoverongaps=False,
            colorbar={"thickness": 14},
        )
        figure.update_yaxes(title_text=labels[one.columns[1]])
    figure.update_xaxes(title_text=labels[one.columns[0]])
    return figure


def _curve(material: Material) -> Chart:
    """Return precision against invocation, float and quantised, with the gate that was chosen."""
    import plotly.graph_objects as go

    judged, bench = material.judged, material.bench
    figure = go.Figure()
    for name, safe, logit, colour, dash in (
        ("float network", judged.float_safe, judged.float_logit, GREY, "dot"),
        (f"{material.convert.activations} network", judged.safe, judged.logit, BLUE, "solid"),
    ):
        invocation, precision = precision_curve(safe, logit)
        line = {"color": colour, "dash": dash, "width": 2}
        figure.add_scatter(x=invocation, y=precision, mode="lines", name=name, line=line)
    if bench.precision is not None:
        figure.add_scatter(
            x=[bench.invocation],
            y=[bench.precision],
            mode="markers",
            name=f"on {bench.board}",
            marker={"size": 13, "symbol": "diamond", "color": RED},
        )
    if bench.guarantee is not None:
        figure.add_hline(y=1 - bench.guarantee.eps, line={"color": ORANGE, "dash": "dash", "width": 1.5})
    figure.update_xaxes(title_text="invocation", range=[0, 1.02])
    figure.update_yaxes(title_text="precision")
    promised = "" if bench.guarantee is None else " The dashed line is what was promised."
    caption = (
        "Each point of a line is a gate: the stricter, the fewer inputs take the network and the more of its answers "
        f"are within the bound. The diamond is the gate in the firmware, as measured on the board.{promised}"
    )
    figures = material.convert.figures
    rows = [
        ("", "at 95 % precision", "at 99 % precision", "true invocation"),
        *(
            (name, _percent(one.inv95), _percent(one.inv99), _percent(one.true_invocation))
            for name, one in (("float", material.convert.float_figures), (material.convert.activations, figures))
        ),
    ]
    return Chart("curve", "Precision against invocation", caption, {"": _plain(figure)}, rows)


def precision_curve(
    safe: NDArray[np.bool_], logit: NDArray[np.generic]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return invocation and precision for falling thresholds on the logit; samples of equal logit go together.

    No threshold lets those through that the domain guard turns away.
    """
    invoked, useful = let_through(safe, np.where(logit > TURNED_AWAY, logit, np.nan))
    if len(invoked) > _CURVE_POINTS:
        shown = np.unique(np.linspace(0, len(invoked) - 1, _CURVE_POINTS).astype(int))
        invoked, useful = invoked[shown], useful[shown]
    return np.round(invoked / len(safe), 4), np.round(useful / invoked, 4)


def _errors(material: Material) -> Chart:
    """Return the distribution of errors, float and quantised, in units of the bound."""
    import plotly.graph_objects as go

    judged, bound = material.judged, material.convert.error.bound
    edges = np.linspace(-4, 3, _BARS + 1)
    figure = go.Figure()
    for name, error, colour in (
        ("float network", judged.float_error, GREY),
        (f"{material.convert.activations} network", judged.error, BLUE),
    ):
        place = np.log10(np.clip(error / bound, _SMALLEST_RATIO, 10.0 ** edges[-1]))
        count, _ = np.histogram(place, edges)
        middles = np.round(10 ** ((edges[1:] + edges[:-1]) / 2), 6)
        figure.add_scatter(
            x=middles,
            y=np.round(count / len(error), 5),
            name=name,
            mode="lines",
            line={"color": colour, "shape": "hvh", "width": 2},
            fill="tozeroy" if colour == BLUE else None,
        )
    figure.add_vline(x=1, line={"color": RED, "dash": "dash", "width": 1.5})
    figure.update_xaxes(type="log", title_text="error, as a multiple of the bound")
    figure.update_yaxes(title_text="share of the samples")
    caption = (
        "Errors of all answers, used or not, on the test samples; right of the dashed line they are outside the bound. "
        "Errors beyond the ends of the axis are counted at its ends."
    )
    rows = [("percentile of the error", "float", material.convert.activations)]
    for share in (50, 90, 95, 99):
        both = [np.percentile(part, share, method="inverted_cdf") for part in (judged.float_error, judged.error)]
        rows.append((f"{share} %", *(f"{value:.3g}" for value in both)))
    return Chart("errors", "How wrong it is", caption, {"": _plain(figure)}, rows)


def _latency(material: Material) -> Chart:
    """Return what calls cost on the board."""
    import plotly.graph_objects as go

    calls, ticks = material.calls, material.bench.ticks
    figure, rows = go.Figure(), [(f"{ticks.unit} a call", "min", "median", "mean", "95 %", "max")]
    parts = [
        (name, cost[np.isfinite(cost)], colour, spread)
        for name, cost, colour, spread in (
            ("network alone", calls.approximate, BLUE, ticks.approximate),
            ("exact function alone", calls.exact, ORANGE, ticks.exact),
            ("gated call", calls.gated, GREEN, ticks.gated),
        )
    ]
    every = np.concatenate([cost for _, cost, _, _ in parts])
    edges = np.linspace(every.min(), max(float(np.percentile(every, 99.8)), float(every.min()) + 1), _BARS + 1)
    for name, cost, colour, spread in parts:
        if len(cost) == 0 or spread is None:
            continue
        count, _ = np.histogram(np.minimum(cost, edges[-1]), edges)
        middles = np.round((edges[1:] + edges[:-1]) / 2, 1)
        share = np.round(count / len(cost), 5)
        figure.add_bar(x=middles, y=share, name=name, marker_color=colour, opacity=0.75)
        numbers = (spread.min, spread.median, spread.mean, spread.p95, spread.max)
        rows.append((name, *(f"{value:,.0f}" for value in numbers)))
    figure.update_layout(barmode="overlay", bargap=0.02)
    figure.update_xaxes(title_text=f"{ticks.unit} a call")
    figure.update_yaxes(title_text="share of the calls")
    caption = (
        f"What a call costs on {material.bench.board}, in {ticks.unit}. A gated call is the network's where it is "
        "used, and predictor plus exact function where it is not."
    )
    return Chart("latency", "What it costs", caption, {"": _plain(figure)}, rows)


def _footprint(material: Material) -> Chart:
    """Return flash and RAM of the image: the network, and the rest."""
    import plotly.graph_objects as go

    size = material.bench.footprint
    parts = (
        ("network", size.engine_flash_bytes, size.engine_ram_bytes, BLUE),
        ("the rest", size.flash_bytes - size.engine_flash_bytes, size.ram_bytes - size.engine_ram_bytes, GREY),
    )
    figure = go.Figure()
    for name, flash, ram, colour in parts:
        figure.add_bar(y=["static RAM", "flash"], x=[ram, flash], name=name, orientation="h", marker_color=colour)
    figure.update_layout(barmode="stack")
    figure.update_xaxes(title_text="bytes")
    caption = (
        f"The whole firmware on {material.bench.board}: network, exact function, link and start-up code. "
        f"Beside it, {size.stack_bytes:,} bytes of stack."
    )
    rows = [("bytes", "flash", "static RAM"), *((name, f"{flash:,}", f"{ram:,}") for name, flash, ram, _ in parts)]
    return Chart("footprint", "What it takes", caption, {"": _plain(figure)}, rows)


def _plain(figure: go.Figure) -> dict[str, Any]:
    """Return a figure as plain data without Plotly's own theme."""
    figure.update_layout(template="none", margin={"l": 64, "r": 16, "t": 56, "b": 56})
    return json.loads(figure.to_json())


def _label(name: str, unit: str) -> str:
    """Return an axis label; Plotly takes a little HTML in labels, and units are the user's words."""
    return html.escape(_named(name, unit))


def _named(name: str, unit: str) -> str:
    return f"{name} [{unit}]" if unit else name


def _rounded(values: NDArray[np.float64]) -> list[Any]:
    return (
        [None if not np.isfinite(one) else round(float(one), 4) for one in values]
        if values.ndim == 1
        else [_rounded(row) for row in values]
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
