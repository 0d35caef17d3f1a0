"""One figure a kernel: where in the input space its network is trusted, and precision against invocation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.files import atomic_path
from axedge.artifacts.records.results import ResultRow
from axedge.artifacts.records.train import Scaling, TrainRecord
from axedge.kernels import metrics
from axedge.kernels.kernel import Kernel, load_kernel

SAMPLES = 20_000
SHOWN = 3_000
BINS = 12
# Colours that the colour-blind can tell apart (Okabe and Ito), by outcome.
OUTCOMES = {
    "used, safe": "#0072B2",
    "used, not safe": "#D55E00",
    "refused, would be safe": "#56B4E9",
    "refused, not safe": "#BBBBBB",
}
MARKERS = {"axnet": "o", "axnet-paper": "s", "one-pass": "^", "iterative": "v"}


@dataclass(frozen=True)
class Judged:
    """A network on fresh samples.

    Attributes:
        x: inputs [N, n].
        error: of each answer, by the kernel's metric [N].
        safe: whether each answer is safe [N].
        logit: the predictor's, [N]; 0 and more: used.
    """

    x: NDArray[np.float32]
    error: NDArray[np.float64]
    safe: NDArray[np.bool_]
    logit: NDArray[np.float32]

    @property
    def used(self) -> NDArray[np.bool_]:
        """Whether the network is used on each sample."""
        return self.logit >= 0.0


def draw_figure(name: str, folder: Path, rows: Sequence[ResultRow], path: Path) -> str:
    """Draw a kernel's figure from its trained network; say what was done, or why nothing was.

    Args:
        name: of the kernel.
        folder: what `axedge train` wrote; a network for another state of the kernel is not drawn.
        rows: the kernel's rows.
        path: the .png to write.
    """
    kernel, record = load_kernel(name), TrainRecord.load_if_present(folder)
    if record is None or record.kernel_digest != kernel.digest():
        return f"no figure, {folder} holds no network of it: run `axedge train {name}`."
    judged = judge(kernel, record, folder)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    (_curve if len(kernel.inputs) == 1 else _map)(left, kernel, judged)
    _trade(right, judged, rows)
    figure.suptitle(
        f"{name}: {record.parameters} parameters, safe when {kernel.error.metric} error <= {kernel.error.bound:g}"
    )
    with atomic_path(path) as scratch:
        figure.savefig(scratch, dpi=80, metadata={"Software": None})
    return f"figure from {SAMPLES:,} fresh samples."


def judge(kernel: Kernel, record: TrainRecord, folder: Path) -> Judged:
    """Return what the trained network is worth on samples of a purpose that training never draws."""
    from axedge.train.network import load_keras

    samples = kernel.draw("fresh", SAMPLES, record.options.seed)
    low, size = _columns(record.normalisation.inputs)
    outputs, logits = load_keras(folder / record.candidates[0].file)(((samples.x - low) / size).astype(np.float32))
    offset, scale = _columns(record.normalisation.outputs)
    answers = (outputs.numpy() * scale + offset).astype(np.float32)
    return Judged(
        x=samples.x,
        error=metrics.sample_error(kernel.error, samples.y, answers),
        safe=metrics.is_safe(kernel.error, samples.y, answers),
        logit=logits.numpy()[:, 0],
    )


def deciding_inputs(x: NDArray[np.float32], used: NDArray[np.bool_], count: int = 2) -> list[int]:
    """Return the inputs that tell most about whether the network is used, in the inputs' own order.

    By the variance, over BINS quantile bins of an input, of the share used.
    """
    told = []
    for column in x.T:
        edges = np.unique(np.quantile(column, np.linspace(0, 1, BINS + 1)[1:-1]))
        places = np.searchsorted(edges, column, side="right")
        counts = np.bincount(places, minlength=len(edges) + 1)
        shares = np.bincount(places, weights=used, minlength=len(edges) + 1) / np.maximum(counts, 1)
        told.append(float(np.average((shares - used.mean()) ** 2, weights=counts)))
    return sorted(np.argsort(told)[::-1][:count].tolist())


def precision_curve(judged: Judged) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return invocation and precision at every threshold on the logit, samples of equal logit together."""
    invoked, useful = metrics.let_through(judged.safe, judged.logit)
    return invoked / len(judged.logit), useful / invoked


