"""The verbs that touch a board: run (all the way), flash, bench."""

from __future__ import annotations

import click

COMMANDS: tuple[click.Command, ...] = ()
