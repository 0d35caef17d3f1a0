"""Draw the figures of docs/concepts.md; they depend on nothing that was trained.

python scripts/figures.py
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

FOLDER = Path(__file__).parents[1] / "docs" / "figures"
TEAL, ORANGE, GREY, PALE = "#00796b", "#d9730d", "#667077", "#e6f2f0"


def main() -> None:
    """Draw all of them."""
    plt.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False})
    for name, draw in (("axnet", axnet), ("gated", gated), ("threshold", threshold), ("codes", codes)):
        figure = draw()
        figure.savefig(FOLDER / f"{name}.png", dpi=130, bbox_inches="tight", metadata={"Software": None})
        plt.close(figure)


def axnet() -> Figure:
    """The two heads of AXNet, and the way an input takes."""
    figure, axes = plt.subplots(figsize=(8.4, 3.6))
    axes.set(xlim=(0, 12.6), ylim=(0, 5))
    axes.axis("off")
    _box(axes, 0.1, 2.0, 1.1, 1.0, "input\nx", GREY)
    _box(axes, 2.2, 3.5, 2.2, 1.1, "predictor\nhidden layer", ORANGE)
    _box(axes, 5.5, 3.9, 2.0, 0.8, "safe logit", ORANGE)
    _box(axes, 5.5, 2.6, 2.0, 0.8, "gates", ORANGE)
    _box(axes, 2.2, 0.5, 2.2, 1.1, "approximator\nhidden layer", TEAL)
    _box(axes, 5.9, 0.55, 1.2, 1.0, "×", TEAL)
    _box(axes, 8.2, 0.5, 1.7, 1.1, "Dense\ny'", TEAL)
    _box(axes, 8.4, 3.7, 2.2, 1.2, "logit ≥\nthreshold?", GREY)
    _box(axes, 10.9, 0.5, 1.6, 1.1, "use y'", TEAL)
    _box(axes, 10.9, 2.4, 1.6, 1.0, "call f(x)", GREY)
    for start, end in (
        ((1.2, 2.7), (2.2, 3.9)), ((1.2, 2.3), (2.2, 1.2)), ((4.4, 4.15), (5.5, 4.3)), ((4.4, 3.8), (5.5, 3.1)),
        ((6.5, 2.6), (6.5, 1.55)), ((4.4, 1.05), (5.9, 1.05)), ((7.1, 1.05), (8.2, 1.05)), ((7.5, 4.3), (8.4, 4.3)),
        ((9.9, 1.05), (10.9, 1.05)),
    ):  # fmt: skip
        _arrow(axes, start, end)
    _arrow(axes, (9.5, 3.7), (10.9, 1.6), "yes", (9.75, 2.6))
    _arrow(axes, (10.6, 4.0), (11.6, 3.4), "no", (11.35, 3.95))
    return figure


def _box(axes: Axes, x: float, y: float, width: float, height: float, text: str, colour: str) -> None:
    style = "round,pad=0.02,rounding_size=0.12"
    axes.add_patch(FancyBboxPatch((x, y), width, height, boxstyle=style, fc=PALE, ec=colour, lw=1.6))
    axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", color="#1b2529")


def _arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], text: str = "", at: tuple[float, float] = (0, 0)
) -> None:
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=11, color=GREY, lw=1.2))
    if text:
        axes.text(*at, text, ha="center", va="center", color=GREY)


def gated() -> Figure:
    """What a gated call can gain at most, by invocation, for three ratios of network to exact function."""
    figure, axes = plt.subplots(figsize=(6.4, 3.4))
    share = np.linspace(0, 1, 400)
    for ratio, colour in ((0.05, TEAL), (0.25, ORANGE), (0.6, GREY)):
        axes.plot(share, 1 / (ratio + (1 - share)), color=colour, label=f"network = {ratio:g} × exact function")
    axes.plot(share[:-20], 1 / (1 - share[:-20]), color="black", ls=":", label="bound 1 / (1 − invocation)")
    axes.axhline(1, color="black", lw=0.7)
    axes.text(0.99, 0.25, "below 1: dearer than the exact function alone", fontsize=9, ha="right")
    axes.set(xlim=(0, 1), ylim=(0, 10), xlabel="invocation", ylabel="speed-up of the gated call")
    axes.legend(frameon=False, fontsize=9)
    return figure


def threshold() -> Figure:
    """How a threshold on the safe logit trades invocation for precision (drawn from two normal distributions)."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.2))
    generator = np.random.default_rng(1)
    safe = generator.uniform(size=200_000) < 0.8
    logit = np.where(safe, generator.normal(2, 1.6, safe.size), generator.normal(-1.5, 1.8, safe.size))
    bins = np.linspace(-8, 8, 65)
    left.hist([logit[~safe], logit[safe]], bins, stacked=True, color=[ORANGE, TEAL], label=["not safe", "safe"])
    order = np.argsort(-logit)
    invocation = np.arange(1, safe.size + 1) / safe.size
    precision = np.cumsum(safe[order]) / np.arange(1, safe.size + 1)
    at = int(np.flatnonzero(precision >= 0.95)[-1])
    left.axvline(logit[order][at], color="black", ls="--")
    left.text(logit[order][at] + 0.2, left.get_ylim()[1] * 1.02, "used →", fontsize=9)
    left.set(xlabel="safe logit", ylabel="inputs", yticks=[])
    left.legend(frameon=False, fontsize=9, loc="upper left")
    right.plot(invocation[500:], precision[500:], color=TEAL)
    right.plot(invocation[at], precision[at], "o", color="black")
    right.axhline(0.95, color="black", ls=":", lw=1)
    right.annotate("95 % promised", (invocation[at], 0.95), (0.2, 0.88), arrowprops={"arrowstyle": "-", "color": GREY})
    right.set(xlim=(0, 1.02), ylim=(0.78, 1.005), xlabel="invocation", ylabel="precision")
    figure.tight_layout()
    return figure


def codes() -> Figure:
    """A real input and the int8 code it becomes."""
    figure, axes = plt.subplots(figsize=(6.4, 2.9))
    low, high = -0.5, 1.0
    value = np.linspace(low - 0.02, low + 0.1, 1000)
    step = (high - low) / 255
    axes.step(value, np.clip(np.floor((value - low) / step), 0, 255) - 128, color=TEAL, where="post")
    axes.axvspan(low - 0.02, low, color="#eeeeee")
    axes.text(low - 0.01, -119, "off domain:\nexact function", rotation=90, ha="center", va="center", fontsize=8)
    axes.set(
        xlim=(low - 0.02, low + 0.1),
        ylim=(-129, -110),
        yticks=range(-128, -109, 3),
        xlabel="x in metres, near the lower end of −0.5 … 1.0",
        ylabel="int8 code",
    )
    axes.annotate(f"one step: {step * 1000:.1f} mm", (low + 0.05, -119.5), (low + 0.055, -126), color=GREY)
    return figure


if __name__ == "__main__":
    main()
