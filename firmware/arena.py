"""How much memory TensorFlow Lite Micro's interpreter really needs for a network, measured in the board's own code.

`arena_used_bytes()` leaves out what is needed while the memory is planned. So the network, the interpreter and TFLM's
library, compiled as for the board, are run on an emulated core that executes the board's instructions, in arenas of
every size from nothing upwards: the first in which the network runs is what it needs.
"""

from __future__ import annotations

import math
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from axedge.artifacts.errors import BuildError, CheckFailed, ToolMissing, UsageError
from axedge.firmware.boards import FIRMWARE, Board
from axedge.firmware.model_header import GeneratedPair, tflm_header
from axedge.firmware.tflm import CXX_FLAGS, Tflm
from axedge.firmware.toolchain import Toolchain, find_program

MARGIN_BYTES = 64
"""Added to what was measured: for another compiler's or library's small differences."""
UNIT_BYTES = 16
PROBE_ARENA_BYTES = 128 << 10
PROBE_TIMEOUT_S = 60

# QEMU machine that executes a core's instructions (an M4F executes an M0's and an M3's too), flash and RAM at 0 and
# 0x20000000, and the size of both.
_MACHINES = {
    "cortex-m0": ("mps2-an386", 4 << 20),
    "cortex-m3": ("mps2-an386", 4 << 20),
    "cortex-m4f": ("mps2-an386", 4 << 20),
    "cortex-m7f": ("mps2-an500", 4 << 20),
    "cortex-m55": ("mps3-an547", 512 << 10),
}
_STACK_BYTES = 32 << 10


@dataclass(frozen=True)
class Arena:
    """Working memory of the interpreter.

    Attributes:
        bytes: size of the arena, a multiple of 16.
        needed_bytes: what was measured, or its upper bound.
        how: "measured" in the board's code on an emulated core; "bound": what a 64-bit host needs; "given" by the user.
        stack_bytes: deepest stack while setting up and running, 0 where it was not measured.
    """

    bytes: int
    needed_bytes: int
    how: Literal["measured", "bound", "given"]
    stack_bytes: int = 0


def can_measure(board: Board) -> bool:
    """Whether the board's code can be run on an emulated core here."""
    if board.core not in _MACHINES:
        return False
    try:
        find_program("qemu-system-arm", "qemu-system-arm")
    except ToolMissing:
        return False
    return True


def measured_arena(
    pair: GeneratedPair, board: Board, tflm: Tflm, toolchain: Toolchain, flags: tuple[str, ...]
) -> Arena:
    """Build the probe, run it, and return what it found.

    Args:
        pair: the network, its .tflite as an array beside it.
        board: what the code is compiled for.
        tflm: the library.
        toolchain: the board's.
        flags: of every compilation.

    Raises:
        BuildError: it does not compile.
        CheckFailed: TFLM does not take the model, or the emulated core faulted.
    """
    with tempfile.TemporaryDirectory(prefix="axedge-arena-") as scratch:
        said = _run(_probe(Path(scratch), pair, board, tflm, toolchain, flags), _MACHINES[board.core][0])
    told = {words[0]: int(words[1]) for words in (line.split() for line in said.splitlines()) if len(words) == 2}
    if not told.get("needed") or "fault" in told:
        why = f"The library is {tflm.archive}; the run said: {' '.join(said.split()) or 'nothing'}."
        if pair.activation_bits == 16 and tflm.kernels == "cmsis-nn":
            why = "Its CMSIS-NN kernels take no 16-bit layer with a scale per channel: name a library without them."
        raise CheckFailed(
            f"TensorFlow Lite Micro does not run this model in any arena of up to {PROBE_ARENA_BYTES} bytes.", why
        )
    return Arena(told["needed"] + MARGIN_BYTES, told["needed"], "measured", told["stack"])


def given_arena(size: int) -> Arena:
    """Return an arena of the size that the user names, rounded down to a multiple of 16.

    Raises:
        UsageError: it is smaller than that.
    """
    if size < UNIT_BYTES:
        raise UsageError(f"an arena of {size} bytes is none.", f"Name at least {UNIT_BYTES}, or leave --arena out.")
    whole = size // UNIT_BYTES * UNIT_BYTES
    return Arena(whole, whole, "given")


