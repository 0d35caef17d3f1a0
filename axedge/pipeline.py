"""Which stage needs which, and whether its work is already done.

The only module that knows all the stages. Each step looks at the record that the stage left behind: if the record's
`inputs_digest` is the hash of what the stage would read now, and the files it names are there, the stage is skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axedge.artifacts.errors import UsageError
from axedge.artifacts.files import alone_in, check_writable
from axedge.artifacts.workspace import Workspace
from axedge.terminal import STAGE_WIDTH, Terminal

if TYPE_CHECKING:
    from axedge.artifacts.records.alternatives import AlternativesRecord
    from axedge.artifacts.records.base import Record
    from axedge.artifacts.records.bench import BenchRecord
    from axedge.artifacts.records.build import BuildRecord
    from axedge.artifacts.records.convert import ConvertRecord
    from axedge.artifacts.records.train import TrainRecord
    from axedge.firmware.boards import Board
    from axedge.host.link import Trace
    from axedge.kernels.kernel import Kernel


DEFAULT_PROMISE = {"guarantee": 0.95}
"""What a conversion promises unless the user says otherwise: precision, with the converter's own confidence."""


@dataclass(frozen=True)
class Choice:
    """What the user asked for; a verb uses the part that it needs.

    Attributes:
        train: options of `axedge.train.stage.train_kernel` that were given; the others stay as they were last time.
        convert: options of `axedge.convert.stage.convert_kernel`, likewise.
        engine: "aot" or "tflm".
        tflm: where TensorFlow Lite Micro was built, for the engine of that name.
        arena_bytes: its tensor arena; None: what is measured.
        optimize: "speed", "size" or "balanced".
        force: do the work even where it is up to date.
    """

    train: dict[str, Any] = field(default_factory=dict)
    convert: dict[str, Any] = field(default_factory=dict)
    engine: str = "aot"
    tflm: Path | None = None
    arena_bytes: int | None = None
    optimize: str = "speed"
    force: bool = False


