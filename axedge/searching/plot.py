"""The Pareto plot of a search, as a PNG."""

from __future__ import annotations

from pathlib import Path

from axedge.artifacts.errors import ToolMissing
from axedge.artifacts.files import atomic_path
from axedge.artifacts.records.search import SearchRecord, SearchTrial

FILE = "pareto.png"


def draw(record: SearchRecord, folder: Path) -> Path:
    """Draw flash against invocation, or cost, of all that was tried; return the file's path.

    Raises:
        ToolMissing: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ToolMissing("matplotlib is not installed.", "pip install 'axedge[search]'") from None
    figure = Figure(figsize=(7.2, 5.4), layout="constrained")
    axes = figure.add_subplot()
    measured = [one for one in record.trials if not one.outcome.refused]
    for width, mark in (("int8", "o"), ("two-byte", "^"), ("int16", "s")):
        for fits, face in ((True, "#8fb4d9"), (False, "none")):
            of = [t for t in measured if (t.rung, t.shape.width, t.fits) == ("short", width, fits)]
            label = f"{width}, trained for a moment{'' if fits else ', over budget'}"
            if of:
                axes.scatter(*_points(record, of), marker=mark, s=34, c=face, edgecolors="#4a7298", label=label)
    front = [record.trials[number] for number in record.front]
    if front:
        axes.step(*_points(record, front), where="post", color="#4a7298", lw=1, label="no other is better in both")
    full = [one for one in measured if one.rung == "full"]
    if full:
        axes.scatter(*_points(record, full), marker="D", s=48, c="#e0a030", edgecolors="black", label="trained in full")
    for number, name, color in ((record.own, "kernel.toml", "black"), (record.chosen, "chosen", "#b02020")):
        if number is not None and not (name == "kernel.toml" and number == record.chosen):
            x, y = _points(record, [record.trials[number]])
            axes.scatter(x, y, marker="D", s=130, facecolors="none", edgecolors=color, linewidths=1.6, label=name)
    if record.flash_budget_bytes:
        axes.axvline(record.flash_budget_bytes, color="grey", ls="--", lw=1, label="flash budget")
    axes.set_xlabel("flash of the network, bytes")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    units = {one.outcome.unit for one in measured} - {""}
    is_share = record.objective == "invocation"
    axes.set_ylabel(
        f"invocation at {100 * record.guarantee:g} % guaranteed precision, %"
        if is_share
        else f"mean cost of a gated call, {' '.join(units)}"
    )
    axes.set_title(f"{record.kernel} on {record.board}: {len(record.trials)} trials")
    axes.grid(alpha=0.3)
    figure.legend(fontsize=8, loc="outside lower center", ncols=2)  # within the axes it would hide trials
    with atomic_path(folder / FILE) as scratch:
        figure.savefig(scratch, dpi=130, metadata={"Software": None})
    return folder / FILE


def _points(record: SearchRecord, trials: list[SearchTrial]) -> tuple[list[float], list[float]]:
    x = [float(one.outcome.flash_bytes or 0) for one in trials]
    if record.objective == "invocation":
        return x, [100 * (one.outcome.invocation or 0.0) for one in trials]
    return x, [one.outcome.cost or 0.0 for one in trials]