def bound_arena(host_bytes: int | None) -> Arena:
    """Return an arena of the size that a 64-bit host needs, whose pointers are twice as wide as a board's.

    Raises:
        ToolMissing: that is not known either.
    """
    if host_bytes is None:
        raise ToolMissing(
            "how much memory TensorFlow Lite Micro needs cannot be measured here.",
            "Install qemu-system-arm, or name a size: --arena BYTES.",
        )
    needed = _whole_units(host_bytes)
    # CMSIS-NN's kernels keep sums of weights that the host's reference kernels do not have.
    return Arena(_whole_units(1.5 * needed) + MARGIN_BYTES, needed, "bound")


def _whole_units(size: float) -> int:
    return math.ceil(size / UNIT_BYTES) * UNIT_BYTES


def _probe(
    work: Path, pair: GeneratedPair, board: Board, tflm: Tflm, toolchain: Toolchain, flags: tuple[str, ...]
) -> Path:
    size = _MACHINES[board.core][1]
    (work / "axe_tflm_model.h").write_text(tflm_header(pair), encoding="utf-8")
    regions = "".join(
        f"  {name} : ORIGIN = {start:#x}, LENGTH = {size}\n" for name, start in (("FLASH", 0), ("RAM", 0x20000000))
    )
    (work / "memory.ld").write_text(f"MEMORY\n{{\n{regions}}}\n", encoding="utf-8")
    engine, shared = FIRMWARE / "engines" / "tflm", FIRMWARE / "boards" / "_cortex_m"
    folders = (work, engine, shared, FIRMWARE / "include", pair.folder.resolve())
    common = [*flags, *(f"-I{path}" for path in folders), f"-DAXE_PROBE_ARENA_BYTES={PROBE_ARENA_BYTES}"]
    cxx = [*CXX_FLAGS, "-std=c++17", *(f"-D{name}" for name in tflm.definitions)]
    cxx += [word for path in tflm.includes for word in ("-isystem", str(path))]
    objects = []
    for source in (
        *(engine / "axe_tflm.cc", engine / "axe_tflm_runtime.c", engine / "probe" / "probe.c"),
        *(shared / "startup.c", pair.arrays[1].resolve()),
    ):
        is_cxx = source.suffix == ".cc"
        compiler = toolchain.cxx_compiler if is_cxx else toolchain.compiler
        objects.append(str(work / f"{source.stem}.o"))
        _compile([str(compiler), *common, *(cxx if is_cxx else ["-std=c99"]), "-c", str(source), "-o", objects[-1]])
    image = work / "probe.elf"
    script = ["-L", str(work), "-T", str(shared / "sections.ld"), f"-Wl,--defsym=axe_stack_reserve={_STACK_BYTES}"]
    links = [*flags, *toolchain.link_flags, *script, *objects, str(tflm.archive), "-lm"]
    _compile([str(toolchain.compiler), *links, "-o", str(image)])
    return image


def _compile(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error" in line or "undefined" in line]
        first = lines[0] if lines else done.stderr.strip()
        raise BuildError(f"TensorFlow Lite Micro's engine does not build: {first}", explain_cxx(done.stderr))


def explain_cxx(said: str) -> str:
    """Return what to do about a failed compilation or link, where that is known."""
    if "fatal error: c" in said and ("cstdint" in said or "csetjmp" in said or "cstddef" in said):
        return "The C++ library's headers are missing: apt-get install libstdc++-arm-none-eabi-newlib."
    if "_sbrk" in said or "_write" in said:
        return "Build TFLM with BUILD_TYPE=release: its other builds print, and a board has no console."
    return "docs/tflm.md says which builds of TFLM are known to work."


def _run(image: Path, machine: str) -> str:
    command = [str(find_program("qemu-system-arm", "qemu-system-arm")), "-M", machine, "-kernel", str(image)]
    command += ["-display", "none", "-monitor", "none", "-nodefaults", "-semihosting-config", "enable=on,target=native"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise CheckFailed(f"TensorFlow Lite Micro did not end within {PROBE_TIMEOUT_S} s on {machine}.") from None
    return done.stdout + done.stderr
