"""A small part of `make bench-link` and `make bench-faults`, judged by counts."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "firmware"))
sys.path.insert(0, str(Path(__file__).parents[1] / "host"))

from real_boards import Images

from axedge.host.timing import Deadlines
from benchmarks.faults import Row, Table
from benchmarks.faults_page import page
from benchmarks.link import measure

pytestmark = pytest.mark.cc

# Waits so long that none of them ends, however busy this computer is: what is judged are counts.
PATIENT = Deadlines(connect_s=60, idle_s=180, noisy_s=180, first_s=60, floor_s=60, frame_s=60)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    """The stand-in's firmware, built when it is asked for."""
    return Images(tmp_path_factory.mktemp("images"))


@pytest.mark.parametrize("byte_s", [0.0, 10 / 1_152_000])
def test_the_line_carries_payload_in_windows_of_several_frames(images: Images, byte_s: float) -> None:
    image, samples = images.image_folder("native") / "firmware.elf", 20_000 if not byte_s else 3000
    reached = measure("native", image, samples, byte_s, PATIENT)
    assert reached.payload_share > 0.85
    assert reached.frames_in_flight > 1
    assert 0.2 < reached.window_share <= 1.0
    assert (reached.line_busy > 0) == (byte_s > 0)


def test_the_fault_table_is_measured_and_written(images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.faults.RATES", (1e-3,))
    monkeypatch.setattr("benchmarks.faults.FAULTS", {"flip": None, "half": None})
    image, other = (images.image_folder("native", how) / "firmware.elf" for how in ("balanced", "size"))
    rows = Table(image, other, 20_000).rows(8, lambda row: None)
    assert [(row.fault, row.holds, row.events) for row in rows if not row.rate] == [
        ("reset, same image", True, 3),
        ("reset, other image", True, 1),
        ("unplugged for 1 s", True, 3),
        ("silent for 3 s", True, 3),
        ("never silent", True, 3),
    ]
    assert all(row.holds and row.retries > 0 for row in rows if row.rate)
    partial = next(row for row in rows if row.fault == "reset, other image")
    assert 0 < partial.answered < partial.samples and "another image" in partial.errors[0]
    text = page({"kernel": "standin", "rows": [asdict(row) for row in rows]})
    assert "| flip | 1e-3 | 1 of 1 | 20,000 | 20,000 |" in text and "another image: build" in text


@pytest.mark.parametrize(
    "bad", [{"wrong_results": 1}, {"lost": 1}, {"completed": 0, "errors": ["silence"]}, {"rate": 0.0, "events": 0}]
)
def test_a_row_that_does_not_hold_is_told(bad: dict) -> None:
    good = {
        "fault": "flip",
        "rate": 1e-3,
        "must_complete": True,
        "runs": 1,
        "completed": 1,
        "samples": 9,
        "answered": 9,
    }
    assert Row(**good).holds
    assert not Row(**good | bad).holds