def _columns(scalings: Sequence[Scaling]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.array([part.offset for part in scalings]), np.array([part.scale for part in scalings])


def _outcomes(judged: Judged) -> list[tuple[str, NDArray[np.bool_]]]:
    used, safe = judged.used, judged.safe
    return list(zip(OUTCOMES, (used & safe, used & ~safe, ~used & safe, ~used & ~safe), strict=True))


def _curve(axes: Any, kernel: Kernel, judged: Judged) -> None:
    """One input: the error over it, coloured by outcome."""
    for words, mine in reversed(_outcomes(judged)):
        axes.plot(judged.x[mine, 0], judged.error[mine], ".", ms=2, color=OUTCOMES[words], label=words)
    axes.axhline(kernel.error.bound, color="black", lw=0.8, ls="--")
    axes.set(xlabel=_label(kernel, 0), ylabel=f"{kernel.error.metric} error", ylim=(0, 3 * kernel.error.bound))
    axes.legend(markerscale=6, loc="upper right", fontsize=8)


def _map(axes: Any, kernel: Kernel, judged: Judged) -> None:
    """Two inputs: samples, coloured by outcome. More: the share used, projected onto the two that tell most."""
    first, second = deciding_inputs(judged.x, judged.used)
    axes.set(xlabel=_label(kernel, first), ylabel=_label(kernel, second))
    if len(kernel.inputs) == 2:
        for words, mine in reversed([(words, mine[:SHOWN]) for words, mine in _outcomes(judged)]):
            points = judged.x[:SHOWN][mine]
            axes.plot(points[:, first], points[:, second], ".", ms=3, color=OUTCOMES[words], label=words)
        axes.legend(markerscale=3, fontsize=8, loc="best")
        return
    share = axes.hexbin(
        judged.x[:, first], judged.x[:, second], judged.used, gridsize=24, vmin=0, vmax=1, cmap="cividis"
    )
    axes.figure.colorbar(share, ax=axes, label=f"share used (projected from {len(kernel.inputs)} inputs)")


def _trade(axes: Any, judged: Judged, rows: Sequence[ResultRow]) -> None:
    """Precision against invocation: axnet's curve, and every row's points."""
    invocation, precision = precision_curve(judged)
    enough = invocation >= 0.01
    axes.plot(invocation[enough], precision[enough], color="black", lw=1.2, label="axnet, seed 0: every threshold")
    for level in (0.95, 0.99):
        axes.axhline(level, color="#BBBBBB", lw=0.8)
    for row in rows:
        if row.method == "axnet" and row.block == "equal effort":
            continue  # the same trainings as in the other block
        points = [(row.inv95, 0.95), (row.inv99, 0.99)]
        points += [(row.invocation, row.precision.mean)] if row.precision is not None else []
        hollow = row.block == "as published" and not row.method.startswith("axnet")
        style = {"mfc": "none"} if hollow else {}
        x, error, y = [share.mean for share, _ in points], [share.sd for share, _ in points], [at for _, at in points]
        words = f"{row.method}, {row.block}"
        axes.errorbar(x, y, xerr=error, fmt=MARKERS[row.method], ms=6, capsize=2, label=words, **style)
    axes.set(xlabel="invocation", ylabel="precision", xlim=(-0.02, 1.02))
    seen = [0.92, float(judged.safe.mean()), *(row.precision.mean for row in rows if row.precision is not None)]
    axes.set_ylim(min(seen) - 0.02, 1.005)
    axes.legend(fontsize=8, loc="lower left")


def _label(kernel: Kernel, index: int) -> str:
    port = kernel.inputs[index]
    return f"{port.name} [{port.unit}]" if port.unit else port.name
