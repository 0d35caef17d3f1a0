"""`axedge convert`: from trained AXNets to the best quantised one, as a .tflite, as C, and with what it is worth."""

from __future__ import annotations

import platform
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.files import atomic_write, digest
from axedge.artifacts.kept import Judged
from axedge.artifacts.pair import OPTIMIZE, generated_source
from axedge.artifacts.progress import Progress, silent
from axedge.artifacts.records.base import axedge_version
from axedge.artifacts.records.convert import (
    AccumulatorBound,
    ConvertOptions,
    ConvertRecord,
    ErrorRule,
    GuardBand,
    GuardEnvelope,
    InputRule,
    OutputRule,
)
from axedge.convert import affine
from axedge.convert.application import application_of, read_application
from axedge.convert.arrays import emit_arrays
from axedge.convert.checks import check_tflm, compare_desktop
from axedge.convert.cost import cost_of
from axedge.convert.deployment import TFLITE_FILE, answer
from axedge.convert.emit import emit_aot
from axedge.convert.envelope import largest_excess
from axedge.convert.finetune import STRETCHES, Tuned, tune
from axedge.convert.judge import figures, judged
from axedge.convert.maps import Maps
from axedge.convert.options import convert_options
from axedge.convert.promise import FloatNetwork, promise_for
from axedge.convert.proof import prove
from axedge.convert.qnet import FINE_BITS, Deployment, Envelope
from axedge.convert.quantise import quantise
from axedge.convert.reader import parse
from axedge.convert.reference import Codes
from axedge.convert.source import Source, load_source, read_bytes, source_digest
from axedge.convert.task import Task
from axedge.convert.tflm import smallest_arena_bytes
from axedge.convert.vectors import (
    SAMPLE_COUNT,
    SAMPLES_FILE,
    VECTOR_COUNT,
    VECTORS_FILE,
    vector_codes,
    write_samples,
    write_vectors,
)
from axedge.kernels.kernel import Kernel, Samples
from axedge.train.network import from_keras

TEST_COUNT = 50_000
#: Test samples whose errors and logits are kept one by one, for the report.
JUDGED_COUNT = 20_000
#: What fine-tuning takes of the whole, for progress.
_TUNING_SHARE = 0.85
_PACKAGES = ("tensorflow-cpu", "tensorflow", "numpy", "flatbuffers")


def convert_inputs_digest(kernel: Kernel, train_folder: Path, **options: Any) -> str:
    """Return the hash of all that `convert_kernel` reads with these options (see `options.convert_options`).

    Raises:
        ArtifactError: the train folder does not hold what `axedge train` writes.
        UsageError: an option is out of range, or its file cannot be read.
    """
    chosen = convert_options(**options)
    named = [read_bytes(Path(chosen.calibrate))] if chosen.calibrate is not None else []
    said = chosen.model_dump_json()
    source = source_digest(train_folder, chosen.model)
    return digest("convert", axedge_version(), kernel.digest(), said, source, *named)


