"""Recorded inputs, shared out between the purposes so that equal rows never serve two of them.

Training sees a row as often as it was recorded. For all other purposes equal rows count once: a hundred copies of one
row are one trial, and a bound that took them for a hundred would promise what it cannot know.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import KernelError

# Share of the distinct recorded rows for each purpose. A kernel that draws its inputs gives each a stream of its own.
SHARES = {"train": 0.50, "validation": 0.10, "calibration": 0.15, "test": 0.10, "bench": 0.10, "fresh": 0.05}
PURPOSES = tuple(SHARES)


@dataclass(frozen=True, eq=False)
class Recorded:
    """Rows from the application.

    Attributes:
        x: inputs, float32 [N, n].
        y: results, float32 [N, m]; None where the kernel's C gives them.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32] | None

    @cached_property
    def owners(self) -> NDArray[np.int64]:
        """Index into PURPOSES of the purpose that each row belongs to, [N]; it depends on the row's inputs only."""
        words = [hashlib.blake2b(key.tobytes(), digest_size=8).digest() for key in row_keys(self.x)]
        places = np.frombuffer(b"".join(words), dtype="<u8") / 2.0**64
        return np.searchsorted(np.cumsum(list(SHARES.values()))[:-1], places, side="right")

    def draw(
        self, kernel: str, purpose: str, count: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Return up to `count` of the purpose's rows in random order; but for training, equal ones once.

        Raises:
            KernelError: none of the rows belongs to the purpose.
        """
        mine = np.flatnonzero(self.owners == PURPOSES.index(purpose))
        if len(mine) == 0:
            raise KernelError(
                f"kernel {kernel}: no recorded row is left for {purpose}, which gets {SHARES[purpose]:.0%} of them.",
                f"There are {len(np.unique(self.x, axis=0))} distinct rows of inputs: record more.",
            )
        if purpose != "train":
            mine = mine[first_of_equals(self.x[mine])]
        chosen = rng.permutation(mine)[:count]
        return self.x[chosen], None if self.y is None else self.y[chosen]


def row_keys(x: NDArray[np.float32]) -> NDArray[np.void]:
    """Return one value a row of x [N, n], equal for equal rows; -0 equals 0."""
    rows = np.ascontiguousarray(x + np.float32(0.0), dtype="<f4")
    return rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()


def first_of_equals(x: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the place of the first of each set of equal rows of x [N, n], ascending."""
    return np.sort(np.unique(row_keys(x), return_index=True)[1])
