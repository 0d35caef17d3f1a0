"""The bench: first the bits, then the samples, then the figures; nothing is timed on a network whose bits differ."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from axedge.artifacts.errors import ArtifactError, CheckFailed, ToolMissing, UsageError, WrongImage
from axedge.artifacts.files import digest, digest_files
from axedge.artifacts.interpreter import run_desktop
from axedge.artifacts.progress import Progress, silent
from axedge.artifacts.records.base import axedge_version
from axedge.artifacts.records.bench import BenchRecord, DesktopComparison, Inputs, LinkFigures, VectorCheck
from axedge.artifacts.records.build import BuildRecord
from axedge.artifacts.records.convert import ConvertRecord, Gate
from axedge.host.assemble import Measured, assemble, calls_of
from axedge.host.connection import Connection
from axedge.host.device import Device, VectorsResult
from axedge.host.partial import Answers, forget
from axedge.host.samples import Samples, Vectors, load_samples, load_vectors

SAMPLES = 5000
_PARTS = 20
"""The samples go in this many parts, each in both modes, so that an interrupted bench has whole answers."""


@dataclass(frozen=True)
class Plan:
    """All that a bench reads.

    Attributes:
        convert_folder: holds the network, its vectors and samples.
        image_folder: holds the image's record; the bench's record goes there.
        convert: convert.json.
        build: build.json.
        samples: what is run.
        inputs: where the samples are from; nothing was promised for the user's own.
        digest: hash of all of it.
    """

    convert_folder: Path
    image_folder: Path
    convert: ConvertRecord
    build: BuildRecord
    samples: Samples
    inputs: Inputs
    digest: str


def plan(
    convert_folder: Path,
    image_folder: Path,
    *,
    samples: int | None = None,
    seed: int | None = None,
    own: Samples | None = None,
) -> Plan:
    """Read what a bench needs.

    Args:
        convert_folder: folder of `axedge convert`.
        image_folder: folder of `axedge build`.
        samples: how many to run; default 5,000 of the stored ones, or all of the user's own.
        seed: draws them from the stored ones; default: the first ones.
        own: the user's own, or freshly drawn ones.

    Raises:
        ArtifactError: a file is missing or damaged, or the two folders belong to different models.
        UsageError: more samples are asked for than there are; or the image holds no network.
    """
    convert, build = ConvertRecord.load(convert_folder), BuildRecord.load(image_folder)
    if convert.model_hash != build.model_hash:
        raise ArtifactError(
            f"the image in {image_folder} was built from model {build.model_hash}, not {convert.model_hash}.",
            "Run `axedge build` again.",
        )
    convert.check_files(convert_folder, ("axnet.tflite", "vectors.npz", "samples.npz"))
    if build.engine == "none":
        raise UsageError(f"the image in {image_folder} holds no network.", "Build it with an engine.")
    source = load_samples(convert_folder, convert.seed) if own is None else own
    if samples is None:
        samples = min(SAMPLES, len(source.x)) if own is None else len(source.x)
    chosen = source.take(samples, seed)
    return Plan(
        convert_folder=convert_folder,
        image_folder=image_folder,
        convert=convert,
        build=build,
        samples=chosen,
        inputs="stored" if own is None else "own" if own.seed is None else "fresh",
        digest=digest(_digest_of(convert_folder, image_folder), chosen.digest),
    )


def _digest_of(convert_folder: Path, image_folder: Path) -> str:
    files = [convert_folder / name for name in ("convert.json", "vectors.npz", "axnet.tflite")]
    return digest_files([*files, image_folder / "build.json"])


def bench(
    convert_folder: Path,
    image_folder: Path,
    *,
    connection: Connection,
    samples: int | None = None,
    seed: int | None = None,
    own: Samples | None = None,
    resume: bool = False,
    progress: Progress = silent,
    say: Callable[[str], None] = lambda line: None,
    hand_over: Callable[[Answers], None] | None = None,
) -> BenchRecord:
    """Measure an image on its board; write the record into `image_folder` and return it.

    It is bench.json for the stored samples, bench.fresh.json or bench.own.json for others. If it is cut short - Ctrl-C
    included - what was answered is kept: as that file with `complete` false, and for `resume`.

    Args:
        convert_folder: folder of `axedge convert`.
        image_folder: folder of `axedge build`.
        connection: the way to the board.
        samples: see `plan`.
        seed: see `plan`.
        own: see `plan`.
        resume: go on with what an earlier bench of the same samples kept.
        progress: told samples, in both modes.
        say: told what was kept if it is cut short.
        hand_over: given the raw answers in the end, for whoever compares them with another image's.

    Raises:
        CheckFailed: the board's bits differ, or its two modes contradict each other.
        WrongImage: the board runs another image or model.
        DeviceError: the board falls silent.
        ArtifactError: see `plan`.
        UsageError: see `plan`.
    """
    what = plan(convert_folder, image_folder, samples=samples, seed=seed, own=own)
    vectors = load_vectors(convert_folder)
    with connection.open(what.build.build_id) as device:
        _check_identity(device, what)
        _check_gate(device, what.convert)
        if not device.hello.has_exact and what.samples.y is None:
            raise UsageError("the samples have no exact outputs, and the board has no exact function to make them.")
        checked, codes = _check_vectors(device, vectors)
        run = _Run(what, connection, device, checked, _compare_desktop(convert_folder, vectors, codes))
        record = run.measure(resume=resume, progress=progress, say=say)
        if hand_over is not None:
            hand_over(run.answers)
        return record


def _check_identity(device: Device, what: Plan) -> None:
    hello, build = device.hello, what.build
    if hello.model_hash_hex != build.model_hash:
        raise WrongImage(
            f"the board runs model {hello.model_hash_hex} ({hello.kernel}), not {build.model_hash} ({build.kernel}).",
            "Run `axedge flash` again.",
        )
    if hello.board != build.board:
        raise WrongImage(f"the board says it is a {hello.board}, not a {build.board}.", "Choose it with --board.")
    shape = (hello.inputs, hello.outputs)
    if shape != (len(what.convert.inputs), len(what.convert.outputs)) or shape[0] != what.samples.x.shape[1]:
        raise WrongImage(f"the board's network has {shape[0]} inputs and {shape[1]} outputs.", "Build and flash again.")


def _check_gate(device: Device, convert: ConvertRecord) -> None:
    """Refuse an image whose gate or promise is not that of convert.json: the model alone does not say."""
    hello, gate = device.hello, convert.gate
    wanted = gate._replace(eps=float(np.float32(gate.eps)), delta=float(np.float32(gate.delta)))
    found = Gate(hello.threshold, hello.eps, hello.delta, hello.calibration_count)
    if found != wanted:
        raise WrongImage(
            f"the board's gate is not the one of convert.json: {_gate_words(found)}, not {_gate_words(wanted)}.",
            "Run `axedge build` and `axedge flash` again.",
        )


def _gate_words(gate: Gate) -> str:
    if not gate.calibration_count:
        return f"threshold {gate.threshold}, nothing promised"
    promise = f"eps {gate.eps:.6g}, delta {gate.delta:.6g} from {gate.calibration_count:,} samples"
    return f"threshold {gate.threshold}, {promise}"


def _check_vectors(device: Device, vectors: Vectors) -> tuple[VectorCheck, VectorsResult]:
    """Run the stored vectors; refuse to go on if a bit differs."""
    got = device.vectors(vectors.inputs)
    wrong = (got.answer != vectors.answer).any(axis=1) | (got.logit != vectors.logit)
    if wrong.any():
        first = int(np.argmax(wrong))
        wanted = [*vectors.answer[first].tolist(), int(vectors.logit[first])]
        found = [*got.answer[first].tolist(), int(got.logit[first])]
        raise CheckFailed(
            f"the board's bits differ in {int(wrong.sum())} of {len(wrong)} stored vectors; the first is number "
            f"{first}: codes {vectors.inputs[first].tolist()} gave {found} instead of {wanted}. Nothing was timed.",
            "Build and flash again; if it stays, the compiler or the engine is at fault.",
        )
    return VectorCheck(count=len(wrong), mismatches=0), got


def _compare_desktop(convert_folder: Path, vectors: Vectors, codes: VectorsResult) -> DesktopComparison | None:
    """Compare the board's codes with a desktop interpreter's; None where none is installed."""
    try:
        desktop = run_desktop((convert_folder / "axnet.tflite").read_bytes(), vectors.inputs)
    except ToolMissing:
        return None
    steps = [np.abs(desktop.answer.astype(np.int64) - codes.answer)]
    if desktop.logit is not None:
        steps.append(np.abs(desktop.logit.astype(np.int64) - codes.logit)[:, None])
    every = np.concatenate(steps, axis=1)
    return DesktopComparison(
        name=desktop.name,
        version=desktop.version,
        outputs=every.size,
        differing=int(np.count_nonzero(every)),
        max_steps=int(every.max(initial=0)),
    )


class _Run:
    """The timed part: its answers, its clock, and what becomes of them."""

    def __init__(
        self,
        what: Plan,
        connection: Connection,
        device: Device,
        checked: VectorCheck,
        desktop: DesktopComparison | None,
    ) -> None:
        self._what, self._connection, self._device = what, connection, device
        self._checked, self._desktop = checked, desktop
        self.answers = Answers.empty(len(what.samples.x), device.hello.outputs, has_exact=device.hello.has_exact)
        self._before = replace(device.counters)
        self._seconds = 0.0
        self._new = 0

    def measure(self, *, resume: bool, progress: Progress, say: Callable[[str], None]) -> BenchRecord:
        """Run all samples that are not answered yet; write and return the record."""
        folder = self._what.image_folder
        if resume:
            self.answers.load(folder, self._what.digest)
        try:
            self._ask(progress)
        except BaseException:
            self._keep(say)
            raise
        record = self._record(complete=True)
        if self._what.inputs == "stored":
            calls_of(self._what.convert, self._what.samples, self._measured(), self._what.digest).save(folder)
        record.save(folder)
        forget(folder)
        return record

    def _ask(self, progress: Progress) -> None:
        total, results = 2 * len(self._what.samples.x), (self.answers.network, self.answers.gated)
        for part in np.array_split(np.arange(len(self._what.samples.x)), _PARTS):
            if len(part) == 0:
                continue
            window = slice(part[0], part[-1] + 1)
            for result in results:
                piece = type(result)(result.mode, result.records[window], result.answered[window])
                already = int(sum(one.answered.sum() for one in results)) - int(piece.answered.sum())
                before, began = int(piece.answered.sum()), time.monotonic()
                try:
                    self._device.run(
                        self._what.samples.x[window],
                        result.mode,
                        into=piece,
                        progress=lambda done, _, note="", base=already + before: progress(base + done, total, note),
                    )
                finally:
                    self._seconds += time.monotonic() - began
                    self._new += int(piece.answered.sum()) - before

    def _keep(self, say: Callable[[str], None]) -> None:
        """Keep what was answered: for --resume, and as a record marked incomplete."""
        done = self.answers.done
        if self.answers.network.answered.any():
            self.answers.save(self._what.image_folder, self._what.digest)
            say(
                f"kept: {done.sum():,} of {len(done):,} samples, marked as incomplete; `axedge bench --resume` goes on."
            )
        if done.any():
            self._record(complete=False).save(self._what.image_folder)

    def _measured(self) -> Measured:
        now, before = self._device.counters, self._before
        link = LinkFigures(
            samples_per_s=self._new / self._seconds if self._seconds > 0 else 0.0,
            payload_bytes=now.payload_bytes - before.payload_bytes,
            line_bytes=now.line_bytes - before.line_bytes,
            retries=now.retries - before.retries,
            crc_errors=now.crc_errors - before.crc_errors,
        )
        return Measured(
            hello=self._device.hello,
            icount_shift=self._connection.icount_shift,
            core_hz=self._connection.board.timer.hz,
            answers=self.answers,
            vectors=self._checked,
            desktop=self._desktop,
            link=link,
        )

    def _record(self, *, complete: bool) -> BenchRecord:
        return assemble(
            self._what.convert,
            self._what.build,
            self._what.samples,
            self._measured(),
            inputs=self._what.inputs,
            complete=complete,
            version=axedge_version(),
            inputs_digest=self._what.digest if complete else "",
        )