def convert_kernel(
    kernel: Kernel, train_folder: Path, folder: Path, *, progress: Progress = silent, **options: Any
) -> ConvertRecord:
    """Quantise the trained networks, choose the best, and write what build and bench need into `folder`.

    Args:
        kernel: what is approximated.
        train_folder: what `axedge train` wrote.
        folder: where to write.
        progress: called with the share done, 1, and what is being done.
        options: see `options.convert_options`.

    Returns:
        What convert.json holds.

    Raises:
        UsageError: an option is out of range.
        ArtifactError: the train folder is incomplete or belongs to another kernel.
        KernelError: inputs to calibrate on cannot be read.
        UnsupportedModel: the network holds what the engines cannot run; nothing has been written.
        CheckFailed: nothing can be promised, an accumulator may overflow, inputs to calibrate on were used in training,
            or TensorFlow Lite Micro gives other bits than the numpy reference; nothing has been written.
        ToolMissing: TensorFlow or a C compiler is not installed.
    """
    chosen = convert_options(**options)
    recorded = None if chosen.calibrate is None else read_application(kernel, Path(chosen.calibrate))
    source = load_source(kernel, train_folder, chosen)
    task = Task.of(kernel, source.maps, chosen.guarantee or 0.95, chosen.seed, units=source.refusing_units)
    application = None
    if recorded is not None:
        application = application_of(task, recorded, source.trained)
    tuned = _tuned(task, source, chosen, progress)
    progress(_TUNING_SHARE, 1.0, "judging in whole numbers")
    deployment = task.deploy(tuned.tflite)
    proof = prove(deployment.net, deployment.envelope)
    network = float_network(source.models[tuned.candidate], source.maps, source.gate)
    promise = promise_for(task, deployment, network, chosen, application)
    deployment = promise.applied(replace(deployment, notes=_notes(kernel, promise.distribution)))
    figures_found, kept = _figures(kernel, deployment, network, chosen.seed)
    progress(0.9, 1.0, "comparing with TensorFlow Lite Micro")
    codes = vector_codes(deployment, kernel.draw("test", VECTOR_COUNT, chosen.seed).x, chosen.seed)
    checks = _checks(tuned.tflite, deployment, codes)
    progress(0.95, 1.0, "writing")
    fresh = kernel.draw("bench", SAMPLE_COUNT, chosen.seed) if application is None else application.bench
    samples = _write_files(kernel, folder, tuned.tflite, deployment, codes, checks["arena_bytes"], fresh, chosen.seed)
    record = ConvertRecord(
        axedge=axedge_version(),
        inputs_digest=convert_inputs_digest(kernel, train_folder, **chosen.model_dump()),
        train_digest=source.digest,
        candidate=source.files[tuned.candidate],
        how=tuned.how,
        options=chosen,
        seed=chosen.seed,
        guarantee=promise.guarantee,
        moved=promise.moved,
        at_guarantee=promise.at_guarantee,
        foreign=promise.foreign,
        proof=tuple(AccumulatorBound(**asdict(bound)) for bound in proof),
        parameters=int(source.models[tuned.candidate].count_params()),
        tflite_bytes=len(tuned.tflite),
        operators=parse(tuned.tflite).operators,
        vectors=len(codes),
        samples=samples,
        versions=_versions(),
        **_description(kernel, deployment),
        **figures_found,
        **checks,
    )
    kept.save(folder)
    record.save(folder)
    progress(1.0, 1.0, "done")
    return record


def _tuned(task: Task, source: Source, options: ConvertOptions, progress: Progress) -> Tuned:
    """Return the best quantised network of the candidates; a network of the user's own is converted as it is."""
    if source.trained is None:
        u = task.maps.normalise(task.train.x)
        return Tuned(tflite := quantise(source.models[0], u, options.activations), 0, "converted", task.judge(tflite))
    networks = [from_keras(model) for model in source.models]
    return tune(
        task,
        networks[0][0],
        np.stack([flat for _, flat in networks]),
        bits=8 if options.activations == "int8" else 16,
        fine_bits=FINE_BITS if options.inputs == "two-byte" else 0,
        seed=options.seed,
        stretches=[replace(s, steps=max(1, round(s.steps * options.effort))) for s in STRETCHES if options.effort],
        progress=lambda done, total, note="": progress(_TUNING_SHARE * done / max(total, 1.0), 1.0, note),
    )


