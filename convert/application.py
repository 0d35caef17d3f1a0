"""Inputs recorded in the application: for them, instead of for the kernel's own distribution, the promise is made.

They are labelled by the kernel's own C. Equal rows count once: copies are no trials of their own. A hash of the row
shares them out: some propose thresholds, most test them, and the rest is what `axedge bench` checks the promise on.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import CheckFailed, UsageError
from axedge.artifacts.records.train import TrainRecord
from axedge.convert.task import Task
from axedge.kernels.kernel import Kernel, Samples
from axedge.kernels.recorded import first_of_equals, row_keys
from axedge.kernels.table import read_inputs

#: Of the distinct rows, to propose thresholds and to test them; the rest goes to the bench.
_PROPOSE, _TEST = 0.2, 0.6
#: Fewer can promise nothing worth having: 95 % with 95 % confidence takes 115 used rows without one violation.
LEAST_ROWS = 500


@dataclass(frozen=True)
class Application:
    """Recorded inputs and their exact results, in three parts; a result that is not finite stands for none.

    Attributes:
        name: of the file, without its folder.
        proposal: to propose thresholds by.
        calibration: to test them on.
        bench: for the board.
    """

    name: str
    proposal: Samples
    calibration: Samples
    bench: Samples

    @property
    def rows(self) -> int:
        """All distinct rows of the file."""
        return len(self.proposal) + len(self.calibration) + len(self.bench)


def read_application(kernel: Kernel, path: Path) -> NDArray[np.float32]:
    """Return the inputs of a file, float32 [N, n].

    Raises:
        KernelError: it cannot be read, or its columns are not the kernel's inputs.
        UsageError: the kernel has no C to label them with, or there are too few.
    """
    if not kernel.has_exact:
        raise UsageError(
            f"kernel {kernel.name} has no C that could label {path.name}.",
            "Train on the recorded data instead: it calibrates on a part of them that training never sees.",
        )
    x = read_inputs([path], len(kernel.inputs)).values
    distinct = len(first_of_equals(x))
    if distinct < LEAST_ROWS:
        different = "" if distinct == len(x) else " different"
        raise UsageError(
            f"{path.name} holds {distinct}{different} rows, too few to promise anything.", f"Record {LEAST_ROWS}."
        )
    return x


def application_of(task: Task, x: NDArray[np.float32], name: str, trained: TrainRecord | None) -> Application:
    """Return recorded inputs with their results, shared out.

    Args:
        task: the kernel, and what the conversion learns from.
        x: float32 [N, n].
        name: of their file.
        trained: says what the training learned from; None where that is not known.

    Raises:
        CheckFailed: some of the rows were used in training or to choose the network.
        KernelError: the kernel's C fails.
    """
    kernel, seen = task.kernel, [task.train.x, task.finals.x]
    if trained is not None:
        sizes = {"train": trained.split.train, "validation": trained.split.validation}
        seen += [kernel.draw(purpose, size, trained.options.seed).x for purpose, size in sizes.items()]
    used = np.isin(row_keys(x), np.concatenate([row_keys(part) for part in seen]))
    if used.any():
        raise CheckFailed(
            f"{int(used.sum())} of {len(x)} rows of {name} were used in training, the first is row "
            f"{int(np.argmax(used)) + 1}: a promise must be made on inputs that nothing has seen.",
            "Record other inputs, or leave those rows out.",
        )
    x = x[first_of_equals(x)]
    y = kernel.exact(x)
    place = _places(x)
    parts = (place < _PROPOSE, (place >= _PROPOSE) & (place < _PROPOSE + _TEST), place >= _PROPOSE + _TEST)
    return Application(name, *(Samples(x[part], y[part]) for part in parts))


def _places(x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return a number of 0 to 1 that depends on the row alone."""
    words = [hashlib.blake2b(key.tobytes(), digest_size=8, person=b"application").digest() for key in row_keys(x)]
    return np.frombuffer(b"".join(words), dtype="<u8") / 2.0**64
