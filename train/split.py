"""Samples for training, for choosing between networks, and for the report; no input stands in two of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import CheckFailed, KernelError
from axedge.kernels.kernel import Kernel, Samples
from axedge.kernels.recorded import row_keys


@dataclass(frozen=True)
class Split:
    """Samples by what they serve for.

    Attributes:
        train: for fitting.
        validation: for choosing between networks and thresholds.
        test: for the report only.
    """

    train: Samples
    validation: Samples
    test: Samples

    def check(self) -> None:
        """Raise where an input serves two purposes.

        Raises:
            CheckFailed: the split leaks, and every figure from it would be too good.
        """
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        names = list(parts)
        for index, one in enumerate(names):
            for other in names[index + 1 :]:
                shared = int(seen_before(parts[other].x, parts[one].x).sum())
                if shared:
                    raise CheckFailed(f"the split leaks: {shared} {other} inputs are {one} inputs too.")


def draw_split(kernel: Kernel, train: int, validation: int, test: int, seed: int) -> Split:
    """Draw the three; rows whose input was drawn for an earlier purpose are dropped from the later one.

    Drawn inputs repeat by chance (a float32 has few values) or by design (few distinct inputs).

    Raises:
        KernelError: a purpose is left without a row.
    """
    fitted = kernel.draw("train", train, seed)
    chosen = _without(kernel, kernel.draw("validation", validation, seed), fitted.x, "validation")
    seen = np.concatenate([fitted.x, chosen.x])
    split = Split(fitted, chosen, _without(kernel, kernel.draw("test", test, seed), seen, "test"))
    split.check()
    return split


def seen_before(x: NDArray[np.float32], earlier: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which rows of x [N, n] are rows of `earlier` [M, n] too, [N]; -0 equals 0."""
    return np.isin(row_keys(x), row_keys(earlier))


def _without(kernel: Kernel, samples: Samples, seen: NDArray[np.float32], purpose: str) -> Samples:
    fresh = ~seen_before(samples.x, seen)
    if not fresh.any():
        raise KernelError(
            f"kernel {kernel.name}: every {purpose} input was drawn for training too.",
            "It has too few distinct inputs: a table would serve better than a network.",
        )
    return Samples(samples.x[fresh], samples.y[fresh])
