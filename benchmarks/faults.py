"""The fault table: samples through a bad line to the native board, every one answered once and right, or a clear error.

    python -m benchmarks.faults [--samples 100000] [--jobs 16]

takes the native image of `axedge run inversek2j --board native`, writes out/faults.json and docs/faults.md, and fails
if a result was wrong or lost, or if a run that must complete did not. Faults are injected by the proxy of tests/host on
a TCP connection to the running firmware; seeds are fixed, so that a row can be run again. At 1e-2 faults a byte the
samples go in 20 runs, each with its own seed. Nearly all of it is waiting, hence the jobs.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

import click
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "host"))

from faults import FAULTS
from proxy import FaultyProxy

from axedge.artifacts.errors import AxedgeError
from axedge.artifacts.files import atomic_write
from axedge.artifacts.records.base import axedge_version
from axedge.artifacts.records.build import BuildRecord
from axedge.artifacts.workspace import Workspace
from axedge.firmware.boards import load_board
from axedge.firmware.build import build_firmware
from axedge.host.device import Device, RunResult
from axedge.host.emulator import Emulator
from axedge.host.messages import Mode
from axedge.kernels.kernel import load_kernel
from benchmarks.faults_page import page

SCHEMA = 1
RATES = (1e-4, 1e-3, 1e-2)
WORST = max(RATES)
RUNS_AT_WORST = 20
PAGE = Path(__file__).parents[1] / "docs" / "faults.md"
EVENTS_A_RUN = 3


@dataclass
class Row:
    """One kind of fault at one rate: samples asked for in all runs together, and what became of them.

    Attributes:
        rate: faults a byte on the line; 0 for an event that happens to the run.
        must_complete: whether a run may not end with an error.
        events: how often something happened to the runs.
        wrong_results: answered samples that differ from the clean run in anything but the ticks.
        lost: samples without an answer in runs that ended without an error.
    """

    fault: str
    rate: float
    must_complete: bool
    events: int = 0
    runs: int = 0
    completed: int = 0
    samples: int = 0
    answered: int = 0
    retries: int = 0
    damaged_frames: int = 0
    wrong_results: int = 0
    lost: int = 0
    seconds: float = 0.0
    errors: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether something did happen, nothing was wrong or lost, and every run ended as it must."""
        ended = self.completed == self.runs or not self.must_complete
        return ended and (self.rate > 0 or self.events > 0) and self.wrong_results == 0 and self.lost == 0


class Desk(ExitStack):
    """A board that is powered on, behind a faulty line; a context manager."""

    def __init__(self, image: Path, fault: str | None, rate: float, seed: int) -> None:
        super().__init__()
        self._board = load_board("native")
        emulator = self.enter_context(Emulator(self._board, image))
        self.line = self.enter_context(FaultyProxy(emulator.url, fault, rate, seed))

    def reset(self, image: Path) -> None:
        """Let a reset into `image` cut the next reply: what the board had received is gone, the line stays open."""
        fresh = self.enter_context(Emulator(self._board, image))

        def swap() -> None:
            self.line.detach()
            self.line.attach(fresh.url)

        self.line.at_next_reply(swap)

    def unplug(self, seconds: float) -> None:
        """Close the port in the middle of the next reply, for so long."""
        self.line.at_next_reply(lambda: self.line.unplug(seconds))

    def silence(self, seconds: float) -> None:
        """Let nothing through, either way, for so long from the next reply on."""

        def begin() -> None:
            self.line.mute(True)
            threading.Timer(seconds, self.line.mute, (False,)).start()

        self.line.at_next_reply(begin)


Event = Callable[[Desk], None]


