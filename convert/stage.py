"""`axedge convert`: from a trained AXNet to the quantised one, as a .tflite, as C, and with what it is worth."""

from __future__ import annotations

import platform
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.child import ChildFailed
from axedge.artifacts.errors import ArtifactError, CheckFailed, ToolMissing
from axedge.artifacts.files import atomic_write, digest
from axedge.artifacts.interpreter import run_desktop
from axedge.artifacts.progress import Progress, silent
from axedge.artifacts.records.base import axedge_version
from axedge.artifacts.records.convert import (
    ConvertRecord,
    Desktop,
    ErrorRule,
    Figures,
    InputRule,
    OutputRule,
    TflmCheck,
)
from axedge.artifacts.records.train import Scaling, TrainRecord
from axedge.convert.arrays import emit_arrays
from axedge.convert.deployment import TFLITE_FILE, answer, float_rules, model_hash
from axedge.convert.emit import emit_aot
from axedge.convert.judge import figures
from axedge.convert.qnet import Deployment
from axedge.convert.quantise import quantise
from axedge.convert.reader import Parsed, parse
from axedge.convert.reference import Codes, run
from axedge.convert.tflm import run_tflm, smallest_arena_bytes
from axedge.convert.vectors import SAMPLES_FILE, VECTORS_FILE, vector_codes, write_samples, write_vectors
from axedge.kernels.kernel import Kernel, Samples
from axedge.train.network import load_keras

TEST_COUNT = 50_000
_STEPS = 6
_PACKAGES = ("tensorflow-cpu", "tensorflow", "numpy", "flatbuffers")


def convert_inputs_digest(kernel: Kernel, train_folder: Path, *, seed: int = 0, activations: str = "int8") -> str:
    """Return the hash of all that `convert_kernel` reads, options included.

    Raises:
        ArtifactError: the train folder does not hold what `axedge train` writes.
    """
    record = TrainRecord.load(train_folder)
    networks = [_network_digest(train_folder / candidate.file) for candidate in record.candidates]
    options = f"{seed} {activations}"
    return digest("convert", axedge_version(), kernel.digest(), record.inputs_digest, options, *networks)


