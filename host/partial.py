"""Answers that are kept when a bench is cut short, for `--resume` to go on from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from axedge.artifacts.files import UNREADABLE_ARCHIVE, atomic_arrays
from axedge.host.device import RunResult
from axedge.host.messages import Mode

FILE = "bench.partial.npz"


@dataclass
class Answers:
    """What the board answered so far.

    Attributes:
        network: mode BOTH, or APPROXIMATE where the image has no exact function.
        gated: mode GATED, same inputs.
    """

    network: RunResult
    gated: RunResult

    @classmethod
    def empty(cls, samples: int, outputs: int, *, has_exact: bool) -> Self:
        """Return answers that all are still to come."""
        mode = Mode.BOTH if has_exact else Mode.APPROXIMATE
        return cls(RunResult.empty(mode, samples, outputs), RunResult.empty(Mode.GATED, samples, outputs))

    @property
    def done(self) -> np.ndarray:
        """Which samples are answered in both modes, shape (samples,)."""
        return self.network.answered & self.gated.answered

    def save(self, folder: Path, identity: str) -> None:
        """Keep the answers in `folder`, whole or not at all.

        Raises:
            ArtifactError: the folder cannot be written.
        """
        atomic_arrays(
            folder / FILE,
            identity=np.array(identity),
            network=self.network.records,
            network_answered=self.network.answered,
            gated=self.gated.records,
            gated_answered=self.gated.answered,
        )

    def load(self, folder: Path, identity: str) -> bool:
        """Fill in the answers kept in `folder`; return whether there were any to this very bench."""
        try:
            with np.load(folder / FILE, allow_pickle=False) as kept:
                if str(kept["identity"]) != identity:
                    return False
                pairs = ((self.network, "network"), (self.gated, "gated"))
                found = [(result, kept[name], kept[f"{name}_answered"]) for result, name in pairs]
        except UNREADABLE_ARCHIVE:
            return False
        for result, records, _ in found:
            if records.dtype != result.records.dtype or len(records) != len(result.records):
                return False
        for result, records, answered in found:
            result.records[:], result.answered[:] = records, answered
        return True


def forget(folder: Path) -> None:
    """Remove what was kept."""
    (folder / FILE).unlink(missing_ok=True)
