"""What is measured: rows of instructions and bytes, for the reference networks and for a trained one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from axedge.artifacts.errors import CheckFailed
from axedge.convert import reference
from axedge.convert.emit import OPTIMIZE
from axedge.convert.qnet import Deployment
from axedge.kernels.kernel import Kernel, load_kernel
from benchmarks.engine.gated import ALWAYS, NEVER, bench_inputs, within_guard
from benchmarks.engine.harness import CALLS, MACHINES, Bench, Exact, Machine, Result, code_rows
from benchmarks.engine.networks import FOLDER, SHAPES, with_threshold
from benchmarks.engine.networks import reference as reference_network
from benchmarks.engine.stored import read_deployment

#: Trained networks, as `python -m benchmarks.engine.trained` makes them.
TRAINED = ("inversek2j", "inversek2j_double", "inversek2j_double_best")
#: Those of which more than the gate is counted.
CALLS_COUNTED = ("inversek2j", "inversek2j_double_best")
GATED_CORES = ("cortex-m0", "cortex-m4")

_FNV_START, _FNV_FACTOR = 2166136261, 16777619


@dataclass(frozen=True)
class Row:
    """One figure of docs/engine.md.

    Attributes:
        engine: "aot", or "exact" for the function that is approximated.
        core: as `emit_aot` names it.
        network: small, big, or one of TRAINED.
        optimize: speed, balanced or size.
        measure: core (codes in, both heads), call_accepted and call_rejected (floats in, an empty fallback), gated
            (floats in, the real fallback, the trained gate) or exact.
        instructions: mean over 1,000 calls, without what an empty function costs.
        flash_bytes: over a firmware with an empty function.
        ram_bytes: static, likewise.
        stack_bytes: the deepest painted, beneath the caller.
    """

    engine: str
    core: str
    network: str
    optimize: str
    measure: str
    instructions: float
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int

    @property
    def key(self) -> str:
        """What a baseline is filed under."""
        return f"{self.engine}/{self.core}/{self.network}/{self.optimize}/{self.measure}"

    def as_dict(self) -> dict[str, object]:
        """Return the row as engine.json holds it."""
        return asdict(self)


def reference_rows(cores: tuple[str, ...] = tuple(MACHINES), modes: tuple[str, ...] = OPTIMIZE) -> Iterator[Row]:
    """Measure both reference networks.

    Raises:
        CheckFailed: the core's answers differ from the numpy reference's, or the counter is wrong.
    """
    for network in SHAPES:
        for core in cores:
            for optimize in modes:
                yield from network_rows(network, reference_network(network), MACHINES[core], optimize)


def network_rows(
    name: str, deployment: Deployment, machine: Machine, optimize: str, inputs: np.ndarray | None = None
) -> Iterator[Row]:
    """Measure the core, an accepted and a rejected call.

    Args:
        name: of the network.
        deployment: the network.
        machine: the emulated core.
        optimize: speed, balanced or size.
        inputs: of the calls, float32, all within the domain guard; None: uniform over the box.
    """
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder) / "core", deployment, machine, optimize)
        empty, full = bench.run("empty_net"), bench.run("axe_bench_net")
        if full.checksum != expected_checksum(deployment):
            raise CheckFailed(f"{name} on {machine.core}, {optimize}: the answers differ from the reference's.")
        yield row(machine, name, optimize, "core", full, empty)
        for measure, threshold in (("call_accepted", ALWAYS), ("call_rejected", NEVER)):
            bench = Bench(
                Path(folder) / measure, with_threshold(deployment, threshold), machine, optimize, inputs=inputs
            )
            yield row(machine, name, optimize, measure, bench.run("axe_bench"), bench.run("empty_float"))


def trained_rows(names: tuple[str, ...] = tuple(TRAINED), cores: tuple[str, ...] = GATED_CORES) -> Iterator[Row]:
    """Measure the trained networks of this folder on inputs of the application, gated, beside their exact functions.

    Args:
        names: of TRAINED.
        cores: as MACHINES names them.
    """
    for name in names:
        deployment, provenance = read_deployment(FOLDER / f"{name}.json")
        kernel = load_kernel(provenance["kernel"])
        for core in cores:
            if name in CALLS_COUNTED:
                inputs = within_guard(deployment, bench_inputs(kernel))
                yield from network_rows(name, deployment, MACHINES[core], "speed", inputs)
            yield from gated_rows(name, deployment, kernel, MACHINES[core])


def gated_rows(name: str, deployment: Deployment, kernel: Kernel, machine: Machine) -> Iterator[Row]:
    """Measure a gated call and the exact function on the same inputs, with the same fallback."""
    exact = Exact(kernel.name, Path(str(kernel.source)))
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch), deployment, machine, "speed", exact, bench_inputs(kernel))
        empty = bench.run("empty_float")
        for measure, target, engine in (("gated", "axe_bench", "aot"), ("exact", exact.function, "exact")):
            yield replace(row(machine, name, "speed", measure, bench.run(target), empty), engine=engine)


def row(machine: Machine, network: str, optimize: str, measure: str, full: Result, empty: Result) -> Row:
    """Return the row of a function, given what it and an empty function cost."""
    return Row(
        engine="aot",
        core=machine.core,
        network=network,
        optimize=optimize,
        measure=measure,
        instructions=round(machine.instructions(full.ticks - empty.ticks) / CALLS, 1),
        flash_bytes=full.flash_bytes - empty.flash_bytes,
        ram_bytes=full.ram_bytes - empty.ram_bytes,
        stack_bytes=full.stack_bytes,
    )


def expected_checksum(deployment: Deployment) -> int:
    """Return the checksum that 1,000 right answers have: FNV-1a over their bytes."""
    rows = code_rows(deployment)
    codes = rows.astype(np.int8 if deployment.net.bits == 8 else np.int16)
    answers, logits = reference.run(deployment.net, codes)
    both = np.concatenate([answers, logits[:, None]], axis=1)[np.arange(CALLS) % len(rows)]
    total = _FNV_START
    for byte in both.tobytes():
        total = (total ^ byte) * _FNV_FACTOR % 2**32
    return total
