"""The one tree of errors that axedge raises for a user's eyes.

Each error says what is wrong and, in `hint`, what to do about it. The command line prints both on one line and exits
with the class's `exit_code`; anything else that reaches the top is a defect in axedge.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AxedgeError(Exception):
    """Base of every error meant for the user.

    Args:
        message: what is wrong, one line, with the value received.
        hint: what to do, one line; may be empty.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class CheckFailed(AxedgeError):
    """Everything ran, and a promise was not kept (bits differ, guarantee broken, image too large)."""

    exit_code = 1


class UsageError(AxedgeError):
    """A wrong argument, name or path."""


class KernelError(AxedgeError):
    """A kernel folder, kernel.toml, C source or data file that cannot be used."""


class ArtifactError(AxedgeError):
    """A file of an earlier stage is missing, damaged, or belongs to another model."""


class UnsupportedModel(AxedgeError):
    """The network holds something that the int8 engines cannot run."""


class ToolMissing(AxedgeError):
    """A program or Python package that this step needs is not installed."""


class BuildError(AxedgeError):
    """A compiler or CMake failed."""


class DeviceError(AxedgeError):
    """The board answered wrongly, not in time, or not at all."""

    exit_code = 3


class PortError(DeviceError):
    """The serial port is missing, busy, forbidden, or went away."""


class WrongImage(DeviceError):
    """The board runs another image than the one asked for."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a sentence with the nearest known names, or with all of them when none is near."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=3, cutoff=0.65)
    if not near and len(word) > 2:
        near = [name for name in names if word.lower() in name.lower()][:3]
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"Known: {', '.join(names)}." if names else ""
