"""One trial: a network of some shape is trained, converted under the guarantee, built, and run on the emulated board.

A trial is made of plain data, so that it can run in another process or on another machine; its files live in a
temporary folder and go with it.
"""

from __future__ import annotations

import os
import resource
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from axedge.artifacts.errors import BuildError, CheckFailed, UnsupportedModel
from axedge.artifacts.files import atomic_write
from axedge.artifacts.records.base import axedge_version
from axedge.artifacts.records.build import BuildRecord
from axedge.artifacts.records.search import Outcome, Rung, Shape
from axedge.artifacts.workspace import Workspace
from axedge.convert.deployment import answer, load_deployment
from axedge.firmware.boards import Board, load_board
from axedge.kernels.kernel import Kernel, NetworkSpec, load_kernel
from axedge.kernels.metrics import gate_figures, is_safe
from axedge.pipeline import BenchChoice, Choice, Pipeline
from axedge.terminal import Terminal

SHORT_STEPS, SHORT_RESTARTS = 4_000, 12
SHORT_SAMPLES, FULL_SAMPLES = 500, 5_000
FRESH_SAMPLES = 200_000
"""On which the invocation of what was trained in full is counted again, once all choices are made."""
_STACK_INPUTS = 1_000


@dataclass(frozen=True)
class Parcel:
    """A kernel's files, as they travel to where a trial runs.

    Attributes:
        folder: of kernel.toml, below the folder that holds them all.
        files: their contents by path.
    """

    folder: str
    files: dict[str, bytes]

    @classmethod
    def of(cls, kernel: Kernel) -> Parcel:
        """Pack a kernel that has a kernel.toml."""
        paths = [path.resolve() for path in kernel.files]
        root = Path(os.path.commonpath([path.parent for path in paths]))
        return cls(
            str(kernel.folder.resolve().relative_to(root)),
            {str(path.relative_to(root)): path.read_bytes() for path in paths},
        )

    def unpack(self, folder: Path) -> Kernel:
        """Write the files into `folder` and load the kernel."""
        for name, content in self.files.items():
            atomic_write(folder / name, content)
        return load_kernel(folder / self.folder)


@dataclass(frozen=True)
class Job:
    """What a trial is to find out.

    Attributes:
        rung: how long to train.
        shape: the network.
        kernel: its files.
        board: where to measure.
        guarantee: precision to promise.
        confidence: with which.
        effort: factor on the full rung's steps.
        seed: of training and conversion.
    """

    rung: Rung
    shape: Shape
    kernel: Parcel
    board: str
    guarantee: float
    confidence: float
    effort: float
    seed: int


@dataclass(frozen=True)
class Answer:
    """What a trial found out.

    Attributes:
        outcome: of the network.
        version: of the axedge that ran it.
    """

    outcome: Outcome
    version: str


def evaluate(job: Job) -> Answer:
    """Run a trial.

    A network that cannot promise anything, or that the board has no room for, is an outcome; whatever else goes wrong
    is an error and ends the search.

    Raises:
        AxedgeError: as the stages raise.
    """
    before = _cpu_seconds()
    with tempfile.TemporaryDirectory(prefix="axedge-search-") as scratch:
        kernel = with_shape(job.kernel.unpack(Path(scratch) / "kernel"), job.shape)
        parameters = kernel.network.parameters(len(kernel.inputs), len(kernel.outputs))
        try:
            outcome = _measure(kernel, job, Workspace(Path(scratch) / "out"), parameters)
        except (CheckFailed, UnsupportedModel, BuildError) as error:
            if isinstance(error, BuildError) and "overflow" not in error.message:
                raise
            outcome = Outcome(parameters=parameters, refused=error.message)
    spent, worker = _cpu_seconds() - before, f"{os.uname().nodename}:{os.getpid()}"
    return Answer(outcome.model_copy(update={"cpu_seconds": spent, "worker": worker}), axedge_version())


def with_shape(kernel: Kernel, shape: Shape) -> Kernel:
    """Return the kernel with another network; its digest is another one too."""
    network = NetworkSpec(**shape.network)
    return replace(kernel, network=network, settings=f"{kernel.settings} {network!r}")


def train_options(job: Job, parameters: int) -> dict[str, Any]:
    """Return how the rung trains, as keyword arguments of `train_kernel`."""
    if job.rung == "short":
        return {"seed": job.seed, "steps": SHORT_STEPS, "restarts": SHORT_RESTARTS}
    if job.effort == 1.0:
        return {"seed": job.seed}
    from axedge.train.recipes import find_recipe

    whole = find_recipe("default").for_size(parameters).steps
    return {"seed": job.seed, "steps": max(1, round(whole * job.effort))}


def _measure(kernel: Kernel, job: Job, workspace: Workspace, parameters: int) -> Outcome:
    board = load_board(job.board)
    convert = {
        "guarantee": job.guarantee,
        "confidence": job.confidence,
        "activations": job.shape.activations,
        "inputs": job.shape.inputs,
        "effort": 0.0 if job.rung == "short" else job.effort,
        "seed": job.seed,
    }
    choice = Choice(train=train_options(job, parameters), convert=convert)
    pipeline = Pipeline(kernel, workspace, Terminal(quiet=True), choice)
    pipeline.train()
    converted = pipeline.convert()
    build = pipeline.build(board)
    cost, unit = None, ""
    if board.emulator is not None:
        pipeline.flash(board, None)
        samples = min(converted.samples, SHORT_SAMPLES if job.rung == "short" else FULL_SAMPLES)
        ticks = pipeline.bench(board, BenchChoice(samples=samples)).ticks
        cost, unit = ticks.gated.mean, ticks.unit
    again = {} if job.rung == "short" else _counted_again(kernel, workspace, job.seed)
    return Outcome(
        parameters=parameters,
        invocation=converted.figures.invocation,
        **again,
        flash_bytes=build.footprint.engine_flash_bytes,
        stack_bytes=_stack_bytes(pipeline, board, build),
        cost=cost,
        unit=unit,
    )


def _counted_again(kernel: Kernel, workspace: Workspace, seed: int) -> dict[str, float | None]:
    """Return invocation and precision on samples by which neither training, conversion nor search chose anything."""
    deployment = load_deployment(workspace.convert(kernel.name))
    fresh = kernel.draw("fresh", FRESH_SAMPLES, seed)
    y, logits = answer(deployment, fresh.x)
    gate = gate_figures(is_safe(kernel.error, fresh.y, y), logits >= deployment.threshold)
    return {"fresh_invocation": gate.invocation, "fresh_precision": gate.precision}


def _stack_bytes(pipeline: Pipeline, board: Board, build: BuildRecord) -> int | None:
    """Return the network's stack: by the call graph, and only where that calls library code, by running it too."""
    if build.footprint.stack is None:
        return None
    part = build.footprint.stack.network
    if part.is_bounded and not part.library:
        return part.own_bytes
    from axedge.size import size_of

    return next(part.stack_bytes for part in size_of(pipeline, board, _STACK_INPUTS).parts if part.name == "network")


def _cpu_seconds() -> float:
    who = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in who)
