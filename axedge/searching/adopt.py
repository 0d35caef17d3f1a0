"""Taking a network over: as the lines of a kernel.toml, or into the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from axedge.artifacts.errors import ToolMissing, UsageError
from axedge.artifacts.files import atomic_write
from axedge.artifacts.records.search import Shape
from axedge.kernels.kernel import Kernel, is_bundled

if TYPE_CHECKING:
    from tomlkit import TOMLDocument


def check_may_adopt(kernel: Kernel) -> None:
    """Refuse, before the work, to write into a kernel that comes with axedge.

    Raises:
        UsageError: it does.
    """
    if is_bundled(kernel):
        raise UsageError(
            f"{kernel.name} comes with axedge, so --apply does not change it.", "Copy its folder, and name that."
        )


def network_lines(shape: Shape) -> str:
    """Return the [network] table of kernel.toml."""
    return (
        "[network]\n"
        f"approximator = {list(shape.approximator)}\n"
        f"predictor    = {list(shape.predictor)}\n"
        f'approximator_activation = "{shape.approximator_activation}"\n'
        f'predictor_activation    = "{shape.predictor_activation}"\n'
    )


def adopt(kernel: Kernel, shape: Shape) -> Path:
    """Write the network into the kernel's own kernel.toml, and leave all else as it stands there; return its path."""
    check_may_adopt(kernel)
    path = kernel.folder / "kernel.toml"
    atomic_write(path, _with_network(path.read_text(encoding="utf-8"), shape))
    return path


def _with_network(text: str, shape: Shape) -> str:
    try:
        import tomlkit
    except ImportError:
        raise ToolMissing("tomlkit is not installed.", "pip install 'axedge[search]'") from None
    document: TOMLDocument = tomlkit.parse(text)
    network = document.setdefault("network", tomlkit.table())
    for name, value in shape.network.items():
        network[name] = list(value) if isinstance(value, tuple) else value
    return tomlkit.dumps(document)
