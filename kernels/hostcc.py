"""A kernel's C compiled for this machine."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import BuildError, ToolMissing
from axedge.kernels.hostrun import Function, run_rows

# No contraction: a fused multiply-add would make the results depend on the compiler.
C_FLAGS = ("-std=c99", "-O2", "-ffp-contract=off", "-Wall", "-Wextra")
COMPILE_TIMEOUT_S = 120
_ROWS = Path(__file__).with_name("_host") / "rows.c"


class HostLibrary:
    """C functions of a kernel, built as a program in a folder that vanishes with this object or at exit.

    Args:
        sources: C files.
        functions: the functions in them that will be called.
        include_dirs: searched for headers.
        flags: more of the compiler's.

    Attributes:
        warnings: what the compiler said, line by line.

    Raises:
        ToolMissing: there is no C compiler.
        BuildError: the C does not compile, or a function is not in it.
    """

    def __init__(
        self,
        sources: Sequence[Path],
        functions: Sequence[Function],
        include_dirs: Sequence[Path],
        flags: Sequence[str] = (),
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="axedge-kernel-", ignore_cleanup_errors=True)
        self._functions = list(functions)
        self._flags = tuple(flags)
        self.warnings: tuple[str, ...] = ()
        self._program = self._build([path.resolve() for path in sources], include_dirs)

    def call(self, name: str, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the function's outputs, float32 [N, outputs], for inputs float32 [N, inputs]; see `run_rows`.

        Raises:
            ValueError: the rows have another number of columns.
            KernelError: the function crashed, or did not end.
        """
        index = [function.name for function in self._functions].index(name)
        function = self._functions[index]
        given = np.ascontiguousarray(rows, dtype=np.float32)
        if given.ndim != 2 or given.shape[1] != function.inputs:
            raise ValueError(f"{name} takes rows of {function.inputs}. Received: shape {given.shape}")
        return run_rows(self._program, index, function, given)

    def _build(self, sources: list[Path], include_dirs: Sequence[Path]) -> Path:
        folder = Path(self._folder.name)
        prototypes, table, program = folder / "prototypes.h", folder / "functions.inc", folder / "rows"
        # Forced into every source, so that a function of another signature is an error at its own line.
        prototypes.write_text("".join(f"{function.declaration()}\n" for function in self._functions))
        table.write_text("".join(f"{function.entry()}\n" for function in self._functions))
        command = [*find_compiler(), *C_FLAGS, *self._flags, "-include", str(prototypes), "-o", str(program)]
        command += [f"-I{path.resolve()}" for path in include_dirs]
        command += [f"-I{folder}", *map(str, sources), str(_ROWS), "-lm"]
        result = _run(command)
        if result.returncode != 0:
            missing = re.search(r"undefined reference to [`'](\w+)'", result.stderr)
            if missing and missing[1] in {function.name for function in self._functions}:
                names = ", ".join(path.name for path in sources)
                raise BuildError(f"the kernel cannot be linked: {missing[1]} is not defined in {names}.")
            raise BuildError(f"{command[0]} cannot compile the kernel: {_first_error(result.stderr)}")
        self.warnings = tuple(line for line in result.stderr.splitlines() if "warning:" in line)
        return program


def find_compiler() -> list[str]:
    """Return the command of the host's C compiler: $CC, else cc, gcc or clang.

    Raises:
        ToolMissing: none of them is there.
    """
    chosen = shlex.split(os.environ.get("CC", ""))
    for command in [chosen] if chosen else [["cc"], ["gcc"], ["clang"]]:
        if shutil.which(command[0]):
            return command
    what = f"$CC names {chosen[0]}, which is not there." if chosen else "no C compiler found (cc, gcc or clang)."
    raise ToolMissing(what, "Install one: `sudo apt install gcc libc6-dev`.")


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=COMPILE_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise BuildError(f"{command[0]} took longer than {COMPILE_TIMEOUT_S} s to compile the kernel.") from None
    except OSError as error:
        raise ToolMissing(f"{command[0]} cannot be run: {(error.strerror or 'unknown reason').lower()}.") from None


def _first_error(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    wrong = [line for line in lines if re.search(r"\berror\b|undefined reference", line)]
    return (wrong or lines or ["it gave no reason"])[0]
