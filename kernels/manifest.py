"""kernel.toml: what may stand in it, and one clear line, with its number, for each thing that may not."""

from __future__ import annotations

import dataclasses
import difflib
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails

from axedge.artifacts.errors import KernelError, did_you_mean
from axedge.kernels.names import check_identifier
from axedge.kernels.spec import (
    MAX_PORTS,
    ErrorSpec,
    FunctionName,
    Identifier,
    InputPort,
    KernelName,
    NetworkSpec,
    Port,
    Real,
)
from axedge.kernels.toml_lines import KeyPath, key_lines, nearest_line

FILE_NAME = "kernel.toml"
MAX_UNIFORMS = 1024

Count = Annotated[int, Field(strict=True, ge=1, le=MAX_PORTS)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OutputEntry(_Table):
    """One output, or `count` of them named name0, name1, ..."""

    name: Identifier
    unit: str = ""
    count: Count | None = None

    def names(self) -> list[str]:
        """Return the names of the ports that this entry stands for."""
        return [self.name] if self.count is None else [f"{self.name}{index}" for index in range(self.count)]


class InputEntry(OutputEntry):
    """One input, or `count` of them with the same unit and range."""

    min: Real
    max: Real

    @field_validator("max")
    @classmethod
    def _above_min(cls, maximum: float, info: ValidationInfo) -> float:
        minimum = info.data.get("min")
        if minimum is not None and not np.float32(minimum) < np.float32(maximum):
            raise ValueError(f"must be larger than min = {minimum:g}")
        return maximum


class SampleTable(_Table):
    """[sample]: how the application's inputs fall."""

    function: FunctionName | None = None
    uniforms: Annotated[int, Field(strict=True, ge=1, le=MAX_UNIFORMS)] | None = None
    source: str | None = None
    data: Annotated[tuple[str, ...], Field(min_length=1, max_length=2)] | None = None

    @field_validator("uniforms", "source")
    @classmethod
    def _needs_function(cls, value: object, info: ValidationInfo) -> object:
        if value is not None and info.data.get("function") is None:
            raise ValueError("has a meaning beside `function` only")
        return value

    @field_validator("data", mode="before")
    @classmethod
    def _one_or_two_files(cls, value: object, info: ValidationInfo) -> object:
        if info.data.get("function") is not None:
            raise ValueError("and `function` exclude each other, keep one of them")
        return (value,) if isinstance(value, str) else value


class Manifest(_Table):
    """The whole of a kernel.toml."""

    name: KernelName
    summary: str = ""
    source: str | None = None
    inputs: Annotated[tuple[InputEntry, ...], Field(min_length=1)]
    outputs: Annotated[tuple[OutputEntry, ...], Field(min_length=1)]
    error: ErrorSpec
    sample: SampleTable = SampleTable()
    network: NetworkSpec

    def input_ports(self) -> tuple[InputPort, ...]:
        """Return the inputs, entries with a count written out."""
        return tuple(
            InputPort(name=name, unit=entry.unit, minimum=entry.min, maximum=entry.max)
            for entry in self.inputs
            for name in entry.names()
        )

    def output_ports(self) -> tuple[Port, ...]:
        """Return the outputs, entries with a count written out."""
        return tuple(Port(name=name, unit=entry.unit) for entry in self.outputs for name in entry.names())


def read_manifest(path: Path) -> Manifest:
    """Read and check a kernel.toml.

    Raises:
        KernelError: it cannot be read, or holds mistakes: one line each, `path:line: what is wrong, what is allowed`.
    """
    try:
        text = path.read_text(encoding="utf-8")
        body = tomllib.loads(text)
    except UnicodeDecodeError:
        raise KernelError(f"{path}:1: not UTF-8 text.") from None
    except OSError as error:
        raise KernelError(f"{path}: cannot be read: {(error.strerror or 'unknown reason').lower()}.") from None
    except tomllib.TOMLDecodeError as error:
        raise KernelError(_syntax_mistake(path, text, str(error))) from None
    except RecursionError:
        raise KernelError(f"{path}:1: its lists or tables stand too deep in each other.") from None
    lines = key_lines(text.replace("\r\n", "\n"))
    try:
        manifest = Manifest.model_validate(body)
    except ValidationError as error:
        found = [(_line_of(mistake, lines), _sentence(mistake)) for mistake in _first_causes(error.errors())]
        raise _error_of(path, found) from None
    found = [(nearest_line(lines, where), sentence) for where, sentence in _across(manifest, path.parent)]
    if found:
        raise _error_of(path, found)
    return manifest


def _error_of(path: Path, found: list[tuple[int, str]]) -> KernelError:
    return KernelError("\n".join(f"{path}:{line}: {sentence}" for line, sentence in sorted(found)))


def _syntax_mistake(path: Path, text: str, message: str) -> str:
    place = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", message)
    if place is None:
        return f"{path}:1: not valid TOML: {message}."
    what = f"{place[1][0].lower()}{place[1][1:]}"
    if not place[2]:
        last = text.rstrip().count("\n") + 1
        return f"{path}:{last}: not valid TOML: {what} at the end of the file."
    line, column = int(place[2]), int(place[3])
    rest = text.split("\n")[line - 1][column - 1 :].strip()
    near = f"before `{_short(rest, 30)}`" if rest else "the end of the line"
    return f"{path}:{line}: not valid TOML: {what} at column {column}, {near}."


def _across(manifest: Manifest, folder: Path) -> list[tuple[KeyPath, str]]:
    """Return the mistakes that show only between keys, or on the disk."""
    found: list[tuple[KeyPath, str]] = []
    for side in ("inputs", "outputs"):
        found += _port_mistakes(side, getattr(manifest, side))
    if manifest.source is None and manifest.sample.data is None:
        found.append((("name",), "needs `source`, a C file, or [sample] `data`, files of inputs and results."))
    if manifest.source is None and manifest.sample.function is not None:
        found.append((("sample", "function"), "`function` needs the kernel's `source` beside it."))
    if manifest.sample.function == manifest.name:
        found.append((("sample", "function"), f"`function` is {manifest.name!r}, the kernel itself: name the sampler."))
    files: list[tuple[KeyPath, str | None]] = [(("source",), manifest.source)]
    files.append((("sample", "source"), manifest.sample.source))
    files += [(("sample", "data", index), name) for index, name in enumerate(manifest.sample.data or ())]
    for where, name in files:
        if name is not None and not (folder / name).is_file():
            found.append((where, f"`{_key(where)}` is {name!r}, and there is no such file in {folder}."))
        elif name is not None and where[-1] == "source" and not name.endswith(".c"):
            found.append((where, f"`source` is {name!r}, only C files (.c) are allowed."))
    return found


def _port_mistakes(side: str, entries: tuple[OutputEntry, ...]) -> list[tuple[KeyPath, str]]:
    found: list[tuple[KeyPath, str]] = []
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        names = entry.names()
        for name in names:
            if name in seen:
                found.append(((side, index, "name"), f"`name` {name!r} stands twice, names must be unique."))
                break
        try:
            check_identifier(names[-1])
        except ValueError as error:
            found.append(((side, index, "name"), f"`name` is {names[-1]!r}: {error}."))
        seen.update(names)
    if len(seen) > MAX_PORTS:
        found.append(((side,), f"`{side}` are {len(seen)}, at most {MAX_PORTS} are allowed."))
    return found


_KEYS: dict[str, tuple[str, ...]] = {
    "": tuple(Manifest.model_fields),
    "inputs": tuple(InputEntry.model_fields),
    "outputs": tuple(OutputEntry.model_fields),
    "error": tuple(field.name for field in dataclasses.fields(ErrorSpec)),
    "sample": tuple(SampleTable.model_fields),
    "network": tuple(field.name for field in dataclasses.fields(NetworkSpec)),
}


def _first_causes(mistakes: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out what only follows: a missing key that stands there misspelt, a list short of a wrong item."""
    places = [tuple(mistake["loc"]) for mistake in mistakes]
    unknown = [place for place, mistake in zip(places, mistakes, strict=True) if _is_unknown_key(mistake)]
    causes = []
    for place, mistake in zip(places, mistakes, strict=True):
        misspelt = [str(other[-1]) for other in unknown if other[:-1] == place[:-1]]
        if mistake["type"] == "missing" and difflib.get_close_matches(str(place[-1]), misspelt, cutoff=0.5):
            continue
        if mistake["type"] == "too_short" and any(other[: len(place)] == place != other for other in places):
            continue
        causes.append(mistake)
    return causes


def _is_unknown_key(mistake: ErrorDetails) -> bool:
    return mistake["type"] in ("extra_forbidden", "unexpected_keyword_argument")


def _line_of(mistake: ErrorDetails, lines: dict[KeyPath, int]) -> int:
    return nearest_line(lines, tuple(mistake["loc"]))


def _key(where: KeyPath) -> str:
    return str([step for step in where if isinstance(step, str)][-1])


def _sentence(mistake: ErrorDetails) -> str:
    """Say in one sentence what a pydantic finding means to the author of the file."""
    where, kind = tuple(mistake["loc"]), mistake["type"]
    key, received = _key(where), mistake["input"]
    table = next((str(step) for step in where[:-1] if isinstance(step, str)), "")
    if kind == "missing":
        return f"{_place(where[:-1])}needs `{key}`."
    if _is_unknown_key(mistake):
        return f"unknown key `{key}`. {did_you_mean(key, _KEYS[table])}"
    rule = _rule(kind, mistake.get("ctx", {}))
    if kind == "literal_error" and isinstance(received, str):
        rule += f". {did_you_mean(received, re.findall(r'[a-z]+', rule.removeprefix('allowed are ')))}".rstrip(".")
    if kind == "value_error" and rule.startswith("and `"):
        return f"`{key}` {rule}."
    return f"`{key}` is {_shown(received)}: {rule}."


def _rule(kind: str, context: dict[str, Any]) -> str:
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return "allowed are " + str(context["expected"]).replace("'", "").replace(" or ", ", ")
    if kind in ("too_short", "too_long"):
        limits = ("at least", context.get("min_length")) if kind == "too_short" else ("at most", context["max_length"])
        return f"must hold {limits[0]} {limits[1]}"
    comparisons = {"greater_than": ("above", "gt"), "greater_than_equal": ("at least", "ge")}
    comparisons |= {"less_than": ("below", "lt"), "less_than_equal": ("at most", "le")}
    if kind in comparisons:
        word, limit = comparisons[kind]
        return f"must be {word} {context[limit]:g}"
    wanted = {"float": "a number", "int": "a whole number", "string": "text in quotes", "tuple": "a list"}
    wanted |= {"model": "a table", "dataclass": "a table", "bool": "true or false"}
    return f"must be {wanted.get(kind.partition('_')[0], 'of another type')}"


def _place(where: KeyPath) -> str:
    if not where:
        return ""
    if len(where) > 1 and isinstance(where[1], int):
        return f"{str(where[0]).removesuffix('s')} {where[1] + 1} "
    return f"[{where[0]}] "


def _shown(value: object) -> str:
    return _short(repr(value).lower() if isinstance(value, bool) else repr(value), 60)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
