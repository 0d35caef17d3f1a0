"""The quantised network as C: the pair axnet_<kernel>.h and axnet_<kernel>.c (docs/architecture.md, docs/engine.md)."""

from __future__ import annotations

from axedge.convert.emit.emit import CORES, OPTIMIZE, emit_aot

__all__ = ["CORES", "OPTIMIZE", "emit_aot"]
