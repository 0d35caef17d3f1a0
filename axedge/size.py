"""What an image takes of a board, put together from its build, and from a run of it in an emulator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from axedge.artifacts.files import digest
from axedge.artifacts.records.base import axedge_version
from axedge.artifacts.records.build import PARTS, BuildRecord, StackPart, StackUse
from axedge.artifacts.records.size import PartSize, SizeRecord

if TYPE_CHECKING:
    from axedge.firmware.boards import Board
    from axedge.host.paint import Peaks
    from axedge.pipeline import Pipeline

INPUTS = 10_000
"""How many inputs the painted stack has seen, unless said otherwise."""


def size_of(pipeline: Pipeline, board: Board, inputs: int = INPUTS) -> SizeRecord:
    """Build the image if needed, measure its library code in an emulator if needed, and say what it takes.

    Args:
        pipeline: of the converted kernel.
        board: what the image is for.
        inputs: that the painted stack has to see.

    Raises:
        CheckFailed: the image does not fit by its build alone.
    """
    build = pipeline.build(board)
    twin = emulated_twin(board)
    other = build if twin is None or twin.name == board.name else pipeline.build(twin)
    folder = pipeline.image_folder(board)
    wanted = digest("size", axedge_version(), build.inputs_digest, other.inputs_digest, str(inputs))
    present = SizeRecord.load_if_present(folder)
    if present is not None and present.inputs_digest == wanted and not pipeline.choice.force:
        return present
    peaks = None if twin is None else _peaks(pipeline, twin, other, inputs)
    record = assemble(build, board, other, twin.name if twin else "", peaks, wanted)
    record.save(folder)
    return record


def emulated_twin(board: Board) -> Board | None:
    """Return a board whose emulator runs the same code: the board itself, or one of the same core and flags."""
    from axedge.firmware.boards import board_names, load_board

    if board.is_host:
        return None
    if board.emulator is not None:
        return board
    others = (load_board(name) for name in board_names())
    same = (one for one in others if one.emulator and (one.toolchain, one.flags) == (board.toolchain, board.flags))
    return next(same, None)


def _peaks(pipeline: Pipeline, twin: Board, build: BuildRecord, inputs: int) -> Peaks:
    from axedge.host.paint import painted_peaks
    from axedge.host.samples import load_samples

    folder = pipeline.image_folder(twin)
    image = folder / _image_of(twin)
    samples = load_samples(pipeline.workspace.convert(pipeline.kernel.name), 0)
    with pipeline.terminal.stage("size") as progress:
        has_network = build.engine != "none"
        return painted_peaks(twin, image, samples.x[:inputs], has_network=has_network, progress=progress)


def _image_of(board: Board) -> Path:
    kind = next((one.image for one in board.flash_methods if one.method == "emulator"), "elf")
    return Path(f"firmware.{kind}")


def assemble(
    build: BuildRecord, board: Board, other: BuildRecord, measured_on: str, peaks: Peaks | None, inputs_digest: str
) -> SizeRecord:
    """Return what the image takes.

    Args:
        build: of the image.
        board: what it is for.
        other: the build that ran in an emulator; the same code but for the board's own.
        measured_on: the emulated board; empty: none.
        peaks: of the painted stack there.
        inputs_digest: of the record.
    """
    from axedge.firmware.footprint import by_part, excesses
    from axedge.firmware.stack import LIBRARY_MARGIN, whole_bytes

    taken = build.footprint
    ran = dict.fromkeys(PARTS, None) if peaks is None else vars(peaks)
    use = taken.stack or StackUse(**{part: _no_graph() for part in PARTS}, interrupt_bytes=0)
    seen = other.footprint.stack or use
    parts = tuple(
        _part_size(name, sizes.flash_bytes, sizes.ram_bytes, use.part(name), seen.part(name), ran[name])
        for name, sizes in by_part(taken).items()
    )
    known = {part.name: part.stack_bytes for part in parts if part.flash_bytes or part.name == "rest"}
    stack = None if board.is_host else whole_bytes(use, known)
    return SizeRecord(
        axedge=axedge_version(),
        inputs_digest=inputs_digest,
        kernel=build.kernel,
        board=build.board,
        engine=build.engine,
        optimize=build.optimize,
        build_id=build.build_id,
        parts=parts,
        interrupt_bytes=use.interrupt_bytes,
        flash_bytes=taken.flash_bytes,
        ram_bytes=taken.ram_bytes,
        stack_bytes=stack,
        flash_limit_bytes=board.memories.flash.size if board.memories else 0,
        ram_limit_bytes=board.memories.ram.size if board.memories else 0,
        stack_limit_bytes=board.stack_bytes,
        measured_on=measured_on,
        measured_inputs=0 if peaks is None else peaks.inputs,
        margin=LIBRARY_MARGIN,
        problems=tuple(excesses(taken, board, stack)),
    )


def _no_graph() -> StackPart:
    return StackPart(unbounded="this compiler tells no call graph")


def _part_size(name: str, flash: int, ram: int, part: StackPart, seen: StackPart, peak: int | None) -> PartSize:
    from axedge.firmware.stack import library_bytes, part_bytes

    library = library_bytes(seen, peak)
    stack = part_bytes(part, library)
    if stack is None:
        how, why = "unknown", "it calls library code, and no emulator is there to measure it"
    elif not part.is_bounded:
        how, why = "measured", part.unbounded
    elif part.library:
        how, why = "static + measured", f"it calls {_few(part.library)}"
    else:
        how, why = "static", ""
    return PartSize(
        name=name,
        flash_bytes=flash,
        ram_bytes=ram,
        stack_bytes=stack,
        stack_is=how,
        library_bytes=(library or 0) if how == "static + measured" else 0,
        why=why,
    )


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:4]) + (" ..." if len(names) > 4 else "")
