"""The frame of every .json that a stage leaves behind."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from axedge.artifacts.errors import ArtifactError
from axedge.artifacts.files import atomic_write, digest_file

#: Stages that `axedge run` does in order, each only where it is needed.
_WALKED = ("train", "convert", "build", "bench")


def axedge_version() -> str:
    """Return the installed version of axedge."""
    try:
        return version("axedge")
    except PackageNotFoundError:
        return "0+unknown"


class Part(BaseModel):
    """A nested part of a record: unknown keys are refused, values may not be changed after they were made."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="null")


class Record(Part):
    """What a stage writes about its work, one JSON file a stage.

    Attributes:
        schema_version: written as `schema`; a reader refuses another one.
        axedge: version of axedge that wrote it.
        inputs_digest: hash of everything the stage read, its options included; equal means up to date.
        files: SHA-256 of what the stage left beside this, by name; filled in by `save`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, ser_json_inf_nan="null")
    SCHEMA: ClassVar[int] = 1
    VERB: ClassVar[str] = ""
    FILE: ClassVar[str] = ""

    axedge: str
    inputs_digest: str
    files: dict[str, str] = {}

    @property
    def produced(self) -> tuple[str, ...]:
        """Names of the files that the stage leaves beside its record."""
        return ()

    @property
    def file(self) -> str:
        """Name of the file that `save` writes; `load` reads FILE."""
        return self.FILE

    def save(self, folder: Path) -> Path:
        """Write the record into `folder`, atomically; return its path."""
        there = [name for name in self.produced if (folder / name).is_file()]
        self.files.clear()
        self.files.update({name: digest_file(folder / name) for name in there})
        body = {"schema": self.SCHEMA} | json.loads(self.model_dump_json(by_alias=True))
        path = folder / self.file
        atomic_write(path, json.dumps(body, indent=2) + "\n")
        return path

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the record from `folder`.

        Raises:
            ArtifactError: it is missing, damaged, or of another schema.
        """
        return cls.load_file(folder / cls.FILE)

    @classmethod
    def load_file(cls, path: Path) -> Self:
        """Read the record from a file of any name.

        Raises:
            ArtifactError: it is missing, damaged, or of another schema.
        """
        again = f"Run `axedge {cls.VERB}` again."
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
            schema = body.pop("schema")
        except FileNotFoundError:
            raise ArtifactError(f"{path} does not exist.", _first(cls.VERB)) from None
        except (OSError, ValueError, AttributeError, KeyError, TypeError, RecursionError):
            raise ArtifactError(f"{path} is damaged.", again) from None
        if schema != cls.SCHEMA:
            raise ArtifactError(f"{path} has schema {schema}, this axedge reads {cls.SCHEMA}.", again)
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(step) for step in first["loc"])
            raise ArtifactError(f"{path} is damaged at {where}: {first['msg']}.", again) from None

    def check_files(self, folder: Path, names: Iterable[str] | None = None) -> None:
        """Make sure that files that the stage left in `folder` are there and as it left them.

        Args:
            folder: where the record was read from.
            names: of the files; None for all.

        Raises:
            ArtifactError: one is not.
        """
        for name in self.produced if names is None else names:
            path, wanted = folder / name, self.files.get(name)
            if not path.is_file():
                raise ArtifactError(f"{path} does not exist.", f"Run `axedge {self.VERB}` again.")
            if wanted is not None and digest_file(path) != wanted:
                raise ArtifactError(
                    f"{path} is damaged: it is not what `axedge {self.VERB}` wrote.", f"Run `axedge {self.VERB}` again."
                )

    def is_whole(self, folder: Path) -> bool:
        """Whether `check_files` finds nothing wrong."""
        try:
            self.check_files(folder)
        except ArtifactError:
            return False
        return True

    @classmethod
    def load_if_present(cls, folder: Path) -> Self | None:
        """Return the record, or None where it is missing or cannot be used any more."""
        try:
            return cls.load(folder)
        except ArtifactError:
            return None


def _first(verb: str) -> str:
    """Return what to do where a verb's record is not there."""
    walked = "; `axedge run` does it and the stages before it" if verb in _WALKED else ""
    return f"Run `axedge {verb}` first{walked}."
