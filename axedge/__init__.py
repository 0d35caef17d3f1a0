"""axedge: a tiny int8 network that knows when it may be trusted, in place of an expensive function.

The names of `axedge.api` are here too (docs/api.md): `from axedge import Kernel, train, convert, build, Device, bench`.
They are loaded when first asked for, so that importing axedge costs nothing.

`axedge.train` and `axedge.convert` are packages as well as functions of the API. Either name stands for the package,
whoever imports first, and calling the package calls the function.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = [
    "AxedgeError",
    "Board",
    "Device",
    "Kernel",
    "bench",
    "build",
    "connect",
    "convert",
    "data_kernel",
    "flash",
    "load_board",
    "load_kernel",
    "search",
    "train",
]

_ALSO_PACKAGES = ("convert", "train")


class _CallablePackage(ModuleType):
    """A package whose call is the API's function of its name."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Call it."""
        return self.__wrapped__(*arguments, **options)

    @property
    def __wrapped__(self) -> Any:
        """The function: for `inspect.signature` too."""
        return getattr(import_module("axedge.api"), self.__name__.rpartition(".")[2])


class _Axedge(ModuleType):
    """Python's import system sets a package as an attribute of its parent; there the two packages become callable."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _ALSO_PACKAGES and isinstance(value, ModuleType):
            value.__class__ = _CallablePackage
        super().__setattr__(name, value)


def __getattr__(name: str) -> Any:
    """Load a name of the API when it is first asked for."""
    if name in _ALSO_PACKAGES:
        return import_module(f"{__name__}.{name}")
    if name in __all__:
        found = getattr(import_module("axedge.api"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


sys.modules[__name__].__class__ = _Axedge
