"""Where the generated C stands in a folder that `axedge convert` wrote: one header, three sources."""

from __future__ import annotations

OPTIMIZE = ("speed", "balanced", "size")
"""What a source can be made for; all give the same bits."""


def generated_source(kernel: str, optimize: str) -> str:
    """Return the path of the source that is made for `optimize`; the one for speed stands beside the header."""
    name = f"axnet_{kernel}.c"
    return name if optimize == OPTIMIZE[0] else f"{optimize}/{name}"
