"""From a converted network, a kernel and a board to a firmware image: drives CMake, and says what the image costs."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, cast

from axedge.artifacts.errors import ArtifactError, BuildError, UsageError, did_you_mean
from axedge.artifacts.files import atomic_write, digest
from axedge.artifacts.progress import Progress, silent
from axedge.artifacts.records.base import axedge_version
from axedge.artifacts.records.build import BuildRecord, Footprint, TflmFigures
from axedge.firmware.arena import Arena, bound_arena, can_measure, given_arena, measured_arena
from axedge.firmware.boards import FIRMWARE, Board
from axedge.firmware.footprint import check_fit, measure, own_stack_bytes
from axedge.firmware.inputs import BuildInputs, cmake_inputs, memory_script
from axedge.firmware.model_header import model_header, read_pair, tflm_header, wire_sizes
from axedge.firmware.problems import explain_failure
from axedge.firmware.tflm import Tflm, find_tflm
from axedge.firmware.toolchain import Toolchain, find_program, find_toolchain
from axedge.firmware.uf2 import uf2_file

ENGINES = ("aot", "tflm")
OPTIMIZE_FLAGS = {"speed": "-O3", "balanced": "-O2", "size": "-Os"}
LOG_NAME = "build.log"
BUILD_TIMEOUT_S = 600
RECORD_DIGITS = 16


class KernelSource(Protocol):
    """What a build needs of axedge.kernels' Kernel."""

    name: str

    @property
    def has_exact(self) -> bool:
        """Whether the kernel brings C."""

    def sources(self) -> list[Path]:
        """Return the C files of the exact function."""

    def include_dirs(self) -> list[Path]:
        """Return the folders of its headers."""

    def digest(self) -> str:
        """Return a hash of all the kernel was read from."""


@dataclass(frozen=True)
class _Plan:
    inputs: BuildInputs
    toolchain: Toolchain
    digest: str
    host_arena_bytes: int | None
    given_arena_bytes: int | None

    @property
    def build_id(self) -> str:
        return self.digest[:RECORD_DIGITS]


def build_firmware(
    convert_folder: Path,
    kernel: KernelSource,
    board: Board,
    folder: Path,
    *,
    engine: str = "aot",
    optimize: str = "speed",
    sanitize: bool = False,
    network: bool = True,
    tflm: Path | None = None,
    arena_bytes: int | None = None,
    progress: Progress = silent,
) -> BuildRecord:
    """Build a firmware image and leave firmware.{elf,hex,bin,map}, build.log and build.json in `folder`.

    Args:
        convert_folder: what `axedge convert` left.
        kernel: the kernel that was converted.
        board: what the image is for.
        folder: where to; what an earlier build left there is replaced.
        engine: what executes the network: "aot" or "tflm".
        optimize: what the network's C is made for, and with the exact function compiled for: "speed" (-O3), "balanced"
            (-O2) or "size" (-Os); the rest is always -Os.
        sanitize: native board only: with the address and undefined-behaviour sanitizers.
        network: False builds the firmware with the exact function alone.
        tflm: where TensorFlow Lite Micro was built, for the engine of that name.
        arena_bytes: its interpreter's working memory; None: what is measured, and a margin.
        progress: told what is being done.

    Raises:
        UsageError: an option is unknown or does not fit the board, or TFLM is not where it was said to be.
        ArtifactError: the converted network is missing, damaged, or belongs to another kernel or model.
        ToolMissing: compiler, CMake or Ninja is not installed, or the engine tflm is asked for without its library.
        CheckFailed: the image does not fit into the board's memories, or TFLM does not run the model.
        BuildError: the compiler or the linker failed.
    """
    plan = _plan(convert_folder, kernel, board, engine if network else "none", optimize, sanitize, tflm, arena_bytes)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / BuildRecord.FILE).unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="axedge-build-") as scratch:
        work = Path(scratch)
        arena = _arena(plan, progress)
        _write_inputs(plan, work, arena)
        _run_cmake(plan, work, folder / LOG_NAME, progress)
        progress(2, 3, "measuring flash, RAM and stack")
        footprint = measure(work / "out", board, plan.inputs.engine)
        check_fit(footprint, board, own_stack_bytes(footprint))
        images = _publish(plan, work, folder)
    record = _record(plan, footprint, images, arena)
    record.save(folder)
    progress(3, 3, "done")
    return record


