"""A bench beside an earlier one: what changed, and whether anything is worse than a tolerance allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from axedge.artifacts.errors import UsageError
from axedge.artifacts.records.bench import BenchRecord

Direction = Literal["higher", "lower", "neither"]
Kind = Literal["share", "number", "bytes"]


@dataclass(frozen=True)
class Change:
    """One figure, before and after.

    Attributes:
        name: of the figure.
        kind: what it is: a share of the inputs, bytes, or a number in the unit that `name` says.
        better: which way is better; `neither` is shown and never judged.
        before: null where the earlier bench had none.
        after: null where this one has none.
        relative: (after - before) / before; null where that is no number.
        is_worse: it went the wrong way by more than the tolerance, or is gone.
    """

    name: str
    kind: Kind
    better: Direction
    before: float | None
    after: float | None
    relative: float | None
    is_worse: bool


@dataclass(frozen=True)
class Against:
    """This bench beside an earlier one.

    Attributes:
        name: of the earlier bench's file.
        tolerance: by which share of its earlier value a figure may get worse.
        changes: every figure.
        differences: in what else the two differ; empty if in nothing.
    """

    name: str
    tolerance: float
    changes: tuple[Change, ...]
    differences: str

    @property
    def worse(self) -> tuple[Change, ...]:
        """The figures that are worse than the tolerance allows."""
        return tuple(one for one in self.changes if one.is_worse)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain data, for JSON."""
        return asdict(self) | {"worse": [one.name for one in self.worse]}


def _gated(record: BenchRecord) -> float | None:
    return record.ticks.gated.mean


def _approximate(record: BenchRecord) -> float | None:
    return None if record.ticks.approximate is None else record.ticks.approximate.mean


def _exact(record: BenchRecord) -> float | None:
    return None if record.ticks.exact is None else record.ticks.exact.mean


# The link's speed is left out: it depends on what else the machine does. The worst error is one sample's.
_FIGURES: tuple[tuple[str, Kind, Direction, Callable[[BenchRecord], float | None]], ...] = (
    ("invocation", "share", "higher", lambda record: record.invocation),
    ("precision", "share", "higher", lambda record: record.precision),
    ("useful invocation", "share", "higher", lambda record: record.useful_invocation),
    ("true invocation", "share", "higher", lambda record: record.true_invocation),
    ("median error", "number", "lower", lambda record: record.error.median),
    ("p95 error", "number", "lower", lambda record: record.error.p95),
    ("max error", "number", "neither", lambda record: record.error.max),
    ("approximate, {unit}", "number", "lower", _approximate),
    ("exact, {unit}", "number", "neither", _exact),
    ("gated, {unit}", "number", "lower", _gated),
    ("speed-up", "number", "higher", lambda record: record.speedup.value),
    ("flash", "bytes", "lower", lambda record: record.footprint.flash_bytes),
    ("static RAM", "bytes", "lower", lambda record: record.footprint.ram_bytes),
    ("network's flash", "bytes", "lower", lambda record: record.footprint.engine_flash_bytes),
    ("network's RAM", "bytes", "lower", lambda record: record.footprint.engine_ram_bytes),
)


def load_previous(path: Path, kernel: str, board: str) -> BenchRecord:
    """Read an earlier bench.json, wherever it was kept.

    Raises:
        UsageError: there is no such file, or it is of another kernel or board.
        ArtifactError: it is no bench.json that this axedge reads.
    """
    if not path.is_file():
        raise UsageError(f"there is no earlier bench at {path}.", "Name a bench.json with --against.")
    record = BenchRecord.load_file(path)
    _check_same("kernel", record.kernel, kernel)
    _check_same("board", record.board, board)
    return record


def compare(before: BenchRecord, after: BenchRecord, tolerance: float, name: str = "an earlier bench") -> Against:
    """Set each figure beside the earlier one.

    Args:
        before: the earlier bench.
        after: this one.
        tolerance: by which share of its earlier value a figure may get worse.
        name: of the earlier bench's file.

    Raises:
        UsageError: the two do not measure the same thing.
    """
    _check_same("kernel", before.kernel, after.kernel)
    _check_same("board", before.board, after.board)
    _check_same("unit", before.ticks.unit, after.ticks.unit)
    _check_same("kind of inputs", before.inputs, after.inputs)
    for which, record in (("earlier", before), ("new", after)):
        if not record.complete:
            raise UsageError(
                f"the {which} bench is partial: {record.samples:,} of {record.samples_wanted:,} samples.",
                "Finish it with `axedge bench --resume`.",
            )
    changes = []
    for figure, kind, better, take in _FIGURES:
        old, new = take(before), take(after)
        changes.append(
            Change(
                figure.format(unit=after.ticks.unit),
                kind,
                better,
                old,
                new,
                None if old is None or new is None or old == 0 else (new - old) / abs(old),
                _is_worse(old, new, better, tolerance),
            )
        )
    return Against(name, tolerance, tuple(changes), _differences(before, after))


def _check_same(what: str, before: str, after: str) -> None:
    if before != after:
        raise UsageError(
            f"the earlier bench is of another {what}: {before}, this one of {after}.",
            "Only like can be compared with like; name another file with --against.",
        )


def _differences(before: BenchRecord, after: BenchRecord) -> str:
    """Say in what the two benches differ apart from their figures; empty if in nothing."""
    found = [
        f"{what} {old}, now {new}"
        for what, old, new in (
            ("engine", before.engine, after.engine),
            ("activations", before.activations, after.activations),
            ("model", before.model_hash, after.model_hash),
            ("samples", f"{before.samples:,}", f"{after.samples:,}"),
            ("seed", before.seed, after.seed),
        )
        if old != new
    ]
    return f"The earlier bench had {'; '.join(found)}." if found else ""


def _is_worse(old: float | None, new: float | None, better: Direction, tolerance: float) -> bool:
    if better == "neither" or old is None:
        return False
    if new is None:
        return True
    loss = old - new if better == "higher" else new - old
    return loss > tolerance * abs(old)
