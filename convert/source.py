"""Where a conversion's networks come from: the candidates of a training, or one network of the user's own."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axedge.artifacts.errors import ArtifactError, UsageError
from axedge.artifacts.files import UNREADABLE_ARCHIVE, digest
from axedge.artifacts.records.convert import ConvertOptions
from axedge.artifacts.records.train import TrainRecord
from axedge.convert.maps import Maps
from axedge.convert.own_model import check_name, load_own_model
from axedge.kernels.kernel import Kernel
from axedge.train.network import load_keras

#: Of a .keras file, unpacked; a network for a microcontroller is far below this.
MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class Source:
    """The networks, best first.

    Attributes:
        trained: record of the training; None for a network of the user's own.
        digest: hash of where they come from.
        files: names.
        models: Keras models on normalised numbers.
        maps: between the kernel's units and the networks'.
        gate: value of the second head that counts as a logit of 0.
    """

    trained: TrainRecord | None
    digest: str
    files: tuple[str, ...]
    models: tuple[Any, ...]
    maps: Maps
    gate: float = 0.0

    @property
    def refusing_units(self) -> int:
        """Units of the predictor's last hidden layer; 0 where none learns to refuse foreign points."""
        return 0 if self.trained is None else self.trained.topology.predictor[-1]


def load_source(kernel: Kernel, train_folder: Path, options: ConvertOptions) -> Source:
    """Read the networks.

    Raises:
        ArtifactError: the train folder is incomplete or belongs to another kernel, or a file is damaged.
        UsageError, UnsupportedModel: as `own_model.load_own_model`.
    """
    if options.model is not None:
        path = Path(options.model)
        own = load_own_model(path, kernel, options.seed)
        return Source(None, network_digest(path), (path.name,), (own.model,), own.maps, own.gate)
    record = TrainRecord.load(train_folder)
    again = f"Run `axedge train {kernel.name}` again."
    if record.kernel != kernel.name:
        raise ArtifactError(f"{train_folder} holds a network for {record.kernel}, not for {kernel.name}.", again)
    if record.kernel_digest != kernel.digest():
        raise ArtifactError(f"the kernel {kernel.name} has changed since it was trained.", again)
    files = tuple(candidate.file for candidate in record.candidates)
    models = tuple(load_keras(train_folder / name) for name in files)
    return Source(record, record.inputs_digest, files, models, Maps.of(record.normalisation))


def source_digest(train_folder: Path, model: str | None) -> str:
    """Return the hash of all that `load_source` reads."""
    if model is not None:
        check_name(Path(model))
        read_bytes(Path(model))
        return network_digest(Path(model))
    record = TrainRecord.load(train_folder)
    networks = [network_digest(train_folder / candidate.file) for candidate in record.candidates]
    return digest(record.inputs_digest, *networks)


def network_digest(path: Path) -> str:
    """Return a hash of a .keras file's contents but for its metadata, which holds the time of saving."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(part.file_size for part in archive.infolist()) > MAX_BYTES:
                raise ValueError("it unpacks to more than any network for a microcontroller")
            names = sorted(name for name in archive.namelist() if name != "metadata.json")
            return digest(*[part for name in names for part in (name, archive.read(name))])
    except UNREADABLE_ARCHIVE as error:
        raise ArtifactError(
            f"{path} is missing or damaged ({error}).", "Make it again: for a trained network, `axedge train`."
        ) from None


def read_bytes(path: Path) -> bytes:
    """Return what a file that the user named holds.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {(error.strerror or 'unknown reason').lower()}.") from None
