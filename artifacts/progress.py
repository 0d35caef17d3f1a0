"""How a stage tells whoever called it how far it is, without knowing terminals."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called with the work done so far, the whole of it, and a few words such as a live figure."""

    def __call__(self, done: float, total: float, note: str = "") -> None:
        """Report progress; must be cheap and must not raise."""


def silent(done: float, total: float, note: str = "") -> None:
    """Ignore progress."""
