"""How each stage's record is shown: a short table for people, the record itself for machines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

if TYPE_CHECKING:
    from axedge.artifacts.records.base import Record
    from axedge.terminal import Terminal


def plain_table(*columns: str, title: str = "") -> Table:
    """Return an empty table in the house style: fits 80 columns, no frame."""
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def show_document(terminal: Terminal, record: Record) -> None:
    """Print the record as the JSON that stands in its file."""
    terminal.document({"schema": record.SCHEMA} | json.loads(record.model_dump_json(by_alias=True)))


def percent(share: float | None) -> str:
    """Return a share as a percentage with one decimal; a dash where there is none."""
    return "-" if share is None else f"{100 * share:.1f} %"
