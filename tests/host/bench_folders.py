"""Folders as `axedge convert` and `axedge build` leave them, for the network that the fake board computes."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from fake_board import BUILD_ID, MODEL_HASH, Clock, FakeBoard, VirtualLine, answers, codes_answer

from axedge.artifacts.records.build import BuildRecord, Footprint
from axedge.artifacts.records.convert import (
    ConvertRecord,
    ErrorRule,
    Figures,
    Guarantee,
    InputRule,
    OutputRule,
    TflmCheck,
)
from axedge.artifacts.workspace import Workspace
from axedge.firmware.boards import load_board
from axedge.host.connection import Connection
from axedge.host.device import Device
from axedge.host.link import Link

FIGURES = Figures(
    true_invocation=0.7, invocation=0.6, precision=0.95, useful_invocation=0.57, inv95=0.6, inv99=0.4, median_error=0.01
)
EPS, DELTA = 0.0625, 0.125


def convert_record(**changes):
    fields = {
        "axedge": "0",
        "inputs_digest": "0",
        "kernel": "inversek2j",
        "kernel_digest": "0",
        "has_exact": True,
        "train_digest": "0",
        "candidate": "axnet.keras",
        "seed": 3,
        "model_hash": f"{MODEL_HASH:016x}",
        "activations": "int8",
        "error": ErrorRule(metric="relative", bound=0.1, floor=1e-3),
        "inputs": [InputRule(name=n, unit="m", minimum=-10, maximum=10, factor=1, bias=0, shift=0) for n in "xy"],
        "outputs": [OutputRule(name=n, unit="rad", factor=1, bias=0, shift=0) for n in "ab"],
        "threshold": 12,
        "guarantee": Guarantee(
            eps=EPS,
            delta=DELTA,
            calibration_count=1000,
            invoked=600,
            violations=9,
            thresholds=20,
            distribution="uniform",
        ),
        "notes": [],
        "test_count": 10,
        "float_figures": FIGURES,
        "figures": FIGURES,
        "parameters": 60,
        "tflite_bytes": 3,
        "arena_bytes": None,
        "operators": ["FULLY_CONNECTED"],
        "vectors": 64,
        "samples": 2000,
        "tflm": TflmCheck(result="not done here", count=0, version=None),
        "desktop": None,
        "versions": {},
    }
    return ConvertRecord(**(fields | changes))


def build_record(**changes):
    fields = {
        "axedge": "0",
        "inputs_digest": "0",
        "kernel": "inversek2j",
        "board": "fake",
        "engine": "aot",
        "activations": "int8",
        "optimize": "speed",
        "model_hash": f"{MODEL_HASH:016x}",
        "build_id": f"{BUILD_ID:016x}",
        "footprint": Footprint(
            flash_bytes=9000,
            ram_bytes=1500,
            stack_bytes=2048,
            stack_is="reserved",
            engine_flash_bytes=1200,
            engine_ram_bytes=40,
        ),
        "frame_max": 256,
        "credit": 1024,
        "compiler": "cc",
        "flags": [],
        "images": ["firmware.elf", "firmware.hex"],
    }
    return BuildRecord(**(fields | changes))


def write_folders(root: Path, *, samples: int = 2000, vectors: int = 64, **convert_changes) -> tuple[Path, Path]:
    """Write and return the convert folder and the image folder."""
    convert_folder, image_folder = root / "convert", root / "image"
    convert_record(**convert_changes).save(convert_folder)
    build_record().save(image_folder)
    for kind in ("elf", "hex", "bin"):
        (image_folder / f"firmware.{kind}").write_bytes(b"image")
    (convert_folder / "axnet.tflite").write_bytes(b"net")
    rng = np.random.default_rng(5)
    codes = np.stack([np.arange(vectors) - 20, rng.integers(-128, 128, vectors)], axis=1).astype(np.int8)
    answer, logit = codes_answer(codes)
    np.savez(convert_folder / "vectors.npz", inputs=codes, answer=answer, logit=logit)
    x = rng.uniform(-1, 2, (samples, 2)).astype(np.float32)
    np.savez(convert_folder / "samples.npz", x=x, y=answers(x)[2], seed=np.int64(77))
    return convert_folder, image_folder


@dataclass(frozen=True)
class FakeConnection(Connection):
    """A connection to a fake board on a virtual line."""

    fake: FakeBoard = field(default_factory=FakeBoard)
    clock: Clock = field(default_factory=Clock)
    line: dict = field(default_factory=dict)

    @contextmanager
    def open(self, build_id=None):
        link = Link(
            lambda: VirtualLine(self.fake, self.clock, **self.line),
            clock=self.clock,
            sleep=self.clock.sleep,
            trace=self.trace,
        )
        with Device(link, build_id=None if build_id is None else int(build_id, 16)) as device:
            yield device


def fake_connection(root: Path, fake: FakeBoard | None = None, *, emulated: bool = False, **line) -> FakeConnection:
    """Return a connection; `emulated`: as if QEMU played a micro:bit."""
    port = None if emulated else "/dev/fake"
    return FakeConnection(load_board("microbit"), Workspace(root), port, fake=fake or FakeBoard(), line=line)
