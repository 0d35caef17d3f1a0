"""What will make trouble with a kernel before an hour is lost: its C, its results, and how its inputs fall."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import BuildError, KernelError
from axedge.artifacts.progress import Progress, silent
from axedge.kernels.definition import Kernel, Samples
from axedge.kernels.metrics import is_safe, sample_error

COUNT = 20_000
#: A compiler's warnings are for reading, not for counting: so many are shown.
_SHOWN_WARNINGS = 3
_WARNING_FLAGS = ("-Wpedantic", "-Wconversion", "-Wdouble-promotion", "-Wfloat-conversion", "-Wshadow")
#: Conversion of a float to an integer that cannot hold it is undefined, and cores differ in what they make of it.
_SANITIZERS = ("-g", "-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all")
#: A result this many times farther out than nearly all others.
_FAR_OUT = 30.0
#: Share of the box by which an input is moved to see a jump, and the share of inputs with one that is worth a word.
_STEP, _JUMPS = 1e-2, 2e-4
#: Share of an input's range that no sample reaches.
_UNREACHED = 0.1
#: Share of samples that a constant answers within the bound.
_CONSTANT = 0.9
_FEWEST_ROWS = 2_000


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: what was looked at, in a few words.
        level: "fine", "note" (worth knowing) or "trouble" (mend it first).
        words: what was found, and what to do.
    """

    subject: str
    level: Literal["fine", "note", "trouble"]
    words: str


def check_kernel(kernel: Kernel, seed: int = 0, *, progress: Progress = silent) -> list[Finding]:
    """Look at everything that can be looked at without a board.

    Args:
        kernel: to be checked.
        seed: of the samples.
        progress: told what is being looked at.

    Raises:
        ToolMissing: there is no C compiler.
    """
    found: list[Finding] = []
    if kernel.has_exact:
        progress(0, 3, "compiling it with warnings and sanitizers")
        found += _of_the_c(kernel, seed)
        if any(one.level == "trouble" for one in found):
            return found
    progress(1, 3, "drawing samples")
    try:
        samples = kernel.draw("train", COUNT, seed)
    except KernelError as error:
        return [*found, Finding("samples", "trouble", str(error))]
    found += [*_of_results(kernel, samples), *_of_inputs(kernel, samples)]
    if kernel.has_exact and kernel.error.metric != "mismatch":
        progress(2, 3, "looking for jumps")
        found.append(_jumps(kernel, samples, seed))
    return found


def _of_the_c(kernel: Kernel, seed: int) -> Iterator[Finding]:
    """Look at compiler warnings, undefined behaviour, and results that are no numbers."""
    try:
        warnings = kernel.library(_WARNING_FLAGS).warnings
        checked = kernel.library(_SANITIZERS)
    except BuildError as error:
        yield Finding("C", "trouble", str(error))
        return
    if warnings:
        shown = "; ".join(line.split("/")[-1] for line in warnings[:_SHOWN_WARNINGS])
        yield Finding("compiler", "note", f"{len(warnings)} {'warning' if len(warnings) == 1 else 'warnings'}: {shown}")
    else:
        yield Finding("compiler", "fine", "no warnings")
    box = kernel.draw_box("train", COUNT, seed)
    try:
        drawn = None if kernel.recorded is not None else kernel.draw_unfiltered("train", COUNT, seed)
        for x in (box, box[:0] if drawn is None else drawn.x):
            if len(x):
                checked.call(kernel.name, x)
    except KernelError as error:
        yield Finding("sanitizers", "trouble", str(error))
        return
    yield Finding(
        "sanitizers", "fine", f"nothing undefined on {len(box) + (0 if drawn is None else len(drawn)):,} inputs"
    )
    yield from _not_numbers(kernel, box, drawn)


def _not_numbers(kernel: Kernel, box: NDArray[np.float32], drawn: Samples | None) -> Iterator[Finding]:
    if drawn is not None:
        lost = 1.0 - float(np.isfinite(drawn.y).all(axis=1).mean())
        if lost > 0:
            words = f"{100 * lost:.2g} % of the drawn inputs have no finite result; they are left out of everything."
            yield Finding("results", "trouble" if lost > 0.01 else "note", words)
    outside = 1.0 - float(np.isfinite(kernel.exact(box)).all(axis=1).mean())
    if outside > 0:
        yield Finding(
            "box",
            "note",
            f"{100 * outside:.2g} % of the box has no finite result: narrow min and max if you can; the network has to "
            "learn to turn such inputs away.",
        )