def float_network(model: Any, maps: Maps, gate: float = 0.0) -> FloatNetwork:
    """Return a function from kernel inputs (N, n) to the Keras network's answers (N, m) and logits (N,).

    Args:
        model: on normalised numbers.
        maps: between the kernel's units and the network's.
        gate: value of the second head that counts as a logit of 0.
    """

    def run(x: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        outputs = model(maps.normalise(x))
        heads = [np.asarray(head) for head in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]
        logits = heads[1][:, 0] - np.float32(gate) if len(heads) > 1 else np.zeros(len(x), np.float32)
        return maps.denormalise(heads[0]), logits

    return run


def _notes(kernel: Kernel, distribution: str) -> tuple[str, ...]:
    """Return what the generated header says about what was trained."""
    error = kernel.error
    floor = f", floor {error.floor:g}" if error.metric == "relative" else ""
    return (kernel.summary, f"Safe: {error.metric} error of at most {error.bound:g}{floor}.", distribution)


def _figures(kernel: Kernel, deployment: Deployment, network: FloatNetwork, seed: int) -> tuple[dict[str, Any], Judged]:
    """Return test_count, both figures and the cost, on samples that nothing was fitted to; and some, one by one."""
    test = kernel.draw("test", TEST_COUNT, seed)
    floats, wholes = network(test.x), answer(deployment, test.x)
    entry = deployment.net.activations[deployment.net.source]
    codes = affine.encode(deployment.inputs, entry, test.x).astype(np.int8 if entry.bits == 8 else np.int16)
    found = {
        "test_count": len(test),
        "float_figures": figures(kernel.error, test.y, *floats, 0.0),
        "figures": figures(kernel.error, test.y, *wholes, deployment.threshold),
        "cost": cost_of(kernel, deployment.net, codes, test, floats, wholes, deployment.threshold),
    }
    return found, judged(kernel.error, deployment.model_hash, test, floats, wholes, JUDGED_COUNT)


def _checks(tflite: bytes, deployment: Deployment, codes: Codes) -> dict[str, Any]:
    """Return what other executions say: tflm, desktop, arena_bytes."""
    return {
        "tflm": check_tflm(tflite, deployment.net, codes),
        "desktop": compare_desktop(tflite, deployment.net, codes),
        "arena_bytes": smallest_arena_bytes(tflite),
    }


def _write_files(
    kernel: Kernel,
    folder: Path,
    tflite: bytes,
    deployment: Deployment,
    codes: Codes,
    arena_bytes: int | None,
    samples: Samples,
    seed: int,
) -> int:
    """Write all but convert.json, which is taken away first so that it never lies; return the number of samples."""
    parsed = parse(tflite)
    heads = (parsed.answer_position, parsed.logit_position)
    sources = _pairs(deployment)
    sources |= emit_arrays(kernel.name, tflite, deployment.model_hash, parsed.operators, heads, arena_bytes)
    (folder / ConvertRecord.FILE).unlink(missing_ok=True)
    atomic_write(folder / TFLITE_FILE, tflite)
    for name, text in sources.items():
        atomic_write(folder / name, text)
    write_vectors(folder / VECTORS_FILE, deployment, codes)
    return write_samples(folder / SAMPLES_FILE, kernel, samples, seed)


def _pairs(deployment: Deployment) -> dict[str, str]:
    """Return the generated C by path: one header, and a source for each thing that it can be made for."""
    texts: dict[str, str] = {}
    for optimize in OPTIMIZE:
        made = emit_aot(deployment, optimize)
        source = made.pop(f"axnet_{deployment.kernel}.c")
        texts |= made | {generated_source(deployment.kernel, optimize): source}
    return texts


def _description(kernel: Kernel, deployment: Deployment) -> dict[str, Any]:
    """Return the record's fields that say what was converted, and how floats become codes and back."""
    inputs = zip(kernel.inputs, deployment.inputs, strict=True)
    outputs = zip(kernel.outputs, deployment.outputs, strict=True)
    return {
        "kernel": kernel.name,
        "kernel_digest": kernel.digest(),
        "has_exact": kernel.has_exact,
        "model_hash": deployment.model_hash,
        "activations": "int16" if deployment.net.bits == 16 else "int8",
        "error": ErrorRule(metric=kernel.error.metric, bound=kernel.error.bound, floor=kernel.error.floor),
        "inputs": tuple(InputRule(name=port.name, unit=port.unit, **asdict(rule)) for port, rule in inputs),
        "outputs": tuple(OutputRule(name=port.name, unit=port.unit, **asdict(rule)) for port, rule in outputs),
        "threshold": deployment.threshold,
        "guard": tuple(
            GuardBand(row=band.row, column=band.column, low=tuple(band.low.tolist()), high=tuple(band.high.tolist()))
            for band in deployment.guard
        ),
        "envelope": None if deployment.envelope is None else _envelope(deployment.envelope),
        "notes": deployment.notes,
    }


def _envelope(envelope: Envelope) -> GuardEnvelope:
    return GuardEnvelope(
        weights=tuple(tuple(row) for row in envelope.weights.tolist()),
        low=tuple(envelope.low.tolist()),
        high=tuple(envelope.high.tolist()),
        shift=envelope.shift,
        limit=envelope.limit,
        magnitude=largest_excess(envelope),
    )


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
