"""Real firmware for tests of the host: the stand-in network of tests/firmware, built for native and emulated boards."""

from functools import cache
from pathlib import Path

import numpy as np
import standin
from bench_folders import convert_record

from axedge.artifacts.records.convert import ErrorRule, Guarantee
from axedge.artifacts.workspace import Workspace
from axedge.firmware.boards import load_board
from axedge.firmware.build import build_firmware
from axedge.host.connection import Connection
from axedge.host.flash import flash


def network(codes):
    """Return answer and logit codes of the stand-in's network."""
    left, right = codes.astype(int).T
    answer = np.stack([left + right, left - right], axis=1).clip(-128, 127)
    return answer.astype(np.int8), left.astype(np.int8)


def exact(x):
    """Return what the stand-in's exact function gives."""
    return np.stack([x[:, 0] + x[:, 1], x[:, 0] - x[:, 1]], axis=1).astype(np.float32)


def inputs(samples, seed=0):
    """Return inputs, a tenth of them outside the domain [-1, 1]."""
    return np.random.default_rng(seed).uniform(-1.05, 1.05, (samples, 2)).astype(np.float32)


class Images:
    """Builds each image when it is first asked for.

    Args:
        root: temporary folder.
    """

    def __init__(self, root: Path, samples: int = 3000) -> None:
        self.root = root
        self.kernel = standin.write_kernel(root / "kernel")
        self.convert_folder = standin.write_pair(root / "convert")
        rule = ErrorRule(metric="absolute", bound=0.1, floor=0.0)
        promise = Guarantee(
            eps=standin.EPS,
            delta=standin.DELTA,
            calibration_count=standin.CALIBRATION_COUNT,
            invoked=30_000,
            violations=0,
            thresholds=1,
            distribution="uniform",
        )
        record = convert_record(
            kernel=standin.NAME,
            model_hash=standin.MODEL_HASH,
            error=rule,
            threshold=standin.THRESHOLD,
            guarantee=promise,
        )
        record.save(self.convert_folder)
        codes = np.random.default_rng(1).integers(-128, 128, (300, 2)).astype(np.int8)
        answer, logit = network(codes)
        np.savez(self.convert_folder / "vectors.npz", inputs=codes, answer=answer, logit=logit)
        x = inputs(samples, 2)
        np.savez(self.convert_folder / "samples.npz", x=x, y=exact(x), seed=2)
        (self.convert_folder / "axnet.tflite").write_bytes(b"none")
        self.image_folder = cache(self._build)

    def _build(self, board: str, optimize: str = "balanced") -> Path:
        folder = self.root / board / optimize
        build_firmware(self.convert_folder, self.kernel, load_board(board), folder, optimize=optimize)
        return folder

    def flashed(self, board: str, root: Path, **connection) -> Connection:
        """Flash the image into an emulated board of its own below `root`; return the way to it."""
        workspace = Workspace(root)
        flash(self.image_folder(board), load_board(board), workspace=workspace)
        return Connection(load_board(board), workspace, **connection)
