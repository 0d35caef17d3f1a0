"""Foreign points: inside a kernel's box, but where its application never goes, or where there is no exact result.

A box is not a domain: the inputs of an arm's inverse kinematics fill a quarter of theirs. One rule for all kernels: in
units of half the box's width, a point is foreign if its nearest neighbour among inputs of the application is farther
away than nearly all of the application's own inputs are from theirs. A kernel that draws uniformly from its box has
foreign points only where its exact function has no finite result. Of wide inputs, such as windows of an image, nearly
all of the box is foreign, and rightly so: noise is no image.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from axedge.kernels.definition import Kernel

#: Inputs of the application among which a neighbour is looked for. More would draw the border more sharply than an
#: 8-bit input can tell.
_REFERENCE_COUNT = 16_384
#: Other inputs of the application, which say how far apart such neighbours are.
_HELD_OUT_COUNT = 8_192
_QUANTILE = 0.999
#: By the quantile one in a thousand of the application's own inputs is foreign: a share of the box that is hardly
#: larger is such spots, and refusing them would cost far more inputs than they are.
_LEAST_SHARE = 0.005
#: Points closer than one code of an 8-bit input cannot be told apart.
_LEAST_REACH = 2.0 / 255.0
#: A reference of its own for each kernel, not for each seed: what is foreign is a property of the kernel.
_SEED = 0
_BLOCK = 8_192
#: In more dimensions a tree prunes nothing, and comparing with every input is faster.
_TREE_DIMENSIONS = 12
#: Points of the box drawn at most, a point asked for.
_PATIENCE = 20


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Inputs of the application, in half box widths.

    Attributes:
        points: float64, shape (K, n).
    """

    points: NDArray[np.float64]

    def distances(self, u: NDArray[np.float64], bound: float = np.inf) -> NDArray[np.float64]:
        """Return the distance of each of u, shape (N, n), from the nearest point; it may be infinite beyond `bound`."""
        if u.shape[1] <= _TREE_DIMENSIONS:
            return self._tree.query(u, distance_upper_bound=bound)[0]
        squares = (self.points**2).sum(axis=1)
        parts = []
        for start in range(0, len(u), _BLOCK // 8):
            part = u[start : start + _BLOCK // 8]
            nearest = (squares - 2.0 * part @ self.points.T).min(axis=1)
            parts.append(np.sqrt(np.maximum(nearest + (part**2).sum(axis=1), 0.0)))
        return np.concatenate(parts)

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.points)


@dataclass(frozen=True, eq=False)
class Foreign:
    """Tells foreign points of a kernel's box, and draws some.

    Attributes:
        kernel: whose box.
        reach: distance from which on a point is foreign, in half box widths; infinite where the application's inputs
            fill the box.
        neighbours: what it is measured from; None there.
    """

    kernel: Kernel
    reach: float
    neighbours: Neighbours | None

    @classmethod
    def of(cls, kernel: Kernel) -> Foreign:
        """Find the reach of a kernel.

        Raises:
            KernelError, ToolMissing, BuildError: as `Kernel.draw`.
        """
        if kernel.sampler is None and kernel.recorded is None:
            return cls(kernel, np.inf, None)
        neighbours = Neighbours(_in_half_widths(kernel, kernel.draw("train", _REFERENCE_COUNT, _SEED).x))
        others = _in_half_widths(kernel, kernel.draw("validation", _HELD_OUT_COUNT, _SEED).x)
        reach = float(np.quantile(neighbours.distances(others), _QUANTILE))
        found = cls(kernel, max(reach, _LEAST_REACH), neighbours)
        spots = found._is_far(kernel.draw_box("foreign", _BLOCK, _SEED)).mean()
        return found if spots >= _LEAST_SHARE else cls(kernel, np.inf, None)

    def among(self, x: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return which points of the box are foreign.

        Args:
            x: float32, shape (N, n), within the box.
        """
        foreign = self._is_far(x)
        if self.kernel.has_exact:
            foreign |= ~np.isfinite(self.kernel.exact(x)).all(axis=1)
        return foreign

    def _is_far(self, x: NDArray[np.float32]) -> NDArray[np.bool_]:
        if self.neighbours is None:
            return np.zeros(len(x), bool)
        # No neighbour has to be found beyond the bound: much faster than the distance itself.
        bound = np.nextafter(self.reach, np.inf)
        return self.neighbours.distances(_in_half_widths(self.kernel, x), bound) > self.reach

    def draw(self, purpose: str, count: int, seed: int) -> tuple[NDArray[np.float32], float]:
        """Draw foreign points uniformly.

        Args:
            purpose: names the stream; see `Kernel.draw_box`.
            count: points wanted; fewer come where hardly any of the box is foreign.
            seed: 0 or more.

        Returns:
            Points, float32 of shape (N, n), and the share of the box that is foreign.
        """
        most = _BLOCK if self.neighbours is None else _PATIENCE * count
        found, seen, kept = [], 0, 0
        while kept < count and seen < most:
            # The first rows of a stream do not depend on how many are drawn.
            box = self.kernel.draw_box(purpose, min(most, seen + max(_BLOCK, count - kept)), seed)[seen:]
            chosen = box[self.among(box)]
            found.append(chosen)
            seen, kept = seen + len(box), kept + len(chosen)
        return np.concatenate(found)[:count], kept / seen


def _in_half_widths(kernel: Kernel, x: NDArray[np.float32]) -> NDArray[np.float64]:
    low, high = kernel.minima.astype(np.float64), kernel.maxima.astype(np.float64)
    width = np.where(high > low, (high - low) / 2.0, 1.0)
    return (x.astype(np.float64) - low) / width - 1.0
