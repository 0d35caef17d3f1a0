"""Which stage needs which, and whether its work is already done.

The only module that knows all the stages. Each step looks at the record that the stage left behind: if the record's
`inputs_digest` is the hash of what the stage would read now, and the files it names are there, the stage is skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axedge.artifacts.workspace import Workspace
from axedge.terminal import Terminal

if TYPE_CHECKING:
    from axedge.artifacts.records.base import Record
    from axedge.artifacts.records.build import BuildRecord
    from axedge.artifacts.records.convert import ConvertRecord
    from axedge.artifacts.records.train import TrainRecord
    from axedge.firmware.boards import Board
    from axedge.kernels.kernel import Kernel


@dataclass(frozen=True)
class Choice:
    """What the user asked for; a verb uses the part that it needs.

    Attributes:
        train: options of `axedge.train.stage.train_kernel`.
        convert: options of `axedge.convert.stage.convert_kernel`.
        engine: "aot" or "tflm".
        optimize: "speed", "size" or "balanced".
        force: do the work even where it is up to date.
    """

    train: dict[str, Any] = field(default_factory=dict)
    convert: dict[str, Any] = field(default_factory=dict)
    engine: str = "aot"
    optimize: str = "speed"
    force: bool = False

    @property
    def activations(self) -> str:
        """Activation width: "int8" or "int16"."""
        return self.convert.get("activations", "int8")


class Pipeline:
    """The stages of one kernel, in order.

    Args:
        kernel: what is approximated.
        workspace: where the stages read and write.
        terminal: where progress goes.
        choice: what the user asked for.
    """

    def __init__(self, kernel: Kernel, workspace: Workspace, terminal: Terminal, choice: Choice | None = None) -> None:
        self.kernel = kernel
        self.workspace = workspace
        self.terminal = terminal
        self.choice = choice or Choice()

    def train(self) -> TrainRecord:
        """Train, or take the network that is there."""
        from axedge.artifacts.records.train import TrainRecord
        from axedge.train.stage import train_inputs_digest, train_kernel

        folder = self.workspace.train(self.kernel.name)
        wanted = train_inputs_digest(self.kernel, **self.choice.train)
        return self._step(
            "train",
            TrainRecord.load_if_present(folder),
            wanted,
            folder,
            lambda progress: train_kernel(self.kernel, folder, progress=progress, **self.choice.train),
        )

    def convert(self) -> ConvertRecord:
        """Quantise and emit, or take what is there. Trains first only if nothing was trained."""
        from axedge.artifacts.records.convert import ConvertRecord
        from axedge.convert.stage import convert_inputs_digest, convert_kernel

        source, folder = self.workspace.train(self.kernel.name), self.workspace.convert(self.kernel.name)
        wanted = convert_inputs_digest(self.kernel, source, **self.choice.convert)
        return self._step(
            "convert",
            ConvertRecord.load_if_present(folder),
            wanted,
            folder,
            lambda progress: convert_kernel(self.kernel, source, folder, progress=progress, **self.choice.convert),
        )

    def build(self, board: Board) -> BuildRecord:
        """Build the board's firmware, or take the image that is there."""
        from axedge.artifacts.records.build import BuildRecord
        from axedge.firmware.build import build_firmware, build_inputs_digest

        source, folder = self.workspace.convert(self.kernel.name), self.image_folder(board)
        options = {"engine": self.choice.engine, "optimize": self.choice.optimize}
        wanted = build_inputs_digest(source, self.kernel, board, **options)
        return self._step(
            "build",
            BuildRecord.load_if_present(folder),
            wanted,
            folder,
            lambda progress: build_firmware(source, self.kernel, board, folder, progress=progress, **options),
        )

    def image_folder(self, board: Board) -> Path:
        """Where the board's image and its bench result are."""
        return self.workspace.image(self.kernel.name, board.name, self.choice.engine, self.choice.activations)

    def _step(
        self,
        verb: str,
        present: Record | None,
        wanted: str,
        folder: Path,
        work: Callable[[Any], Any],
    ) -> Any:
        if present is not None and present.inputs_digest == wanted and not self.choice.force:
            self.terminal.say(f"{verb:<8} up to date: {folder}")
            return present
        with self.terminal.stage(verb) as progress:
            record = work(progress)
        self.terminal.say(f"{verb:<8} done: {folder}")
        return record
