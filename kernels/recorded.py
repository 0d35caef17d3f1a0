"""Recorded inputs, shared out between the purposes so that equal rows never serve two of them."""

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
        rows = np.ascontiguousarray(self.x + np.float32(0.0), dtype="<f4")  # makes -0 and 0 the same row
        words = [hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in rows]
        places = np.frombuffer(b"".join(words), dtype="<u8") / 2.0**64
        return np.searchsorted(np.cumsum(list(SHARES.values()))[:-1], places, side="right")

    def draw(
        self, kernel: str, purpose: str, count: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Return up to `count` of the purpose's rows in random order, each row of the file at most once.

        Raises:
            KernelError: none of the rows belongs to the purpose.
        """
        mine = np.flatnonzero(self.owners == PURPOSES.index(purpose))
        if len(mine) == 0:
            raise KernelError(
                f"kernel {kernel}: no recorded row is left for {purpose}, which gets {SHARES[purpose]:.0%} of them.",
                f"There are {len(np.unique(self.x, axis=0))} distinct rows of inputs: record more.",
            )
        chosen = rng.permutation(mine)[:count]
        return self.x[chosen], None if self.y is None else self.y[chosen]
