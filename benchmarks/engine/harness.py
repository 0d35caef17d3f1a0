"""Builds the bench firmware for one core and one function, runs it in QEMU, and reads what it printed."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from elftools.elf.elffile import ELFFile

from axedge.artifacts.errors import BuildError, CheckFailed, ToolMissing
from axedge.convert.emit import emit_aot
from axedge.convert.qnet import Deployment

_FIRMWARE = Path(__file__).parent / "firmware"
_COMPILER = "arm-none-eabi-gcc"
_ICOUNT_SHIFT = 6
CALLS = 1000
_ROWS = 125

#: Calls between two looks at SysTick, which counts to 2^24: the fewer, the longer they may be.
_CALLS_PER_WINDOW = (125, 5)


@dataclass(frozen=True)
class Machine:
    """An emulated core.

    Attributes:
        core: name of the core as `emit_aot` takes it.
        qemu: QEMU's machine.
        flags: for the compiler.
        hz: SysTick's rate in the emulator.
    """

    core: str
    qemu: str
    flags: tuple[str, ...]
    hz: int

    def instructions(self, ticks: float) -> float:
        """Return how many instructions pass in `ticks` under -icount."""
        return ticks * 1e9 / (self.hz * 2**_ICOUNT_SHIFT)


MACHINES = {
    "cortex-m0": Machine("cortex-m0", "microbit", ("-mcpu=cortex-m0",), 16_000_000),
    "cortex-m4": Machine(
        "cortex-m4", "mps2-an386", ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"), 25_000_000
    ),
    "cortex-m55": Machine("cortex-m55", "mps3-an547", ("-mcpu=cortex-m55", "-mfloat-abi=hard"), 32_000_000),
}

#: Optimisation level per mode; see docs/engine.md.
LEVELS = {"speed": "-O2", "balanced": "-O2", "size": "-Os"}


@dataclass(frozen=True)
class Result:
    """What one firmware told: raw ticks of 1,000 calls, a checksum of the answers, bytes."""

    ticks: int
    checksum: int
    stack_bytes: int
    flash_bytes: int
    ram_bytes: int


def compiler_id() -> str:
    """Return the compiler's and the libc's version, the key of the baselines."""
    if not shutil.which(_COMPILER):
        raise ToolMissing(f"{_COMPILER} is not installed.", "apt install gcc-arm-none-eabi libnewlib-arm-none-eabi")
    version = subprocess.run([_COMPILER, "-dumpfullversion"], capture_output=True, text=True, check=True).stdout.strip()
    probe = "#include <newlib.h>\n__NEWLIB__ __NEWLIB_MINOR__\n"
    words = subprocess.run(
        [_COMPILER, "-E", "-P", "-x", "c", "-"], input=probe, capture_output=True, text=True, check=True
    ).stdout.split()
    return f"gcc {version}, newlib {'.'.join(words[-2:])}"


def float_rows(deployment: Deployment) -> np.ndarray:
    """Return fixed inputs within the domain, float32, shape (rows, inputs)."""
    random = np.random.default_rng(1)
    columns = [random.uniform(rule.minimum, rule.maximum, _ROWS) for rule in deployment.inputs]
    return np.array(columns).T.astype(np.float32)


def code_rows(deployment: Deployment) -> np.ndarray:
    """Return fixed input codes, shape (rows, codes)."""
    source = deployment.net.activations[deployment.net.source]
    shape = (_ROWS, source.size)
    return np.random.default_rng(2).integers(source.code_min, source.code_max + 1, shape)


@dataclass(frozen=True)
class Exact:
    """An exact function to fall back to.

    Attributes:
        function: its name in C.
        source: its file.
    """

    function: str
    source: Path


class Bench:
    """One generated pair for one machine, in a folder of its own."""

    def __init__(
        self,
        folder: Path,
        deployment: Deployment,
        machine: Machine,
        optimize: str,
        exact: Exact | None = None,
        inputs: np.ndarray | None = None,
    ) -> None:
        """Write the sources.

        Args:
            folder: for all files.
            deployment: of any kernel.
            machine: the emulated core.
            optimize: as `emit_aot` takes it.
            exact: the fallback; None: an empty function.
            inputs: float32 rows; None: uniform over the domain.
        """
        self.folder, self.machine, self.optimize, self.exact = folder, machine, optimize, exact
        folder.mkdir(parents=True, exist_ok=True)
        deployment = replace(deployment, kernel="bench")
        for name, text in emit_aot(deployment, optimize, machine.core).items():
            (folder / name).write_text(text)
        rows = float_rows(deployment) if inputs is None else inputs
        (folder / "inputs.h").write_text(_tables(rows, code_rows(deployment)))

    def run(self, target: str) -> Result:
        """Build and run the firmware around a function.

        Args:
            target: axe_bench_net or empty_net (codes); axe_bench, empty_float or the exact function (floats).

        Raises:
            CheckFailed: the firmware ended early, the counter is wrong, or a call takes longer than it can count.
        """
        for calls in _CALLS_PER_WINDOW:
            image = self._build(target, calls)
            printed = self._emulate(image)
            if "wrapped" not in printed:
                return Result(printed["ticks"], printed["checksum"], printed["stack"], *_sizes(image))
        longest = self.machine.instructions(2**24) / _CALLS_PER_WINDOW[-1]
        raise CheckFailed(f"{target} on {self.machine.qemu}: a call takes over {longest:,.0f} instructions.")

    def _build(self, target: str, calls_per_window: int) -> Path:
        image = self.folder / f"{target}.elf"
        is_float = int(not target.endswith("_net"))
        exact = self.exact.function if self.exact else "empty_exact"
        defines = [f"-DTARGET={target}", f"-DTARGET_FLOAT={is_float}", f"-DAXE_BENCH_EXACT={exact}"]
        defines += [f"-DTARGET_DECLARED={int(target == 'axe_bench')}", f"-DCALLS_PER_WINDOW={calls_per_window}"]
        generated = [self.folder / "axnet_bench.c", *([self.exact.source] if self.exact else [])]
        objects = self.more_objects(defines) if target in ("axe_bench_net", "axe_bench") else []
        for source in [*(_FIRMWARE / name for name in ("start.c", "bench.c", "empty.c")), *generated]:
            level = LEVELS[self.optimize] if source in generated else "-O2"
            objects.append(self.folder / f"{target}-{source.stem}.o")
            self._compile(["-c", level, *defines, str(source), "-o", str(objects[-1])])
        self._compile(
            ["-nostartfiles", "--specs=nano.specs", "-Wl,--gc-sections", "-T", str(_FIRMWARE / "link.ld")]
            + [*map(str, objects), *self.libraries, "-lm", "-o", str(image)]
        )
        return image

    #: Further libraries to link.
    libraries: tuple[str, ...] = ()

    def more_objects(self, defines: list[str]) -> list[Path]:
        """Return further objects to link with the pair; may add to the definitions that it is compiled with."""
        return []

    def _compile(self, arguments: list[str]) -> None:
        common = ["-std=c99", "-ffunction-sections", "-fdata-sections", "-fno-move-loop-stores", "-Wall", "-Wextra"]
        command = [_COMPILER, *self.machine.flags, *common, "-I", str(self.folder), "-I", str(_FIRMWARE), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BuildError(f"{' '.join(command)}\n{done.stderr}")

    def _emulate(self, image: Path) -> dict[str, int]:
        command = ["qemu-system-arm", "-M", self.machine.qemu, "-display", "none", "-monitor", "none", "-nodefaults"]
        command += ["-icount", f"shift={_ICOUNT_SHIFT}", "-semihosting-config", "enable=on,target=native"]
        done = subprocess.run(
            [*command, "-kernel", str(image)], capture_output=True, text=True, check=False, timeout=120
        )
        lines = [line.split() for line in (done.stdout + done.stderr).splitlines()]
        printed = {line[0]: int(line[1]) for line in lines if len(line) == 2 and line[1].isdigit()}
        if "fault" in printed or not printed.keys() & {"stack", "wrapped"}:
            raise CheckFailed(f"{image.name} on {self.machine.qemu} ended early: {done.stdout}{done.stderr}")
        self._check_counter(printed)
        return printed

    def _check_counter(self, printed: dict[str, int]) -> None:
        """Loops of 2,000 and 202,000 instructions must differ by 200,000, within a tick at either end."""
        counted = self.machine.instructions(printed["spin_101000"] - printed["spin_1000"])
        if abs(counted - 200_000) > self.machine.instructions(2):
            raise CheckFailed(f"{self.machine.qemu} counts {counted:.0f} instructions in a loop of 200,000.")


def _sizes(image: Path) -> tuple[int, int]:
    """Return flash and static RAM of an image, in bytes."""
    with image.open("rb") as file:
        sizes = {section.name: section["sh_size"] for section in ELFFile(file).iter_sections()}
    initialised = sizes.get(".data", 0)
    return sizes[".text"] + sizes.get(".ARM.exidx", 0) + initialised, initialised + sizes.get(".bss", 0)


def _tables(floats: np.ndarray, codes: np.ndarray) -> str:
    def table(kind: str, rows: np.ndarray) -> str:
        body = ",\n".join("    {" + ", ".join(map(_literal, row.tolist())) + "}" for row in rows)
        return f"static const {kind}_inputs[{len(rows)}][{rows.shape[1]}] __attribute__((unused)) = {{\n{body}\n}};\n"

    def _literal(value: float) -> str:
        return f"{value:.9e}f" if isinstance(value, float) else str(value)

    sizes = f"#define FLOAT_ROWS {len(floats)}\n#define CODE_ROWS {len(codes)}\n"
    return sizes + table("float float", floats) + table("axe_bench_code code", codes)
