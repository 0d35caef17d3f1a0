"""Where each stage reads and writes: the folders below `out/`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from axedge.artifacts.errors import UsageError


@dataclass(frozen=True)
class Workspace:
    """The folder tree of design: out/<kernel>/{train,convert,<board>/<engine>-<activations>}.

    Attributes:
        root: usually `out`.
    """

    root: Path = Path("out")

    def kernel(self, kernel: str) -> Path:
        """Folder in which `axedge train --data` keeps recorded data as a kernel."""
        return self.root / kernel / "kernel"

    def train(self, kernel: str) -> Path:
        """Folder of `axedge train`."""
        return self.root / kernel / "train"

    def convert(self, kernel: str) -> Path:
        """Folder of `axedge convert`."""
        return self.root / kernel / "convert"

    def image(self, kernel: str, board: str, engine: str = "aot", activations: str = "int8") -> Path:
        """Folder of `axedge build` and `axedge bench` for one board, engine ("both": their comparison) and width."""
        width = {"int8": "i8", "int16": "i16"}[activations]
        return self.root / kernel / board / f"{engine}-{width}"

    def images(self, kernel: str, engine: str) -> list[Path]:
        """Folders of the boards that `axedge build` has built this kernel for with this engine, sorted."""
        return sorted(path.parent for path in (self.root / kernel).glob(f"*/{engine}-i*/build.json"))

    def benched_boards(self, kernel: str, engine: str) -> list[str]:
        """Names of the boards that this kernel was benched on with this engine, sorted."""
        return sorted({path.parts[-3] for path in (self.root / kernel).glob(f"*/{engine}-i*/bench.json")})

    def export(self, kernel: str, to: str, engine: str = "aot") -> Path:
        """Folder of `axedge export`, named as a user's project wants it."""
        return self.root / kernel / "export" / f"{to}-{engine}" / f"axnet_{kernel}"

    def search(self, kernel: str) -> Path:
        """Folder of `axedge search`: all its trials, and what it chose."""
        return self.root / kernel / "search"

    def emulated_board(self, board: str) -> Path:
        """The emulated board's own memory: what `flash` put into it, and what `bench` powers on."""
        return self.root / ".boards" / board

    def only_kernel(self) -> str:
        """Return the name of the one kernel that was worked on here.

        Raises:
            UsageError: there is none, or more than one.
        """
        folders = self.root.iterdir() if self.root.is_dir() else ()
        names = sorted(path.name for path in folders if path.is_dir() and not path.name.startswith("."))
        if len(names) == 1:
            return names[0]
        if not names:
            raise UsageError(f"{self.root}/ holds no kernel yet.", "Name one: `axedge kernels` lists them.")
        raise UsageError(f"{self.root}/ holds {len(names)} kernels: {', '.join(names)}.", "Name the one you mean.")
