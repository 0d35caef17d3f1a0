"""Recorded inputs and results: .npz, .csv and whitespace text, with one clear line for whatever cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import KernelError
from axedge.artifacts.files import UNREADABLE_ARCHIVE

_FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Table:
    """Rows of numbers and where they came from.

    Attributes:
        path: the file.
        values: float32, shape [N, columns], finite.
        lines: the line of each row in the file, shape [N]; for .npz the row number from 0.
        part: for .npz the array's name, else empty.
        groups: number of each row's group, 0, 1, ... in the order in which they appear, shape [N]; None where the file
            names none, or nobody asked.
        names: of the columns, in lower case, where a .csv has a header; else empty.
    """

    path: Path
    values: NDArray[np.float32]
    lines: NDArray[np.int64]
    part: str = ""
    groups: NDArray[np.int64] | None = None
    names: tuple[str, ...] = ()

    def where(self, row: int) -> str:
        """Return file and line (or row) of a row, for a message."""
        line = int(self.lines[row])
        return f"{self.path}: {self.part}[{line}]" if self.part else f"{self.path}:{line}"


def read_inputs(paths: Sequence[Path], columns: int, *, grouped: bool = False) -> Table:
    """Read inputs only: an .npz with `x`, or one text or .csv file with `columns` columns.

    Args:
        paths: one file.
        columns: of inputs.
        grouped: whether the file may say which group each row belongs to: a .csv in one more column that its header
            calls `group`, an .npz in an array of that name. Any words or numbers will do.

    Raises:
        KernelError: unreadable, not numbers, not finite, or another number of columns.
    """
    if len(paths) != 1:
        raise KernelError(f"{paths[1]}: a kernel with C takes one file of inputs, its results come from the C.")
    if not _is_npz(paths[0]):
        return _read_text(paths[0], columns, grouped=grouped)
    table = _read_npz(paths[0], "x", columns)
    return replace(table, groups=_npz_groups(paths[0], len(table.values))) if grouped else table


def _npz_groups(path: Path, count: int) -> NDArray[np.int64] | None:
    with np.load(path, allow_pickle=False) as archive:
        if "group" not in archive.files:
            return None
        try:
            names = archive["group"]
        except UNREADABLE_ARCHIVE as error:
            raise KernelError(f"{path}: not an .npz file of plain arrays: {_first_line(error)}") from None
    if names.shape != (count,):
        raise KernelError(f"{path}: `group` has shape {names.shape}, one for each of {count} rows is needed.")
    return _numbered([str(name) for name in names.tolist()])


def _numbered(names: Sequence[str]) -> NDArray[np.int64]:
    """Return the number of each name, in the order in which they appear."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)


def read_pair(paths: Sequence[Path], inputs: int | None, outputs: int | None) -> tuple[Table, Table]:
    """Read inputs and results: an .npz with `x` and `y`, one file with the results in the last columns, or two files.

    Args:
        paths: one or two files; a .csv may start with a header line, a text file may not.
        inputs: expected columns of x, None to take what the file has.
        outputs: expected columns of y; None to take what the file has, which for one text file means 1.

    Returns:
        x and y, of equally many rows.

    Raises:
        KernelError: as for `read_inputs`, or rows that are not equally many.
    """
    if len(paths) == 1 and _is_npz(paths[0]):
        x, y = _read_npz(paths[0], "x", inputs), _read_npz(paths[0], "y", outputs)
    elif len(paths) == 1:
        both = _read_text(paths[0], None if inputs is None else inputs + (outputs or 1))
        cut = both.values.shape[1] - (outputs or 1)
        if cut < 1:
            raise KernelError(f"{both.where(0)}: {both.values.shape[1]} columns, and inputs and results need more.")
        x = Table(both.path, both.values[:, :cut].copy(), both.lines)
        y = Table(both.path, both.values[:, cut:].copy(), both.lines)
    elif any(_is_npz(path) for path in paths):
        raise KernelError(f"{paths[0]}, {paths[1]}: an .npz holds x and y together, give it alone.")
    else:
        x, y = _read_text(paths[0], inputs), _read_text(paths[1], outputs)
    _check_rows(x, y)
    return x, y