@dataclass(frozen=True)
class BenchChoice:
    """How to reach the board and what to run on it; the attributes are those of `host.Connection` and `host.bench`."""

    port: str | None = None
    samples: int | None = None
    seed: int | None = None
    trace: Trace | None = None


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
        present = TrainRecord.load_if_present(folder)
        options = (present.options.model_dump() if present else {}) | self.choice.train
        wanted = train_inputs_digest(self.kernel, **options)
        return self._step(
            "train",
            present,
            wanted,
            folder,
            lambda progress: train_kernel(self.kernel, folder, progress=progress, **options),
        )

    def convert(self) -> ConvertRecord:
        """Quantise and emit, or take what is there."""
        from axedge.artifacts.records.convert import ConvertRecord
        from axedge.artifacts.records.train import TrainRecord
        from axedge.convert.options import convert_options
        from axedge.convert.stage import convert_inputs_digest, convert_kernel

        source, folder = self.workspace.train(self.kernel.name), self.workspace.convert(self.kernel.name)
        present = ConvertRecord.load_if_present(folder)
        options = (present.options.model_dump() if present else DEFAULT_PROMISE) | self.choice.convert
        self._refuse_idle(options)
        convert_options(**options)
        if options.get("model") is None:
            TrainRecord.load(source).check_files(source)
        wanted = convert_inputs_digest(self.kernel, source, **options)
        return self._step(
            "convert",
            present,
            wanted,
            folder,
            lambda progress: convert_kernel(self.kernel, source, folder, progress=progress, **options),
        )

    def _refuse_idle(self, options: dict[str, Any]) -> None:
        """Refuse options of a conversion that were given and could not do anything beside the others.

        Raises:
            UsageError: there is one.
        """
        if "confidence" in self.choice.convert and options.get("guarantee") is None:
            raise UsageError("--confidence needs a guarantee, and there is none.", "Give --guarantee as well.")
        if "effort" in self.choice.convert and options.get("model") is not None:
            raise UsageError(
                f"--effort has no meaning beside {options['model']}, which is converted as it is.",
                "Leave it out, or go back with --trained.",
            )

    def check_engine(self, board: Board) -> None:
        """Say before the first stage what would stop `build`.

        Raises:
            ToolMissing, UsageError: the engine's library was not named or does not fit the board.
        """
        from axedge.firmware.tflm import find_tflm
        from axedge.firmware.toolchain import find_toolchain

        self._refuse_idle_engine()
        if self.choice.engine == "tflm":
            find_tflm(self.choice.tflm, board, find_toolchain(board.toolchain))

    def _refuse_idle_engine(self) -> None:
        if self.choice.engine != "tflm" and (self.choice.tflm is not None or self.choice.arena_bytes is not None):
            raise UsageError("--tflm and --arena mean nothing without --engine tflm.", "Give it, or leave them out.")

    def build(self, board: Board) -> BuildRecord:
        """Build the board's firmware, or take the image that is there."""
        from axedge.artifacts.records.build import BuildRecord
        from axedge.artifacts.records.convert import ConvertRecord
        from axedge.firmware.build import build_firmware, build_inputs_digest

        self._refuse_idle_engine()
        source, folder = self.workspace.convert(self.kernel.name), self.image_folder(board)
        ConvertRecord.load(source).check_files(source)
        options: dict[str, Any] = {"engine": self.choice.engine, "optimize": self.choice.optimize}
        if self.choice.engine == "tflm":
            options |= {"tflm": self.choice.tflm, "arena_bytes": self.choice.arena_bytes}
        wanted = build_inputs_digest(source, self.kernel, board, **options)
        present = BuildRecord.load_if_present(folder)
        return self._step(
            "build",
            present,
            wanted,
            folder,
            lambda progress: build_firmware(source, self.kernel, board, folder, progress=progress, **options),
        )

    def flash(self, board: Board, port: str | None) -> None:
        """Flash the image, unless the board, asked, already answers with its build id."""
        from axedge.artifacts.records.build import BuildRecord
        from axedge.host.connection import Connection
        from axedge.host.flash import flash

        folder = self.image_folder(board)
        build_id = BuildRecord.load(folder).build_id
        if not self.choice.force and Connection(board, self.workspace, port).answers(build_id):
            self.terminal.say(f"{'flash':<{STAGE_WIDTH}} up to date: {board.name} answers with build id {build_id}")
            return
        done = flash(
            folder, board, workspace=self.workspace, port=port, say=self.terminal.say, detail=self.terminal.detail
        )
        self.terminal.say(f"{'flash':<{STAGE_WIDTH}} done: {board.name} answers with build id {done.build_id}")

    def bench(self, board: Board, choice: BenchChoice) -> BenchRecord:
        """Measure on the board; an emulated one, which cannot have changed, only if something else did."""
        from axedge.artifacts.records.bench import BenchRecord
        from axedge.host.bench import bench, plan
        from axedge.host.connection import Connection

        source, folder = self.workspace.convert(self.kernel.name), self.image_folder(board)
        connection = Connection(board, self.workspace, choice.port, trace=choice.trace)
        present = BenchRecord.load_if_present(folder) if connection.is_emulated else None
        options = {"samples": choice.samples, "seed": choice.seed}
        return self._step(
            "bench",
            present,
            plan(source, folder, **options).digest,
            folder,
            lambda progress: bench(source, folder, connection=connection, progress=progress, **options),
        )

    def alternatives(self, board: Board, port: str | None = None) -> AlternativesRecord:
        """Set a table and a polynomial beside the network that was benched on the board."""
        from axedge.alternatives import alternatives_digest, compare_alternatives
        from axedge.artifacts.records.alternatives import AlternativesRecord

        folder = self.image_folder(board)
        return self._step(
            "alternatives",
            AlternativesRecord.load_if_present(folder),
            alternatives_digest(self.kernel, folder),
            folder,
            lambda progress: compare_alternatives(
                self.kernel,
                board,
                self.workspace.convert(self.kernel.name),
                folder,
                workspace=self.workspace,
                port=port,
                progress=progress,
            ),
        )

    def image_folder(self, board: Board) -> Path:
        """Where the board's image and its bench result are."""
        return image_folder(self.workspace, self.kernel.name, board, self.choice.engine)

    def _step(
        self,
        verb: str,
        present: Record | None,
        wanted: str,
        folder: Path,
        work: Callable[[Any], Any],
    ) -> Any:
        """Do a stage's work unless its record and the files that it names are there, whole and up to date."""
        if (
            present is not None
            and present.is_whole(folder)
            and present.inputs_digest == wanted
            and not self.choice.force
        ):
            self.terminal.say(f"{verb:<{STAGE_WIDTH}} up to date: {folder}")
            return present
        check_writable(folder)
        with alone_in(folder), self.terminal.stage(verb) as progress:
            record = work(progress)
        self.terminal.say(f"{verb:<{STAGE_WIDTH}} done: {folder}")
        return record


def image_folder(workspace: Workspace, kernel: str, board: Board, engine: str) -> Path:
    """Return the folder of a board's image, for the activation width that the kernel was converted to."""
    from axedge.artifacts.records.convert import ConvertRecord

    activations = ConvertRecord.load(workspace.convert(kernel)).activations
    return workspace.image(kernel, board.name, engine, activations)
