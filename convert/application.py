"""Inputs recorded in the application: for them, instead of for the kernel's own distribution, the promise is made.

They are labelled by the kernel's own C. Equal rows count once: copies are no trials of their own. Rows that follow each
other are alike, so rows are not shared out one by one: whole groups are where the file names them, else stretches of
the file with a gap between those for different purposes. Some propose thresholds, most test them, and the rest is what
`axedge bench` checks the promise on.
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
from axedge.kernels.table import Table, read_inputs

PROPOSE, TEST, BENCH = 0, 1, 2
#: What stretches of the file, or groups in the order of a hash, are for, again and again.
_PURPOSES = np.array([PROPOSE, TEST, TEST, TEST, BENCH])
_STRETCHES = 50
#: Rows left out where the purpose changes, a row of a stretch.
_GAP = 0.1
_LEAST_GROUPS = 10
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
        clusters: number of the stretch or group that each row of `calibration` belongs to, shape (N,).
        split: how the rows were shared out, in words.
        rows: distinct ones in the file.
    """

    name: str
    proposal: Samples
    calibration: Samples
    bench: Samples
    clusters: NDArray[np.int64]
    split: str
    rows: int


@dataclass(frozen=True)
class Split:
    """What each row is for.

    Attributes:
        purpose: PROPOSE, TEST, BENCH, or -1 for a row that is left out, shape (N,).
        clusters: number of each row's stretch or group, shape (N,).
        words: how it was done.
    """

    purpose: NDArray[np.int64]
    clusters: NDArray[np.int64]
    words: str


def read_application(kernel: Kernel, path: Path) -> Table:
    """Return the inputs of a file, with the group of each row where it has a column of that name.

    Raises:
        KernelError: it cannot be read, or its columns are not the kernel's inputs.
        UsageError: the kernel has no C to label them with, its header names the inputs in another order, or there are
            too few.
    """
    if not kernel.has_exact:
        raise UsageError(
            f"kernel {kernel.name} has no C that could label {path.name}.",
            "Train on the recorded data instead: it calibrates on a part of them that training never sees.",
        )
    table = read_inputs([path], len(kernel.inputs), grouped=True)
    _check_order(kernel, table)
    x, groups = table.values, table.groups
    distinct = len(first_of_equals(x))
    if distinct < LEAST_ROWS:
        different = "" if distinct == len(x) else " different"
        raise UsageError(
            f"{path.name} holds {distinct}{different} rows, too few to promise anything.", f"Record {LEAST_ROWS}."
        )
    if groups is not None and groups.max() + 1 < _LEAST_GROUPS:
        raise UsageError(
            f"{path.name} holds {groups.max() + 1} groups, too few to know how they differ.",
            f"Record {_LEAST_GROUPS}, or leave the column group out.",
        )
    return table


def _check_order(kernel: Kernel, table: Table) -> None:
    """Refuse a header that says that a column is another input; words that are no input's name say nothing."""
    inputs = [port.name.lower() for port in kernel.inputs]
    if any(name in inputs and name != wanted for name, wanted in zip(table.names, inputs, strict=False)):
        raise UsageError(
            f"the columns of {table.path.name} are {', '.join(table.names)}; "
            f"{kernel.name} takes {', '.join(port.name for port in kernel.inputs)}, in this order."
        )


def application_of(task: Task, recorded: Table, trained: TrainRecord | None) -> Application:
    """Return recorded inputs with their results, shared out.

    Args:
        task: the kernel, and what the conversion learns from.
        recorded: from `read_application`.
        trained: says what the training learned from; None where that is not known.

    Raises:
        CheckFailed: some of the rows were used in training or to choose the network.
        KernelError: the kernel's C fails.
    """
    kernel, seen, x, name = task.kernel, [task.train.x, task.finals.x], recorded.values, recorded.path.name
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
    kept = first_of_equals(x)
    split = split_groups(recorded.groups[kept]) if recorded.groups is not None else split_stretches(len(kept))
    x = x[kept]
    y = kernel.exact(x)
    parts = (split.purpose == purpose for purpose in (PROPOSE, TEST, BENCH))
    samples = [Samples(x[part], y[part]) for part in parts]
    return Application(name, *samples, split.clusters[split.purpose == TEST], split.words, len(x))


def split_stretches(count: int) -> Split:
    """Share out rows by stretches of the file, with a gap wherever the purpose changes."""
    stretch = np.arange(count, dtype=np.int64) * _STRETCHES // count
    purposes = np.resize(_PURPOSES, _STRETCHES)
    length = count // _STRETCHES
    gap = max(round(_GAP * length), 1)
    starts = np.searchsorted(stretch, np.arange(_STRETCHES))
    purpose = purposes[stretch]
    for number in range(1, _STRETCHES):
        if purposes[number] != purposes[number - 1]:
            purpose[starts[number] : starts[number] + gap] = -1
    words = f"shared out in {_STRETCHES} stretches of {length} rows in the file's order, {gap} left out between parts"
    return Split(purpose, stretch, words)


def split_groups(groups: NDArray[np.int64]) -> Split:
    """Share out rows by whole groups, in an order that a hash of their numbers gives."""
    numbers = np.unique(groups)
    order = sorted(numbers.tolist(), key=lambda number: hashlib.blake2b(str(number).encode(), digest_size=8).digest())
    purposes = dict(zip(order, np.resize(_PURPOSES, len(order)).tolist(), strict=True))
    purpose = np.array([purposes[number] for number in groups.tolist()], np.int64)
    return Split(purpose, groups, f"shared out by its {len(numbers)} groups")