def _check_rows(x: Table, y: Table) -> None:
    if len(x.values) == len(y.values):
        return
    long, short = (x, y) if len(x.values) > len(y.values) else (y, x)
    counts = [f"{table.part or table.path.name} has {len(table.values)} rows" for table in (long, short)]
    raise KernelError(f"{long.where(len(short.values))}: a row without a partner: {', '.join(counts)}.")


def _is_npz(path: Path) -> bool:
    return path.suffix.lower() == ".npz"


def _read_npz(path: Path, part: str, columns: int | None) -> Table:
    try:
        with np.load(path, allow_pickle=False) as archive:
            if part not in archive.files:
                held = ", ".join(archive.files) or "nothing"
                raise KernelError(f"{path}: holds no array `{part}`, only {held}.", "Save it with np.savez.")
            array = archive[part]
    except UNREADABLE_ARCHIVE as error:
        raise KernelError(f"{path}: not an .npz file of plain arrays: {_first_line(error)}") from None
    if array.dtype.kind not in "fiub":
        raise KernelError(f"{path}: `{part}` holds {array.dtype}, numbers are needed.")
    array = array[:, np.newaxis] if array.ndim == 1 else array
    if array.ndim != 2 or array.size == 0:
        raise KernelError(f"{path}: `{part}` has shape {array.shape}, rows x columns are needed.")
    if columns is not None and array.shape[1] != columns:
        raise KernelError(f"{path}: `{part}` has {array.shape[1]} columns, {columns} expected.")
    wrong = np.argwhere(~(np.abs(array.astype(np.float64)) <= _FLOAT32_MAX))
    if len(wrong):
        row, column = (int(index) for index in wrong[0])
        raise KernelError(f"{path}: {part}[{row}, {column}] is {array[row, column]}, finite numbers are needed.")
    return Table(path, array.astype(np.float32), np.arange(len(array)), part)


def _read_text(path: Path, columns: int | None, *, grouped: bool = False) -> Table:
    is_csv = path.suffix.lower() == ".csv"
    try:
        content = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise KernelError(f"{path}:1: not UTF-8 text; .npz, .csv and whitespace text are read.") from None
    except OSError as error:
        raise KernelError(f"{path}: cannot be read: {(error.strerror or 'unknown reason').lower()}.") from None
    rows: list[list[float]] = []
    lines: list[int] = []
    header_allowed, group, groups = is_csv, -1, []
    names: list[str] = []
    for line, text in enumerate(content.splitlines(), start=1):
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        cells = text.split(",") if is_csv else text.split()
        if header_allowed and not any(_is_number(cell) for cell in cells):
            header_allowed = False
            names = [cell.strip().strip('"').lower() for cell in cells]
            group = names.index("group") if grouped and "group" in names else -1
            if group >= 0:
                names.pop(group)
            continue
        header_allowed = False
        if 0 <= group < len(cells):
            groups.append(cells.pop(group).strip())
        expected = columns if columns is not None else (len(rows[0]) if rows else None)
        rows.append(_numbers(f"{path}:{line}", cells, expected, may_be_header=not rows and not is_csv))
        lines.append(line)
    if not rows:
        raise KernelError(f"{path}:1: holds no rows of numbers.")
    named = _numbered(groups) if group >= 0 else None
    return Table(path, np.array(rows, dtype=np.float32), np.array(lines), groups=named, names=tuple(names))


def _numbers(where: str, cells: list[str], expected: int | None, *, may_be_header: bool) -> list[float]:
    values: list[float] = []
    for column, cell in enumerate(cells, start=1):
        try:
            value = float(cell)
        except ValueError:
            _refuse_cell(where, column, cell, may_be_header)
        if not abs(value) <= _FLOAT32_MAX:
            raise KernelError(f"{where}: column {column} is {cell.strip()}, finite numbers are needed.")
        values.append(value)
    if expected is not None and len(values) != expected:
        plural = "column" if len(values) == 1 else "columns"
        raise KernelError(f"{where}: {len(values)} {plural}, {expected} expected.")
    return values


def _refuse_cell(where: str, column: int, cell: str, may_be_header: bool) -> NoReturn:
    hint = "A header line is allowed in a .csv only: remove it, or start it with #." if may_be_header else ""
    raise KernelError(f"{where}: column {column} is {cell.strip()!r}, a number is needed.", hint)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
