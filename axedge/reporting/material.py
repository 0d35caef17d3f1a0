"""Everything that a report is made of, read from the stages' folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from axedge.artifacts.errors import ArtifactError
from axedge.artifacts.kept import Calls, Judged
from axedge.artifacts.records.alternatives import AlternativesRecord
from axedge.artifacts.records.bench import BenchRecord
from axedge.artifacts.records.build import BuildRecord
from axedge.artifacts.records.convert import ConvertRecord, Gate
from axedge.artifacts.records.train import TrainRecord
from axedge.artifacts.workspace import Workspace


@dataclass(frozen=True)
class Material:
    """One network on one board.

    Attributes:
        convert: convert.json.
        build: build.json.
        bench: bench.json, complete.
        judged: test samples, one by one.
        calls: the bench's calls, one by one.
        train: train.json; None on a machine that has only what a bench needs.
        alternatives: alternatives.json, if it belongs to this bench.
        others: complete benches of the kernel on other boards, engines and activation widths.
    """

    convert: ConvertRecord
    build: BuildRecord
    bench: BenchRecord
    judged: Judged
    calls: Calls
    train: TrainRecord | None
    alternatives: AlternativesRecord | None
    others: tuple[BenchRecord, ...]

    @classmethod
    def read(cls, workspace: Workspace, kernel: str, image_folder: Path) -> Material:
        """Read what `axedge bench` left for one image.

        Raises:
            ArtifactError: something is missing or damaged, the bench is partial, or the files are of two models.
        """
        convert_folder = workspace.convert(kernel)
        convert, bench = ConvertRecord.load(convert_folder), BenchRecord.load(image_folder)
        if not bench.complete:
            raise ArtifactError(f"the bench in {image_folder} is partial.", "Finish it: `axedge bench --resume`.")
        if bench.model_hash != convert.model_hash:
            raise ArtifactError(
                f"the bench in {image_folder} is of model {bench.model_hash}, not {convert.model_hash}.",
                "Run `axedge run` again.",
            )
        if not _same_gate(bench, convert):
            raise ArtifactError(
                f"the bench in {image_folder} is of another gate or promise than convert.json.",
                "Run `axedge run` again.",
            )
        weighed = AlternativesRecord.load_if_present(image_folder)
        trained = TrainRecord.load_if_present(workspace.train(kernel))
        return cls(
            convert=convert,
            build=BuildRecord.load(image_folder),
            bench=bench,
            judged=Judged.load(convert_folder, convert.model_hash),
            calls=Calls.load(image_folder, bench.inputs_digest),
            train=trained if trained is not None and trained.inputs_digest == convert.train_digest else None,
            alternatives=weighed if weighed is not None and weighed.bench_digest == bench.inputs_digest else None,
            others=_others(workspace.root / kernel, image_folder),
        )


def _same_gate(bench: BenchRecord, convert: ConvertRecord) -> bool:
    """Whether the gate that was measured is the one that the conversion promises for."""
    was = bench.guarantee
    if was is None:  # and then it does not know the threshold either
        return convert.guarantee is None
    return convert.gate == Gate(was.threshold, was.eps, was.delta, was.calibration_count)


def _others(folder: Path, image_folder: Path) -> tuple[BenchRecord, ...]:
    found = []
    for path in sorted(folder.glob(f"*/*/{BenchRecord.FILE}")):
        record = BenchRecord.load_if_present(path.parent)
        if record is not None and record.complete and path.parent.resolve() != image_folder.resolve():
            found.append(record)
    return tuple(found)
