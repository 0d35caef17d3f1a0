"""The bench firmware of benchmarks/engine with TensorFlow Lite Micro behind the generated pair."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np

from axedge.artifacts.errors import BuildError
from axedge.convert.arrays import emit_arrays
from axedge.convert.emit import emit_aot
from axedge.convert.qnet import Deployment
from axedge.convert.reader import parse
from axedge.firmware.arena import measured_arena
from axedge.firmware.boards import FIRMWARE, load_board
from axedge.firmware.model_header import read_pair, tflm_definition, tflm_header
from axedge.firmware.tflm import CXX_FLAGS, Tflm
from axedge.firmware.toolchain import find_toolchain
from benchmarks.engine.harness import Bench, Machine

#: A board with each machine's core: its flags are those that the library must fit.
BOARDS = {"cortex-m0": "microbit", "cortex-m4": "mps2-an386", "cortex-m55": "mps3-an547"}
_ENGINE = FIRMWARE / "engines" / "tflm"
_OPENER = Path(__file__).parent / "firmware" / "open.c"


class Engine:
    """TFLM around one network for one core: compiled once, linked with the pair of any threshold.

    Attributes:
        pair: where the sources are.
        arena: what was measured for the network.
        objects: to link.
    """

    def __init__(self, folder: Path, deployment: Deployment, tflite: bytes, machine: Machine, tflm: Tflm) -> None:
        """Write the sources, measure the arena, compile.

        Args:
            folder: for all files.
            deployment: of a kernel named bench; its network is that of the .tflite.
            tflite: the model.
            machine: the emulated core.
            tflm: a library for it.
        """
        folder.mkdir(parents=True)
        parsed = parse(tflite)
        heads = (parsed.answer_position, parsed.logit_position)
        arrays = emit_arrays("bench", tflite, deployment.model_hash, parsed.operators, heads, None)
        for name, text in (emit_aot(deployment) | arrays).items():
            (folder / name).write_text(text)
        self.tflm, self.pair = tflm, read_pair(folder, "bench")
        (folder / "axe_tflm_model.h").write_text(tflm_header(self.pair))
        board = load_board(BOARDS[machine.core])
        toolchain = find_toolchain(board.toolchain)
        flags = (*board.flags, *toolchain.flags, "-O2")
        self.arena = measured_arena(self.pair, board, tflm, toolchain, flags)
        self.objects = [
            self._compiled(
                source, [str(toolchain.cxx_compiler if source.suffix == ".cc" else toolchain.compiler), *flags]
            )
            for source in (_OPENER, _ENGINE / "axe_tflm.cc", _ENGINE / "axe_tflm_runtime.c", self.pair.arrays[1])
        ]

    def _compiled(self, source: Path, command: list[str]) -> Path:
        cxx = [*CXX_FLAGS, "-std=c++17", *(f"-D{name}" for name in self.tflm.definitions)]
        cxx += [word for path in self.tflm.includes for word in ("-isystem", str(path))]
        folders = ["-I", str(self.pair.folder), "-I", str(_ENGINE)]
        made = self.pair.folder / f"{source.stem}.o"
        own = [*folders, f"-DARENA_BYTES={self.arena.bytes}", *(cxx if source.suffix == ".cc" else ["-std=c99"])]
        done = subprocess.run(
            [*command, *own, "-c", str(source), "-o", str(made)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BuildError(f"{source.name} does not compile: {done.stderr}")
        return made


class TflmBench(Bench):
    """A network executed by TFLM: the pair's own calls around it, as in the firmware."""

    def __init__(
        self,
        folder: Path,
        deployment: Deployment,
        machine: Machine,
        engine: Engine,
        inputs: np.ndarray | None = None,
    ) -> None:
        """Write the pair; see `Engine` and `Bench`."""
        super().__init__(folder, deployment, machine, "speed", inputs=inputs)
        self._engine = engine
        self.libraries = (str(engine.tflm.archive), "-Wl,--wrap=main")

    def more_objects(self, defines: list[str]) -> list[Path]:
        """Return the interpreter and the model; the pair leaves its network to them."""
        defines.append(f"-D{tflm_definition(self._engine.pair)}")
        return list(self._engine.objects)


def renamed(deployment: Deployment) -> Deployment:
    """Return the deployment under the name that the bench firmware knows."""
    return replace(deployment, kernel="bench")