def build_inputs_digest(
    convert_folder: Path,
    kernel: KernelSource,
    board: Board,
    *,
    engine: str = "aot",
    optimize: str = "speed",
    sanitize: bool = False,
    network: bool = True,
    tflm: Path | None = None,
    arena_bytes: int | None = None,
) -> str:
    """Return the hash of everything that a build with these arguments would read; raises as `build_firmware` does."""
    chosen = engine if network else "none"
    return _plan(convert_folder, kernel, board, chosen, optimize, sanitize, tflm, arena_bytes).digest


def _plan(
    convert_folder: Path,
    kernel: KernelSource,
    board: Board,
    engine: str,
    optimize: str,
    sanitize: bool,
    tflm: Path | None,
    arena_bytes: int | None,
) -> _Plan:
    if engine not in (*ENGINES, "none"):
        raise UsageError(f"there is no engine {engine!r}.", did_you_mean(engine, ENGINES))
    if optimize not in OPTIMIZE_FLAGS:
        raise UsageError(f"there is no optimisation {optimize!r}.", did_you_mean(optimize, OPTIMIZE_FLAGS))
    if sanitize and not board.is_host:
        raise UsageError(f"board {board.name} cannot run the sanitizers.", "Board native can.")
    pair = read_pair(convert_folder, kernel.name, optimize)
    host_arena_bytes = _check_convert_record(convert_folder, kernel, pair.model_hash)
    toolchain = find_toolchain(board.toolchain)
    inputs = BuildInputs(
        board=board,
        pair=pair,
        kernel_sources=tuple(path.resolve() for path in kernel.sources()),
        kernel_includes=tuple(path.resolve() for path in kernel.include_dirs()),
        has_exact=kernel.has_exact,
        engine=engine,
        optimize=OPTIMIZE_FLAGS[optimize],
        optimize_name=optimize,
        sanitize=sanitize,
        wire=wire_sizes(pair, board.name, board.link.frame_max, board.link.credit),
        tflm=find_tflm(tflm, board, toolchain) if engine == "tflm" else None,
    )
    parts: list[bytes | str] = [
        kernel.digest(),
        toolchain.version,
        toolchain.libraries_digest(board.flags),
        repr(inputs.compile_flags(toolchain)),
        repr(inputs.link_flags(toolchain)),
        repr((engine, optimize, inputs.wire)),
    ]
    for path in inputs.files():
        parts += [path.name, path.read_bytes()]
    if inputs.tflm is not None:
        parts += [inputs.tflm.digest, repr((arena_bytes, can_measure(board)))]
    return _Plan(inputs, toolchain, digest(*parts), host_arena_bytes, arena_bytes)


def _arena(plan: _Plan, progress: Progress) -> Arena | None:
    """Return the interpreter's working memory; None for an engine without one."""
    inputs = plan.inputs
    if inputs.tflm is None:
        return None
    if plan.given_arena_bytes is not None:
        return given_arena(plan.given_arena_bytes)
    if not can_measure(inputs.board):
        return bound_arena(plan.host_arena_bytes)
    progress(0, 3, "measuring the arena")
    flags = (*inputs.compile_flags(plan.toolchain), inputs.optimize)
    return measured_arena(inputs.pair, inputs.board, inputs.tflm, plan.toolchain, flags)


def _check_convert_record(folder: Path, kernel: KernelSource, model_hash: str) -> int | None:
    """Make sure that the conversion is this model's; return the arena that TFLM needs on a 64-bit host, if known."""
    from axedge.artifacts.records.convert import ConvertRecord

    record = ConvertRecord.load(folder)
    again = "Run `axedge convert` again."
    if record.kernel != kernel.name:
        raise ArtifactError(f"{folder} holds kernel {record.kernel}, not {kernel.name}.", again)
    if record.model_hash != model_hash:
        raise ArtifactError(
            f"axnet_{kernel.name}.h in {folder} is of model {model_hash}, convert.json of {record.model_hash}.", again
        )
    return record.arena_bytes


def _write_inputs(plan: _Plan, work: Path, arena: Arena | None) -> None:
    inputs = plan.inputs
    size = 0 if arena is None else arena.bytes
    header = model_header(inputs.pair, inputs.board.name, inputs.has_exact, plan.build_id, inputs.wire, size)
    if inputs.tflm is not None:
        (work / "axe_tflm_model.h").write_text(tflm_header(inputs.pair), encoding="utf-8")
    (work / "axe_model.h").write_text(header, encoding="utf-8")
    (work / "inputs.cmake").write_text(cmake_inputs(inputs, plan.toolchain, work), encoding="utf-8")
    if inputs.board.memories is not None:
        (work / "memory.ld").write_text(memory_script(inputs.board), encoding="utf-8")


