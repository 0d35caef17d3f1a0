"""Part of axedge; see docs/architecture.md."""
