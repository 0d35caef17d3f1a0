"""Compiles generated pairs for the host and calls them."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import numpy as np

from axedge.convert.emit import emit_aot

WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wdouble-promotion", "-Wshadow", "-Werror")
STRICT = ("-std=c99", "-O1")

EXACT = """
#ifdef __cplusplus
extern "C"
#endif
void {kernel}(const float in[], float out[]);
void {kernel}(const float in[], float out[]) {{
    int i;
    for (i = 0; i < {outputs}; i++) {{ out[i] = 1000.0f + (float)i + in[{last}]; }}
}}
"""


def write_pair(folder: Path, deployment, optimize="speed", core="generic") -> list[Path]:
    """Write the pair and a kernel; return the C files."""
    sources = []
    for name, text in emit_aot(deployment, optimize, core).items():
        path = folder / name
        path.write_text(text)
        if path.suffix == ".c":
            sources.append(path)
    if deployment.has_exact:
        path = folder / f"{deployment.kernel}.c"
        path.write_text(
            EXACT.format(kernel=deployment.kernel, outputs=len(deployment.outputs), last=len(deployment.inputs) - 1)
        )
        sources.append(path)
    return sources


def compile_c(sources, output: Path, compiler="gcc", flags=STRICT, shared=True) -> Path:
    """Compile, warnings being errors; the compiler's words are the assertion's."""
    command = [
        *compiler.split(),
        *flags,
        *WARNINGS,
        *(("-shared", "-fPIC") if shared else ()),
        *map(str, sources),
        "-o",
        str(output),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"
    return output


class Pair:
    """A compiled pair."""

    def __init__(
        self, folder: Path, deployment, optimize="speed", core="generic", compiler="gcc", flags=STRICT
    ) -> None:
        self.deployment = deployment
        self.kernel, self.inputs, self.outputs = deployment.kernel, len(deployment.inputs), len(deployment.outputs)
        self.dtype = np.int8 if deployment.net.bits == 8 else np.int16
        folder.mkdir(parents=True, exist_ok=True)
        sources = write_pair(folder, deployment, optimize, core)
        self.library = ctypes.CDLL(str(compile_c(sources, folder / "pair.so", compiler, flags)))

    def function(self, suffix: str):
        return getattr(self.library, f"axe_{self.kernel}{suffix}")

    def net(self, codes):
        """Return (answers, logits) for rows of codes."""
        codes = np.ascontiguousarray(codes, self.dtype)
        answers = np.empty((len(codes), self.outputs), self.dtype)
        logits = np.empty(len(codes), self.dtype)
        call = self.function("_net")
        call.argtypes = [ctypes.c_void_p] * 3
        for row in range(len(codes)):
            call(codes[row].ctypes.data, answers[row].ctypes.data, logits[row:].ctypes.data)
        return answers, logits

    def quantised(self, row, fill=99):
        """Return (path, out, margin) of the quantised entry; out is filled before."""
        codes = np.ascontiguousarray(row, self.dtype)
        out = np.full(self.outputs, fill, self.dtype)
        margin = np.zeros(1, np.int8)
        call = self.function("_q")
        call.argtypes = [ctypes.c_void_p] * 3
        return call(codes.ctypes.data, out.ctypes.data, margin.ctypes.data), out, int(margin[0])

    def floats(self, row, suffix="", fill=-7.0):
        """Return (path, out) of a float entry."""
        x = np.ascontiguousarray(row, np.float32)
        out = np.full(self.outputs, fill, np.float32)
        call = self.function(suffix)
        call.argtypes = [ctypes.c_void_p] * 2
        path = call(x.ctypes.data, out.ctypes.data)
        return path, out