class Table:
    """Runs the rows against one image.

    Args:
        image: of the native board.
        other: another image of the same kernel.
        samples: in each row.
    """

    def __init__(self, image: Path, other: Path, samples: int) -> None:
        self._image, self._other = image, other
        with Emulator(load_board("native"), image) as emulator, Device.connect(emulator.open_line) as device:
            self._x = np.random.default_rng(1).uniform(-1, 1, (samples, device.hello.inputs)).astype(np.float32)
            self._mode = Mode.BOTH if device.hello.has_exact else Mode.APPROXIMATE
            self._outputs = device.hello.outputs
            self._clean = device.run(self._x, self._mode)
        self._lock = threading.Lock()

    def rows(self, jobs: int, say: Callable[[Row], None]) -> list[Row]:
        """Run everything, `jobs` runs at a time; `say` is told each row when it is done."""
        with ThreadPoolExecutor(jobs) as pool:
            work = [self._submit(pool, row, tries) for row, tries in self._plan()]
            done = []
            for row, futures in work:
                for future in futures:
                    future.result()
                say(row)
                done.append(row)
        return done

    def _plan(self) -> list[tuple[Row, list[Callable[[Row], None]]]]:
        plan: list[tuple[Row, list[Callable[[Row], None]]]] = []
        for name, (event, must_complete) in self._events().items():
            plan.append((Row(name, 0.0, must_complete), [self._try(None, 0.0, 0, len(self._x), event)]))
        for rate in sorted(RATES, reverse=True):  # the longest first
            runs = RUNS_AT_WORST if rate == WORST else 1
            for fault in FAULTS:
                tries = [self._try(fault, rate, 2 * seed, len(self._x) // runs) for seed in range(runs)]
                plan.append((Row(fault, rate, must_complete=rate < WORST), tries))
        return plan

    def _submit(
        self, pool: ThreadPoolExecutor, row: Row, tries: list[Callable[[Row], None]]
    ) -> tuple[Row, list[Future[None]]]:
        return row, [pool.submit(one, row) for one in tries]

    def _try(
        self, fault: str | None, rate: float, seed: int, samples: int, event: Event | None = None
    ) -> Callable[[Row], None]:
        """Return one run; `event` happens three times in it, a quarter of the way apart, in the middle of a reply."""

        def run(row: Row) -> None:
            with Desk(self._image, fault, rate, seed) as desk:
                happened: list[float] = []

                def watch(done: float, _: float, note: str = "") -> None:
                    if event and len(happened) < EVENTS_A_RUN and done > samples * (len(happened) + 1) / 4:
                        happened.append(done)
                        event(desk)

                self._run(row, desk.line.url, samples, watch)
                row.events += len(happened)

        return run

    def _run(self, row: Row, url: str, samples: int, watch: Callable[..., None]) -> None:
        result, began = RunResult.empty(self._mode, samples, self._outputs), time.monotonic()
        error, retries, damaged = "", 0, 0
        try:
            with Device.connect(url) as device:
                try:
                    device.run(self._x[:samples], self._mode, into=result, progress=watch)
                finally:
                    retries, damaged = device.counters.retries, device.counters.crc_errors
        except AxedgeError as caught:
            error = caught.message
        answered = int(result.answered.sum())
        with self._lock:
            row.runs += 1
            row.completed += not error
            row.errors += [error] if error else []
            row.seconds += time.monotonic() - began
            row.retries += retries
            row.damaged_frames += damaged
            row.samples += samples
            row.answered += answered
            row.wrong_results += int((~self._same(result) & result.answered).sum())
            row.lost += 0 if error else samples - answered

    def _same(self, result: RunResult) -> np.ndarray:
        """Return which samples equal the clean run in all but the ticks, which a process never repeats."""
        count = len(result.records)
        same = np.ones(count, bool)
        for name in result.records.dtype.names or ():
            if not name.startswith("ticks"):
                left, right = result[name].reshape(count, -1), self._clean[name][:count].reshape(count, -1)
                same &= ((left == right) | (np.isnan(left) & np.isnan(right))).all(axis=1)
        return same

    def _events(self) -> dict[str, tuple[Event, bool]]:
        """Return what can happen to a run, by name, and whether it must complete all the same."""
        return {
            "reset, same image": (lambda desk: desk.reset(self._image), True),
            "reset, other image": (lambda desk: desk.reset(self._other), False),
            "unplugged for 1 s": (lambda desk: desk.unplug(1.0), True),
            "silent for 3 s": (lambda desk: desk.silence(3.0), True),
            "never silent": (lambda desk: desk.line.babble(), True),
        }


def _say(row: Row) -> None:
    click.echo(
        f"{row.fault:20} {row.rate:5.0e} {row.completed:3}/{row.runs:<3}{row.answered:9,} of {row.samples:9,} "
        f"{row.retries:8,} retries {row.wrong_results} wrong {row.lost} lost {row.seconds:7.1f} s"
        f"{'; '.join(['', *row.errors[:1]])}"
    )


@click.command(help=__doc__)
@click.option("--kernel", default="inversek2j", show_default=True)
@click.option("--samples", default=100_000, show_default=True)
@click.option("--jobs", default=16, show_default=True, help="Runs at a time.")
@click.option("--out", default="out", type=click.Path(path_type=Path), show_default=True)
def main(kernel: str, samples: int, jobs: int, out: Path) -> None:
    """Run the table and write it."""
    workspace = Workspace(out)
    folder = workspace.image(kernel, "native")
    build = BuildRecord.load(folder)
    with tempfile.TemporaryDirectory() as scratch:
        other = Path(scratch)
        build_firmware(workspace.convert(kernel), load_kernel(kernel), load_board("native"), other, optimize="size")
        rows = Table(folder / "firmware.elf", other / "firmware.elf", samples).rows(jobs, _say)
    body = {
        "schema": SCHEMA,
        "axedge": axedge_version(),
        "kernel": build.kernel,
        "model_hash": build.model_hash,
        "build_id": build.build_id,
        "jobs": jobs,
        "rows": [asdict(row) for row in rows],
    }
    atomic_write(out / "faults.json", json.dumps(body, indent=2) + "\n")
    atomic_write(PAGE, page(body))
    sys.exit(0 if all(row.holds for row in rows) else 1)


if __name__ == "__main__":
    main()
