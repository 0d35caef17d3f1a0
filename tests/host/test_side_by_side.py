"""Two engines on one board, played by two fake boards: agreement, its absence, and what is said of it."""

import io
from dataclasses import replace

import numpy as np
import pytest
from bench_folders import build_record, fake_connection, write_folders
from fake_board import BUILD_ID, HELLO, FakeBoard
from rich.console import Console

import axedge.host.bench as bench_module
from axedge.artifacts.errors import ArtifactError, CheckFailed, ToolMissing
from axedge.artifacts.records.build import TflmFigures
from axedge.artifacts.records.side_by_side import SideBySideRecord
from axedge.host.partial import Answers
from axedge.host.side_by_side import differing_samples, side_by_side
from axedge.host.side_by_side_table import side_by_side_table, side_by_side_words

pytestmark = pytest.mark.host

ARENA = TflmFigures(kernels="cmsis-nn", arena_bytes=2000, arena_needed_bytes=1936, arena_is="measured", stack_bytes=600)


@pytest.fixture(autouse=True)
def no_desktop(monkeypatch):
    def missing(tflite, codes):
        raise ToolMissing("no interpreter here")

    monkeypatch.setattr(bench_module, "run_desktop", missing)


class Bench:
    """A board onto which either engine's image can be put; each is a fake board of its own."""

    def __init__(self, root):
        self.convert, aot = write_folders(root)
        self.images = {"aot": aot, "tflm": root / "tflm"}
        self.fakes = {"aot": FakeBoard(), "tflm": FakeBoard(replace(HELLO, build_id=BUILD_ID + 1))}
        footprint = build_record().footprint.model_copy(update={"engine_flash_bytes": 36000})
        image = build_record(engine="tflm", build_id=f"{BUILD_ID + 1:016x}", footprint=footprint, tflm=ARENA)
        image.save(self.images["tflm"])
        self.connection = fake_connection(root, self.fakes["aot"])
        self.put = []

    def run(self, **options):
        def put(folder):
            self.put.append(folder)
            engine = next(name for name, path in self.images.items() if path == folder)
            object.__setattr__(self.connection, "fake", self.fakes[engine])

        folder = self.convert.parent / "both"
        return side_by_side(
            self.convert, self.images, folder, connection=self.connection, put=put, samples=200, **options
        )


@pytest.fixture
def both(tmp_path):
    return Bench(tmp_path)


def test_each_image_is_put_and_benched_and_the_record_says_that_they_agree(both):
    seen = []
    record = both.run(progress=lambda done, total, note="": seen.append((done / total, note)))
    assert both.put == [both.images["aot"], both.images["tflm"]]
    assert record.agreement.model_dump() == {"vectors": 64, "samples": 200, "differing": 0}
    assert (record.aot_bench.engine, record.tflm_bench.engine) == ("aot", "tflm")
    assert record.ratio.approximate == record.ratio.gated == 1
    assert record.ratio.flash == 30
    assert SideBySideRecord.load(both.convert.parent / "both") == record
    assert all((both.images[engine] / "bench.json").is_file() for engine in ("aot", "tflm"))
    assert seen[-1] == (1.0, seen[-1][1]) and "tflm" in seen[-1][1]
    assert all(a[0] <= b[0] for a, b in zip(seen, seen[1:], strict=False))


def test_the_table_fits_a_terminal(both):
    record = both.run()
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(side_by_side_table(record))
    text = console.export_text()
    assert "tflm, cmsis-nn" in text and "30.00" in text and "36,000" in text
    assert max(map(len, text.splitlines())) <= 80
    assert "200 samples" in side_by_side_words(record)[0]
    assert "2,000 B, of which 1,936 needed (measured)" in side_by_side_words(record)[1]


def test_an_engine_with_other_bits_is_refused_before_anything_is_timed(both):
    both.fakes["tflm"].wrong_vector = 3
    with pytest.raises(CheckFailed, match="differ in 1 of 64 stored vectors"):
        both.run()
    assert not (both.convert.parent / "both" / "both.json").exists()


def test_an_image_that_is_missing_or_of_another_model_is_named(both):
    build_record(model_hash="f" * 16).save(both.images["tflm"])
    with pytest.raises(ArtifactError, match="different models"):
        both.run()
    (both.images["tflm"] / "build.json").unlink()
    with pytest.raises(ArtifactError) as caught:
        both.run()
    assert "axedge build --engine tflm --tflm DIR" in caught.value.hint
    assert both.put == []


@pytest.mark.parametrize("field", ["path", "approximate", "exact", "gated"])
def test_one_bit_in_one_answer_counts(field):
    one, other = Answers.empty(5, 2, has_exact=True), Answers.empty(5, 2, has_exact=True)
    one.network.records["approximate"][1] = other.network.records["approximate"][1] = np.nan
    one.network.records["ticks_exact"][2] = 77
    assert differing_samples(one, other).size == 0
    if field == "gated":
        other.gated.records["outputs"][3, 1] = -0.0
    elif field == "path":
        other.network.records["path"][3] = 1
    else:
        other.network.records[field][3, 1] = -0.0
    assert differing_samples(one, other).tolist() == [3]


def test_what_a_call_off_the_domain_left_alone_is_no_answer():
    one, other = Answers.empty(2, 1, has_exact=True), Answers.empty(2, 1, has_exact=True)
    for answers in (one, other):
        answers.network.records["path"][0] = 2
    other.network.records["approximate"][0] = 5
    assert differing_samples(one, other).size == 0