def _of_results(kernel: Kernel, samples: Samples) -> Iterator[Finding]:
    """Look at constant, far-out and near-zero results."""
    y = samples.y.astype(np.float64)
    for index, port in enumerate(kernel.outputs):
        column = y[:, index]
        if np.ptp(column) == 0:
            yield Finding(port.name, "trouble", f"is {column[0]:g} for every input: leave it out.")
            continue
        middle = np.median(column)
        distance = np.abs(column - middle)
        usual, farthest = np.quantile(distance, 0.995), int(np.argmax(distance))
        if usual > 0 and distance[farthest] > _FAR_OUT * usual:
            yield Finding(
                port.name,
                "trouble",
                f"reaches {column[farthest]:.3g}, while 99.5 % of it lies within {usual:.3g} of {middle:.3g}: it has a "
                "pole in the box. Narrow min and max, or give back its logarithm or inverse.",
            )
        else:
            yield Finding(port.name, "fine", f"{column.min():.4g} to {column.max():.4g} {port.unit}".rstrip())
    constant = np.tile(np.median(y, axis=0), (len(y), 1))
    share = float(is_safe(kernel.error, y, constant).mean())
    if share >= _CONSTANT:
        yield Finding(
            "bound", "trouble", f"{100 * share:.1f} % of the samples are within the bound of one constant: tighten it."
        )
    if kernel.error.metric == "relative":
        yield from _near_zero(kernel, y)


def _near_zero(kernel: Kernel, y: NDArray[np.float64]) -> Iterator[Finding]:
    size = np.abs(y)
    small = float((size < 0.01 * np.median(size, axis=0)).any(axis=1).mean())
    floored = float((size < kernel.error.floor).any(axis=1).mean())
    if small > 0.01 and floored < small / 2:
        yield Finding(
            "bound",
            "note",
            f"{100 * small:.1f} % of the samples are a hundred times smaller than usual, where a relative bound is "
            "hard to meet: a floor in kernel.toml says from which size on it matters.",
        )


def _of_inputs(kernel: Kernel, samples: Samples) -> Iterator[Finding]:
    """Look at ranges that no sample reaches, and at too few rows."""
    for index, port in enumerate(kernel.inputs):
        low, high = float(samples.x[:, index].min()), float(samples.x[:, index].max())
        width = port.maximum - port.minimum
        unreached = 1.0 - (high - low) / width if width > 0 else 0.0
        if unreached > _UNREACHED:
            yield Finding(
                port.name,
                "note",
                f"the samples reach {low:.4g} to {high:.4g} of {port.minimum:g} to {port.maximum:g}: narrow it, and "
                "the network's steps get finer.",
            )
    distinct = len(np.unique(samples.x, axis=0))
    if kernel.recorded is not None and distinct < _FEWEST_ROWS:
        yield Finding(
            "samples",
            "note",
            f"{distinct:,} distinct inputs to train on, of which a few hundred are left for the promise: record more.",
        )


def _jumps(kernel: Kernel, samples: Samples, seed: int) -> Finding:
    """Move each input a little, one at a time: where a sixteenth of the way changes as much, the result jumps."""
    far, near = (_moved(kernel, samples, seed, step) for step in (_STEP, _STEP / 16))
    jumped = (np.maximum(far, near) > kernel.error.bound) & (near > far / 2)
    share = float(jumped.mean())
    if share <= _JUMPS:
        return Finding("jumps", "fine", "none")
    first = samples.x[np.argmax(jumped)]
    where = ", ".join(f"{value:.4g}" for value in first[:6]) + (", ..." if len(first) > 6 else "")
    return Finding(
        "jumps",
        "note",
        f"the result jumps by more than the bound, as near {{{where}}}: an angle that wraps, or a step. A network "
        "cannot follow: unwrap it, or expect it to turn such inputs away.",
    )


def _moved(kernel: Kernel, samples: Samples, seed: int, part: float) -> NDArray[np.float64]:
    """Return the error of taking the result a little aside for the result here, [N]; 0 where there is none."""
    x = samples.x.astype(np.float64)
    column = np.random.default_rng([seed, 0x1A]).integers(0, x.shape[1], len(x))
    rows, step = np.arange(len(x)), part * (kernel.maxima - kernel.minima).astype(np.float64)[column]
    x[rows, column] += np.where(x[rows, column] + step > kernel.maxima[column], -step, step)
    y = kernel.exact(np.clip(x.astype(np.float32), kernel.minima, kernel.maxima))
    return np.where(np.isfinite(y).all(axis=1), sample_error(kernel.error, samples.y, y), 0.0)
