"""The fault table: samples through a bad line to the native board, every one answered once and right, or a clear error.

Usage: python benchmarks/faults.py IMAGE [--samples 100000] [--out out/faults.json]
IMAGE is the folder of `axedge build --board native`. Faults are injected by the proxy of tests/host, on a TCP
connection to the running firmware; seeds are fixed, so that a row can be run again. At 1e-2 faults a byte each kind is
run 20 times.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "host"))

from faults import FAULTS
from proxy import FaultyProxy

from axedge.artifacts.errors import AxedgeError
from axedge.artifacts.files import atomic_write
from axedge.artifacts.records.base import axedge_version
from axedge.artifacts.records.build import BuildRecord
from axedge.firmware.boards import load_board
from axedge.host.device import Device, RunResult
from axedge.host.emulator import Emulator
from axedge.host.messages import Mode

RATES = (1e-4, 1e-3, 1e-2)
TRIES_AT_WORST = 20


@dataclass
class Row:
    """One kind of fault at one rate: samples asked for in all runs together, and what became of them."""

    fault: str
    rate: float
    runs: int
    completed: int
    samples: int
    answered: int
    retries: int
    damaged_frames: int
    wrong_results: int
    lost: int
    seconds: float
    errors: list[str]


class Table:
    """Runs the rows against one image."""

    def __init__(self, image_folder: Path, samples: int) -> None:
        self.image = image_folder / "firmware.elf"
        self.board = load_board("native")
        self.samples = samples
        with Emulator(self.board, self.image) as emulator, Device.connect(emulator.open_line) as device:
            rng = np.random.default_rng(1)
            self.x = rng.uniform(-1, 1, (samples, device.hello.inputs)).astype(np.float32)
            self.mode = Mode.BOTH if device.hello.has_exact else Mode.APPROXIMATE
            self.clean = device.run(self.x, self.mode)

    def proxied(self, fault: str, rate: float, runs: int, samples: int) -> Row:
        """Run one kind of fault, injected by the proxy."""
        row = _row(fault, rate, runs)
        for seed in range(runs):
            with (
                Emulator(self.board, self.image) as emulator,
                FaultyProxy(emulator.url, fault, rate, 2 * seed) as proxy,
            ):
                self._run(row, proxy.url, samples, lambda done: None)
        return row

    def event(self, name: str, act: Callable[[Emulator, FaultyProxy], None]) -> Row:
        """Run once, and let something happen every quarter of the way."""
        row = _row(name, 0.0, 1)
        with Emulator(self.board, self.image) as emulator, FaultyProxy(emulator.url, None) as proxy:
            happened: list[float] = []

            def watch(done: float) -> None:
                if done > self.samples * (len(happened) + 1) / 4 and len(happened) < 3:
                    happened.append(done)
                    act(emulator, proxy)

            self._run(row, proxy.url, self.samples, watch)
        return row

    def _run(self, row: Row, url: str, samples: int, watch: Callable[[float], None]) -> None:
        result = RunResult.empty(self.mode, samples, self.clean.records.dtype["exact"].shape[0] if self._both else 1)
        if not self._both:
            result = RunResult(self.mode, np.zeros(samples, self.clean.records.dtype), np.zeros(samples, bool))
        began = time.monotonic()
        try:
            with Device.connect(url) as device:
                counters = device.counters
                with _counted(row, counters):
                    device.run(self.x[:samples], self.mode, into=result, progress=lambda done, _, note="": watch(done))
            row.completed += 1
        except AxedgeError as error:
            row.errors.append(error.message)
        row.seconds += time.monotonic() - began
        self._judge(row, result, samples)

    @property
    def _both(self) -> bool:
        return self.mode == Mode.BOTH

    def _judge(self, row: Row, result: RunResult, samples: int) -> None:
        """Compare with the clean run: every field but the ticks, which a process never repeats."""
        same = np.ones(samples, bool)
        for name in result.records.dtype.names or ():
            if not name.startswith("ticks"):
                left, right = result[name].reshape(samples, -1), self.clean[name][:samples].reshape(samples, -1)
                same &= ((left == right) | ((left != left) & (right != right))).all(axis=1)
        row.samples += samples
        row.answered += int(result.answered.sum())
        row.wrong_results += int((~same & result.answered).sum())
        row.lost += samples - int(result.answered.sum()) if not row.errors else 0


@contextmanager
def _counted(row: Row, counters: object) -> Iterator[None]:
    try:
        yield
    finally:
        row.retries += counters.retries  # type: ignore[attr-defined]
        row.damaged_frames += counters.crc_errors  # type: ignore[attr-defined]


def _row(fault: str, rate: float, runs: int) -> Row:
    return Row(fault, rate, runs, 0, 0, 0, 0, 0, 0, 0, 0.0, [])


def _reset(emulator: Emulator, proxy: FaultyProxy) -> None:
    """Kill the firmware and start it anew: all that it had received is forgotten, the connection is cut."""
    emulator.reset()
    proxy.retarget(emulator.url)
    proxy.unplug()


def _unplug(emulator: Emulator, proxy: FaultyProxy) -> None:
    """Cut the connection; it comes back after a second."""
    proxy.unplug(away_s=1.0)


def _silence(emulator: Emulator, proxy: FaultyProxy) -> None:
    """Let nothing through for three seconds."""
    proxy.mute(True)
    threading.Timer(3.0, proxy.mute, (False,)).start()


def main() -> None:
    """Run the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=Path)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--out", type=Path, default=Path("out/faults.json"))
    chosen = parser.parse_args()
    table, rows = Table(chosen.image, chosen.samples), []

    def add(row: Row) -> None:
        rows.append(row)
        print(
            f"{row.fault:12} {row.rate:7.0e} {row.completed:3}/{row.runs:<3} {row.answered:9,} of {row.samples:9,} "
            f"{row.retries:8,} retries {row.wrong_results} wrong {row.lost} lost {row.seconds:7.1f} s {row.errors[:1]}",
            flush=True,
        )

    for name, act in (("reset", _reset), ("unplug", _unplug), ("silence", _silence)):
        add(table.event(name, act))
    for fault in FAULTS:
        for rate in RATES:
            worst = rate == max(RATES)
            # A twentieth of the samples in each of 20 runs: as many bytes, but 20 chances to fail.
            runs, samples = (TRIES_AT_WORST, chosen.samples // TRIES_AT_WORST) if worst else (1, chosen.samples)
            add(table.proxied(fault, rate, runs, samples))
    build = BuildRecord.load(chosen.image)
    body = {
        "schema": 1,
        "axedge": axedge_version(),
        "kernel": build.kernel,
        "model_hash": build.model_hash,
        "build_id": build.build_id,
        "rows": [asdict(row) for row in rows],
    }
    atomic_write(chosen.out, json.dumps(body, indent=2) + "\n")
    failed = [
        row for row in rows if row.wrong_results or row.lost or (row.rate < max(RATES) and row.completed < row.runs)
    ]
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
