"""Arrays that a stage keeps beside its record for whoever draws it: one number a sample, nothing summed up."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import ArtifactError
from axedge.artifacts.files import UNREADABLE_ARCHIVE, atomic_arrays

#: Stands for the logit of an input that the domain guard turns away: less than any code.
TURNED_AWAY = -(1 << 31)


@dataclass(frozen=True)
class Kept:
    """Arrays with a first axis of samples, and the hash of what they belong to."""

    VERB: ClassVar[str] = ""
    FILE: ClassVar[str] = ""

    identity: str

    def save(self, folder: Path) -> None:
        """Write the file into `folder`, whole or not at all; the same arrays give the same bytes."""
        arrays = {part.name: np.asarray(getattr(self, part.name)) for part in fields(self)}
        atomic_arrays(folder / self.FILE, **arrays)

    @classmethod
    def load(cls, folder: Path, identity: str) -> Self:
        """Read the file.

        Raises:
            ArtifactError: it is missing, damaged, or belongs to something else.
        """
        path, again = folder / cls.FILE, f"Run `axedge {cls.VERB}` again."
        try:
            with np.load(path, allow_pickle=False) as arrays:
                found = {part.name: arrays[part.name] for part in fields(cls)}
        except FileNotFoundError:
            raise ArtifactError(f"{path} does not exist.", again) from None
        except UNREADABLE_ARCHIVE:
            raise ArtifactError(f"{path} is damaged.", again) from None
        named = str(found.pop("identity"))
        if named != identity:
            raise ArtifactError(f"{path} belongs to another result.", again)
        if len({len(part) for part in found.values()}) != 1:
            raise ArtifactError(f"{path} is damaged.", again)
        return cls(named, **found)


@dataclass(frozen=True)
class Judged(Kept):
    """Test samples, and what the float and the quantised network made of them; identity: the model hash.

    Attributes:
        x: inputs, float32 [N, n].
        error: of the quantised network, by the kernel's metric, float32 [N]; may be infinite.
        float_error: of the float network.
        safe: whether the quantised answer is within the bound, [N].
        float_safe: whether the float answer is.
        logit: code of the quantised network's safe logit, [N]; TURNED_AWAY outside the domain.
        float_logit: of the float network, float32 [N].
    """

    VERB: ClassVar[str] = "convert"
    FILE: ClassVar[str] = "judged.npz"

    x: NDArray[np.float32]
    error: NDArray[np.float32]
    float_error: NDArray[np.float32]
    safe: NDArray[np.bool_]
    float_safe: NDArray[np.bool_]
    logit: NDArray[np.integer]
    float_logit: NDArray[np.float32]


@dataclass(frozen=True)
class Calls(Kept):
    """What each call of a bench cost, in the unit of its record; identity: the bench's `inputs_digest`.

    Attributes:
        path: 0 approximated, 1 unsafe, 2 out of domain, [N].
        error: of the network's answer on the device, float32 [N]; infinite where it gave none.
        approximate: float32 [N]; not-a-number where the network was not asked.
        exact: float32 [N]; not-a-number without an exact function.
        gated: float32 [N].
    """

    VERB: ClassVar[str] = "bench"
    FILE: ClassVar[str] = "calls.npz"

    path: NDArray[np.uint8]
    error: NDArray[np.float32]
    approximate: NDArray[np.float32]
    exact: NDArray[np.float32]
    gated: NDArray[np.float32]