def _run_cmake(plan: _Plan, work: Path, log: Path, progress: Progress) -> None:
    cmake, ninja = find_program("cmake", "cmake"), find_program("ninja", "ninja-build")
    configure = [str(cmake), "-G", "Ninja", "-S", str(FIRMWARE), "-B", str(work / "out"), f"-DAXE_INPUTS={work}"]
    configure += [f"-DCMAKE_MAKE_PROGRAM={ninja}"]
    if plan.inputs.board.is_host:
        configure += [f"-DCMAKE_C_COMPILER={plan.toolchain.compiler}"]
    else:
        configure += [f"-DCMAKE_TOOLCHAIN_FILE={FIRMWARE / 'toolchain.cmake'}"]
        configure += [f"-DAXE_COMPILER={plan.toolchain.compiler}"]
    if plan.inputs.tflm is not None and not plan.inputs.board.is_host:
        configure += [f"-DAXE_CXX_COMPILER={plan.toolchain.cxx_compiler}"]
    steps = (("configuring", configure), ("compiling", [str(ninja), "-C", str(work / "out")]))
    said: list[str] = []
    for index, (name, command) in enumerate(steps):
        progress(index, 3, name)
        done = _run(command)
        said.append(done.stdout.replace(str(work), "build"))
        atomic_write(log, "".join(said))
        if done.returncode != 0:
            raise explain_failure("".join(said), plan.inputs.board, log)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    out = subprocess.PIPE
    try:
        return subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, text=True, timeout=BUILD_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise BuildError(f"{command[0]} did not end within {BUILD_TIMEOUT_S} s.") from None


def _publish(plan: _Plan, work: Path, folder: Path) -> tuple[str, ...]:
    """Put the image's files into `folder`; return the names of those that can be flashed."""
    elf = work / "out" / "firmware.elf"
    atomic_write(folder / "firmware.map", (work / "out" / "firmware.map").read_text().replace(str(work), "build"))
    made = ["firmware.elf"]
    if not plan.inputs.board.is_host:
        objcopy = plan.toolchain.program("objcopy")
        for kind, form in (("hex", "ihex"), ("bin", "binary")):
            command = [str(objcopy), "-O", form, str(elf), str(elf.with_suffix(f".{kind}"))]
            done = _run(command)
            if done.returncode != 0:
                raise BuildError(f"{objcopy.name} failed: {done.stdout.strip()}.")
            made.append(f"firmware.{kind}")
        made += _uf2(plan.inputs.board, elf)
    for name in made:
        atomic_write(folder / name, (work / "out" / name).read_bytes())
    (folder / "firmware.elf").chmod(0o755)
    return tuple(made)


def _uf2(board: Board, elf: Path) -> list[str]:
    """Write the UF2 file beside the others, where the board takes one; return its name."""
    if board.uf2_family is None or board.memories is None:
        return []
    image = elf.with_suffix(".bin").read_bytes()
    elf.with_suffix(".uf2").write_bytes(uf2_file(image, board.memories.flash.start, board.uf2_family))
    return ["firmware.uf2"]


def _record(plan: _Plan, footprint: Footprint, images: tuple[str, ...], arena: Arena | None) -> BuildRecord:
    inputs = plan.inputs
    return BuildRecord(
        axedge=axedge_version(),
        inputs_digest=plan.digest,
        kernel=inputs.pair.kernel,
        board=inputs.board.name,
        engine=cast(Literal["aot", "tflm", "none"], inputs.engine),
        activations="int16" if inputs.pair.activation_bits == 16 else "int8",
        optimize=cast(Literal["speed", "balanced", "size"], inputs.optimize_name),
        model_hash=inputs.pair.model_hash,
        build_id=plan.build_id,
        footprint=footprint,
        frame_max=inputs.wire.frame_max,
        credit=inputs.wire.credit,
        compiler=plan.toolchain.version,
        flags=(*inputs.compile_flags(plan.toolchain), inputs.optimize),
        tflm=None if inputs.tflm is None or arena is None else _tflm_figures(inputs.tflm, arena),
        images=images,
    )


def _tflm_figures(tflm: Tflm, arena: Arena) -> TflmFigures:
    return TflmFigures(
        kernels=tflm.kernels,
        arena_bytes=arena.bytes,
        arena_needed_bytes=arena.needed_bytes,
        arena_is=arena.how,
        stack_bytes=arena.stack_bytes,
    )
