"""What a bench feeds the board: stored vectors, stored samples, or the user's own inputs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import ArtifactError, UsageError
from axedge.artifacts.files import UNREADABLE_ARCHIVE, digest

_AGAIN = "Run `axedge convert` again."


@dataclass(frozen=True)
class Vectors:
    """Codes in, and the codes that every execution must answer.

    Attributes:
        inputs: shape (count, inputs).
        answer: shape (count, outputs).
        logit: shape (count,); the largest code where the network has no predictor.
    """

    inputs: NDArray[np.int8] | NDArray[np.int16]
    answer: NDArray[np.integer]
    logit: NDArray[np.integer]


@dataclass(frozen=True)
class Samples:
    """Inputs, and where known their exact outputs.

    Attributes:
        x: float32, shape (samples, inputs); may hold NaN and infinities.
        y: shape (samples, outputs), or None.
        seed: that they were drawn with; None for the user's own.
    """

    x: NDArray[np.float32]
    y: NDArray[np.floating] | None
    seed: int | None

    @property
    def digest(self) -> str:
        """Hash of inputs and outputs."""
        return digest(self.x.tobytes(), b"" if self.y is None else np.asarray(self.y, np.float64).tobytes())

    def take(self, count: int, seed: int | None = None) -> Samples:
        """Return the first `count` samples, or with a seed as many drawn without repetition.

        Raises:
            UsageError: there are not so many.
        """
        if not 0 < count <= len(self.x):
            raise UsageError(
                f"{count} samples were asked for; there are {len(self.x)}.", "Choose --samples within that."
            )
        if seed is None:
            return Samples(self.x[:count], None if self.y is None else self.y[:count], self.seed)
        chosen = np.random.default_rng(seed).choice(len(self.x), count, replace=False)
        return Samples(self.x[chosen], None if self.y is None else self.y[chosen], None if self.seed is None else seed)


def load_vectors(convert_folder: Path) -> Vectors:
    """Read vectors.npz.

    Raises:
        ArtifactError: it is missing or damaged.
    """
    path = convert_folder / "vectors.npz"
    arrays = _load(path, ("inputs", "answer", "logit"))
    vectors = Vectors(arrays["inputs"], arrays["answer"], arrays["logit"])
    shapes = (vectors.inputs.ndim, vectors.answer.ndim, vectors.logit.ndim)
    lengths = {len(vectors.inputs), len(vectors.answer), len(vectors.logit)} if 0 not in shapes else set()
    if shapes != (2, 2, 1) or len(lengths) != 1 or vectors.inputs.dtype not in (np.int8, np.int16):
        raise ArtifactError(f"{path} holds arrays that do not fit together.", _AGAIN)
    return vectors


def load_samples(convert_folder: Path, default_seed: int) -> Samples:
    """Read samples.npz.

    Raises:
        ArtifactError: it is missing or damaged.
    """
    path = convert_folder / "samples.npz"
    arrays = _load(path, ("x", "y"))
    x, y = np.asarray(arrays["x"], np.float32), arrays["y"]
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y):
        raise ArtifactError(f"{path} holds arrays that do not fit together.", _AGAIN)
    return Samples(x, y, int(arrays["seed"]) if "seed" in arrays else default_seed)


def load_own(path: Path, inputs: int, outputs: int) -> Samples:
    """Read the user's own inputs: an .npz with x (and y), or numbers in lines, by commas or blanks.

    A line holds the inputs, or inputs and outputs. "nan" and "inf" are numbers: the board calls them out of domain.

    Args:
        path: the file.
        inputs: numbers a sample takes.
        outputs: numbers a sample gives.

    Raises:
        UsageError: the file is missing, holds something else, or has other columns.
    """
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                x, y = _numbers(arrays["x"]), arrays.get("y")
                x, y = x.astype(np.float32), None if y is None else _numbers(y)
        else:
            table = _read_numbers(path)
            x, y = table[:, :inputs].astype(np.float32), table[:, inputs:] if table.shape[1] > inputs else None
    except UNREADABLE_ARCHIVE as error:
        reason = error.strerror.lower() if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"{path} cannot be read: {reason}.", "It needs lines of numbers, or an .npz with x.") from None
    fits = x.ndim == 2 and x.shape[1] == inputs and (y is None or y.shape == (len(x), outputs))
    if not fits or len(x) == 0:
        raise UsageError(
            f"{path} does not hold samples of this kernel.",
            f"A line has {inputs} inputs, or {inputs} + {outputs} numbers.",
        )
    return Samples(x, y, None)


def _numbers(array: NDArray[np.generic]) -> NDArray[np.generic]:
    if array.dtype.kind not in "fiub":
        raise ValueError(f"it holds {array.dtype}, numbers are needed")
    return array


def _read_numbers(path: Path) -> NDArray[np.float64]:
    lines = [line.split("#")[0].replace(",", " ").split() for line in path.read_text(encoding="utf-8").splitlines()]
    rows = [(number, line) for number, line in enumerate(lines, 1) if line]
    for number, line in rows:
        if len(line) != len(rows[0][1]):
            raise ValueError(f"line {number} has {len(line)} numbers, the first one {len(rows[0][1])}")
    return np.array([[float(word) for word in line] for _, line in rows], np.float64).reshape(len(rows), -1)


def _load(path: Path, names: tuple[str, ...]) -> dict[str, NDArray]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
    except FileNotFoundError:
        raise ArtifactError(f"{path} does not exist.", "Run `axedge convert` first.") from None
    except UNREADABLE_ARCHIVE:
        raise ArtifactError(f"{path} is damaged.", _AGAIN) from None
    missing = [name for name in names if name not in found]
    if missing:
        raise ArtifactError(f"{path} lacks {', '.join(missing)}.", _AGAIN)
    return found