def convert_kernel(
    kernel: Kernel,
    train_folder: Path,
    folder: Path,
    *,
    seed: int = 0,
    activations: str = "int8",
    progress: Progress = silent,
) -> ConvertRecord:
    """Quantise the trained network and write everything that build and bench need into `folder`.

    Args:
        kernel: what is approximated.
        train_folder: what `axedge train` wrote.
        folder: where to write.
        seed: of every sample drawn, 0 or more.
        activations: "int8" or "int16".
        progress: called with steps done, steps in all, and what is being done.

    Returns:
        What convert.json holds.

    Raises:
        ArtifactError: the train folder is incomplete or belongs to another kernel.
        UnsupportedModel: the network holds what the engines cannot run; nothing has been written.
        CheckFailed: TensorFlow Lite Micro gives other bits than the numpy reference.
        ToolMissing: TensorFlow or a C compiler is not installed.
    """
    trained = _load_record(kernel, train_folder)
    candidate = trained.candidates[0].file
    progress(0, _STEPS, "quantising")
    model = load_keras(train_folder / candidate)
    u_map, v_map = _pairs(trained.normalisation.inputs), _pairs(trained.normalisation.outputs)
    train = kernel.draw("train", 2000, seed)
    tflite = quantise(model, _normalised(train.x, u_map), activations)
    parsed = parse(tflite)
    deployment = _deployment(kernel, tflite, parsed, u_map, v_map)

    progress(1, _STEPS, "judging")
    test = kernel.draw("test", TEST_COUNT, seed)
    float_figures = _float_figures(kernel, model, test, u_map, v_map)
    answers, logits = answer(deployment, test.x)
    int_figures = figures(kernel.error, test.y, answers, logits, deployment.threshold)

    progress(2, _STEPS, "comparing with TensorFlow Lite Micro")
    codes = vector_codes(deployment, test.x, seed)
    tflm = _check_tflm(tflite, deployment, codes)
    progress(3, _STEPS, "measuring the tensor arena")
    arena_bytes = smallest_arena_bytes(tflite)
    progress(4, _STEPS, "comparing with a desktop interpreter")
    desktop = _compare_desktop(tflite, deployment, codes)

    progress(5, _STEPS, "writing")
    sources = emit_aot(deployment)
    heads = (parsed.answer_position, parsed.logit_position)
    sources |= emit_arrays(kernel.name, tflite, deployment.model_hash, parsed.operators, heads, arena_bytes)
    (folder / ConvertRecord.FILE).unlink(missing_ok=True)
    atomic_write(folder / TFLITE_FILE, tflite)
    for name, text in sources.items():
        atomic_write(folder / name, text)
    write_vectors(folder / VECTORS_FILE, deployment, codes)
    samples = write_samples(folder / SAMPLES_FILE, kernel, seed)
    record = ConvertRecord(
        axedge=axedge_version(),
        inputs_digest=convert_inputs_digest(kernel, train_folder, seed=seed, activations=activations),
        kernel=kernel.name,
        kernel_digest=kernel.digest(),
        has_exact=kernel.has_exact,
        train_digest=trained.inputs_digest,
        candidate=candidate,
        seed=seed,
        model_hash=deployment.model_hash,
        activations="int16" if deployment.net.bits == 16 else "int8",
        error=ErrorRule(metric=kernel.error.metric, bound=kernel.error.bound, floor=kernel.error.floor),
        inputs=_input_rules(kernel, deployment),
        outputs=_output_rules(kernel, deployment),
        threshold=deployment.threshold,
        guarantee=None,
        notes=deployment.notes,
        test_count=len(test),
        float_figures=float_figures,
        figures=int_figures,
        parameters=int(model.count_params()),
        tflite_bytes=len(tflite),
        arena_bytes=arena_bytes,
        operators=parsed.operators,
        vectors=len(codes),
        samples=samples,
        tflm=tflm,
        desktop=desktop,
        versions=_versions(),
    )
    record.save(folder)
    progress(_STEPS, _STEPS, "done")
    return record


def _load_record(kernel: Kernel, train_folder: Path) -> TrainRecord:
    record = TrainRecord.load(train_folder)
    again = f"Run `axedge train {kernel.name}` again."
    if record.kernel != kernel.name:
        raise ArtifactError(f"{train_folder} holds a network for {record.kernel}, not for {kernel.name}.", again)
    if record.kernel_digest != kernel.digest():
        raise ArtifactError(f"the kernel {kernel.name} has changed since it was trained.", again)
    return record


