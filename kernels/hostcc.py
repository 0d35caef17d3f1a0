"""A kernel's C compiled for this machine and called a batch at a time."""

from __future__ import annotations

import ctypes
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import BuildError, ToolMissing

# No contraction: a fused multiply-add would make the results depend on the compiler.
C_FLAGS = ("-std=c99", "-O2", "-ffp-contract=off", "-Wall", "-Wextra")
COMPILE_TIMEOUT_S = 120


@dataclass(frozen=True)
class Function:
    """A C function `void name(const float in[inputs], float out[outputs])`."""

    name: str
    inputs: int
    outputs: int

    def declaration(self) -> str:
        """Return its prototype."""
        return f"void {self.name}(const float in[{self.inputs}], float out[{self.outputs}]);"

    def batch(self) -> str:
        """Return a C function that calls it for many rows."""
        return (
            f"void axedge_rows_{self.name}(size_t rows, const float *in, float *out) {{\n"
            f"    for (; rows > 0; rows--, in += {self.inputs}, out += {self.outputs}) {self.name}(in, out);\n"
            "}\n"
        )


class HostLibrary:
    """C functions of a kernel in a shared object of their own, in a folder that vanishes with this object or at exit.

    Args:
        sources: C files.
        functions: the functions in them that will be called.
        include_dirs: searched for headers.

    Raises:
        ToolMissing: there is no C compiler.
        BuildError: the C does not compile, or a function is not in it.
    """

    def __init__(self, sources: Sequence[Path], functions: Sequence[Function], include_dirs: Sequence[Path]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="axedge-kernel-", ignore_cleanup_errors=True)
        self._functions = {function.name: function for function in functions}
        self._library = self._build([path.resolve() for path in sources], include_dirs)

    def call(self, name: str, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the function's outputs, float32 [N, outputs], for inputs float32 [N, inputs].

        Raises:
            ValueError: the rows have another number of columns.
        """
        function = self._functions[name]
        given = np.ascontiguousarray(rows, dtype=np.float32)
        if given.ndim != 2 or given.shape[1] != function.inputs:
            raise ValueError(f"{name} takes rows of {function.inputs}. Received: shape {given.shape}")
        results = np.empty((len(given), function.outputs), dtype=np.float32)
        self._library[f"axedge_rows_{name}"](
            ctypes.c_size_t(len(given)), ctypes.c_void_p(given.ctypes.data), ctypes.c_void_p(results.ctypes.data)
        )
        return results

    def _build(self, sources: list[Path], include_dirs: Sequence[Path]) -> ctypes.CDLL:
        folder = Path(self._folder.name)
        prototypes, batch, library = folder / "prototypes.h", folder / "batch.c", folder / "kernel.so"
        # Forced into every source, so that a function of another signature is an error at its own line.
        prototypes.write_text("".join(f"{function.declaration()}\n" for function in self._functions.values()))
        batch.write_text("#include <stddef.h>\n\n" + "\n".join(f.batch() for f in self._functions.values()))
        command = [*find_compiler(), *C_FLAGS, "-fPIC", "-shared", "-include", str(prototypes), "-o", str(library)]
        command += [f"-I{path.resolve()}" for path in include_dirs]
        command += [*map(str, sources), str(batch), "-lm"]
        result = _run(command)
        if result.returncode != 0:
            raise BuildError(f"{command[0]} cannot compile the kernel: {_first_error(result.stderr)}")
        try:
            loaded = ctypes.CDLL(str(library))
        except OSError as error:
            missing = re.search(r"undefined symbol: (\w+)", str(error))
            names = ", ".join(path.name for path in sources)
            reason = f"{missing[1]} is not defined in {names}" if missing else str(error)
            raise BuildError(f"the compiled kernel cannot be loaded: {reason}.") from None
        for name in self._functions:
            loaded[f"axedge_rows_{name}"].restype = None
        return loaded


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
