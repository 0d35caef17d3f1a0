"""Folders for users' own projects: the generated pair with all that a kind of project wants around it."""

from __future__ import annotations

from axedge.convert.dropin.export import Dropin, LibraryEngine, Measured, export_dropin
from axedge.convert.dropin.forms import FORMS

__all__ = ["FORMS", "Dropin", "LibraryEngine", "Measured", "export_dropin"]