def _network_digest(path: Path) -> str:
    """Return a hash of a .keras file's contents but for its metadata, which holds the time of saving."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if name != "metadata.json")
            return digest(*[part for name in names for part in (name, archive.read(name))])
    except (OSError, zipfile.BadZipFile, RuntimeError) as error:
        raise ArtifactError(f"{path} is missing or damaged ({error}).", "Run `axedge train` again.") from None


def _pairs(scalings: Sequence[Scaling]) -> list[tuple[float, float]]:
    return [(scaling.offset, scaling.scale) for scaling in scalings]


def _normalised(raw: NDArray[np.float32], pairs: Sequence[tuple[float, float]]) -> NDArray[np.float32]:
    """Return (raw - offset) / scale, column by column."""
    offset, scale = np.array(pairs, np.float64).T
    return ((raw.astype(np.float64) - offset) / scale).astype(np.float32)


def _deployment(
    kernel: Kernel,
    tflite: bytes,
    parsed: Parsed,
    u_map: Sequence[tuple[float, float]],
    v_map: Sequence[tuple[float, float]],
) -> Deployment:
    """Return the deployment with the gate at logit >= 0, as trained: no promise."""
    net = parsed.net
    inputs, outputs = float_rules(kernel, net, u_map, v_map)
    threshold = net.activations[net.logit].zero_point if net.logit else 0
    return Deployment(
        kernel=kernel.name,
        has_exact=kernel.has_exact,
        model_hash=model_hash(tflite),
        net=net,
        inputs=inputs,
        outputs=outputs,
        threshold=threshold,
        notes=_notes(kernel),
    )


def _notes(kernel: Kernel) -> tuple[str, ...]:
    """Return what the generated header says about what was trained."""
    error = kernel.error
    floor = f", floor {error.floor:g}" if error.metric == "relative" else ""
    return (kernel.summary, f"Safe: {error.metric} error of at most {error.bound:g}{floor}.", distribution(kernel))


def distribution(kernel: Kernel) -> str:
    """Return in words for which inputs figures and promises hold."""
    if kernel.recorded is not None:
        return "Inputs: as recorded in the kernel's data files."
    if kernel.sampler is not None:
        return f"Inputs: as {kernel.sampler.function} of the kernel draws them."
    return "Inputs: uniform over the trained box."


def _float_figures(
    kernel: Kernel,
    model: Any,
    test: Samples,
    u_map: Sequence[tuple[float, float]],
    v_map: Sequence[tuple[float, float]],
) -> Figures:
    """Judge the Keras network itself, gate at logit >= 0."""
    outputs = model(_normalised(test.x, u_map))
    heads = [np.asarray(head) for head in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]
    offset, scale = np.array(v_map, np.float64).T
    answers = (heads[0].astype(np.float64) * scale + offset).astype(np.float32)
    logits = heads[1][:, 0] if len(heads) > 1 else np.zeros(len(test), np.float32)
    return figures(kernel.error, test.y, answers, logits, 0.0)


def _check_tflm(tflite: bytes, deployment: Deployment, codes: Codes) -> TflmCheck:
    """Compare the numpy reference with TFLM, bit for bit.

    Raises:
        CheckFailed: they differ.
    """
    truth = run_tflm(tflite, codes)
    if truth is None:
        return TflmCheck(result="not done here", count=0, version=None)
    answers, logits = run(deployment.net, codes)
    wrong = (truth.answer != answers).any(axis=1)
    if truth.logit is not None:
        wrong |= truth.logit != logits
    if wrong.any():
        row = codes[int(np.argmax(wrong))].tolist()
        raise CheckFailed(
            f"the numpy reference differs from TensorFlow Lite Micro {truth.version} on {int(wrong.sum())} of "
            f"{len(codes)} inputs, first on codes {row}.",
            "This is a defect in axedge, or in this version of tflite-micro.",
        )
    return TflmCheck(result="passed", count=len(codes), version=truth.version)


def _compare_desktop(tflite: bytes, deployment: Deployment, codes: Codes) -> Desktop | None:
    """Say how far a desktop interpreter strays; None where there is none that can run the model."""
    try:
        other = run_desktop(tflite, codes)
    except (ToolMissing, ChildFailed):
        return None
    answers, logits = run(deployment.net, codes)
    steps = np.abs(other.answer.astype(np.int64) - answers).ravel()
    if other.logit is not None:
        steps = np.concatenate([steps, np.abs(other.logit.astype(np.int64) - logits)])
    return Desktop(
        name=other.name,
        version=other.version,
        outputs=len(steps),
        differing=int(np.count_nonzero(steps)),
        max_steps=int(steps.max()),
    )


def _input_rules(kernel: Kernel, deployment: Deployment) -> tuple[InputRule, ...]:
    pairs = zip(kernel.inputs, deployment.inputs, strict=True)
    return tuple(InputRule(name=port.name, unit=port.unit, **asdict(rule)) for port, rule in pairs)


def _output_rules(kernel: Kernel, deployment: Deployment) -> tuple[OutputRule, ...]:
    pairs = zip(kernel.outputs, deployment.outputs, strict=True)
    return tuple(OutputRule(name=port.name, unit=port.unit, **asdict(rule)) for port, rule in pairs)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
