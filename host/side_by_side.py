"""Two engines on one board: flash and bench one image after the other, and compare all their answers bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from axedge.artifacts.errors import ArtifactError, CheckFailed
from axedge.artifacts.files import digest
from axedge.artifacts.progress import Progress, silent
from axedge.artifacts.records.base import axedge_version
from axedge.artifacts.records.bench import BenchRecord
from axedge.artifacts.records.build import BuildRecord
from axedge.artifacts.records.side_by_side import Agreement, Ratio, SideBySideRecord
from axedge.host.bench import bench
from axedge.host.connection import Connection
from axedge.host.messages import Path as Way
from axedge.host.partial import Answers
from axedge.host.samples import Samples

ENGINES = ("aot", "tflm")


def side_by_side(
    convert_folder: Path,
    image_folders: Mapping[str, Path],
    folder: Path,
    *,
    connection: Connection,
    put: Callable[[Path], object],
    samples: int | None = None,
    seed: int | None = None,
    own: Samples | None = None,
    progress: Progress = silent,
) -> SideBySideRecord:
    """Bench both engines' images on one board; write both.json into `folder` and return it.

    Args:
        convert_folder: folder of `axedge convert`.
        image_folders: by engine, folders of `axedge build`; each gets its own bench.json.
        folder: where to.
        connection: the way to the board.
        put: flashes the image of a folder onto it.
        samples: see `bench.plan`.
        seed: see `bench.plan`.
        own: see `bench.plan`.
        progress: told samples of both.

    Raises:
        CheckFailed: an engine's bits differ from the stored vectors', or the two engines' from each other's.
        ArtifactError: an image is missing, or the two are of different models.
        DeviceError, UsageError: as `bench`.
    """
    builds = {engine: _build_of(image_folders[engine], engine) for engine in ENGINES}
    if builds["aot"].model_hash != builds["tflm"].model_hash:
        raise ArtifactError("the two engines' images are of different models.", "Run `axedge build` again for both.")
    records: dict[str, BenchRecord] = {}
    answers: dict[str, Answers] = {}
    for index, engine in enumerate(ENGINES):
        put(image_folders[engine])
        records[engine] = bench(
            convert_folder,
            image_folders[engine],
            connection=connection,
            samples=samples,
            seed=seed,
            own=own,
            progress=_share(progress, index, engine),
            hand_over=lambda given, engine=engine: answers.update({engine: given}),
        )
    differing = differing_samples(answers["aot"], answers["tflm"])
    if differing.size:
        raise CheckFailed(
            f"aot and tflm answer differently to {differing.size} of {len(answers['aot'].done)} samples; the first is "
            f"number {int(differing[0])}.",
            "Both must give TFLM's bits: build both again with the same compiler.",
        )
    record = SideBySideRecord(
        axedge=axedge_version(),
        inputs_digest=digest(*(records[engine].inputs_digest for engine in ENGINES)),
        kernel=builds["aot"].kernel,
        board=builds["aot"].board,
        activations=builds["aot"].activations,
        model_hash=builds["aot"].model_hash,
        agreement=Agreement(
            vectors=min(record.vectors.count for record in records.values()),
            samples=len(answers["aot"].done),
            differing=0,
        ),
        ratio=_ratio(records["aot"], records["tflm"]),
        tflm=builds["tflm"].tflm,
        aot_bench=records["aot"],
        tflm_bench=records["tflm"],
    )
    record.save(folder)
    return record


def _build_of(folder: Path, engine: str) -> BuildRecord:
    try:
        return BuildRecord.load(folder)
    except ArtifactError as error:
        named = "--engine aot" if engine == "aot" else "--engine tflm --tflm DIR"
        raise ArtifactError(error.message, f"Run `axedge build {named}` first.") from None


def differing_samples(one: Answers, other: Answers) -> np.ndarray:
    """Return the numbers of the samples to which two engines gave other paths or outputs, bit for bit.

    The exact function's outputs count too: both images hold the same code of it.
    """
    differs = np.zeros(len(one.done), bool)
    for a, b in ((one.network, other.network), (one.gated, other.gated)):
        for name in a.records.dtype.names or ():
            if name.startswith("ticks"):
                continue
            mine, theirs = (np.ascontiguousarray(result[name]) for result in (a, b))
            unequal = mine.view(np.uint8).reshape(len(mine), -1) != theirs.view(np.uint8).reshape(len(mine), -1)
            # What a call left alone holds no answer.
            asked = np.ones(len(mine), bool) if name != "approximate" else a["path"] != Way.OUT_OF_DOMAIN
            differs |= unequal.any(axis=1) & asked
    return np.flatnonzero(differs)


def _ratio(aot: BenchRecord, tflm: BenchRecord) -> Ratio:
    calls = (aot.ticks.approximate, tflm.ticks.approximate)
    approximate = calls[1].mean / calls[0].mean if calls[0] and calls[1] and calls[0].mean > 0 else None
    gated = tflm.ticks.gated.mean / aot.ticks.gated.mean if aot.ticks.gated.mean > 0 else None
    sizes = (aot.footprint.engine_flash_bytes, tflm.footprint.engine_flash_bytes)
    return Ratio(approximate=approximate, gated=gated, flash=sizes[1] / sizes[0] if sizes[0] > 0 else None)


def _share(progress: Progress, index: int, engine: str) -> Progress:
    def told(done: float, total: float, note: str = "") -> None:
        progress(done + index * total, len(ENGINES) * total, f"{engine} {note}".rstrip())

    return told
