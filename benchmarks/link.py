"""What the link reaches: how much of the line is payload, how much of the time the line is busy, what the host costs.

    python -m benchmarks.link

runs the images that `axedge run inversek2j --board native` (and, where it was run, `--board microbit`) left: without a
limit, and through a pseudo-terminal that passes 115,200 bits a second either way. It prints ratios of one run, and
writes them to out/link.json.
"""

from __future__ import annotations

import contextlib
import json
import os
import pty
import queue
import threading
import time
import tty
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np

from axedge.artifacts.files import atomic_write
from axedge.artifacts.records.base import axedge_version
from axedge.artifacts.workspace import Workspace
from axedge.firmware.boards import load_board
from axedge.host.device import Device
from axedge.host.emulator import Emulator
from axedge.host.frame import MORE, Frame, FrameError
from axedge.host.line import BAUD, BITS_PER_BYTE, Line
from axedge.host.messages import Mode, Type
from axedge.host.timing import Deadlines

SCHEMA = 1
WANTED_PAYLOAD, WANTED_SAMPLES_A_S = 0.85, 20_000
_CHUNK_BYTES = 32
_WRITE_S = 60.0


class RatedTerminal:
    """A pseudo-terminal whose other end is `line`, at so many seconds a byte either way; a context manager."""

    def __init__(self, line: Line, byte_s: float) -> None:
        self._line, self._byte_s = line, byte_s
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.name = os.ttyname(self._slave)
        self._up: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._down: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._take, self._serve, self._give)]
        for thread in self._threads:
            thread.start()

    def _take(self) -> None:
        """Take bytes from the host, one after the other."""
        free_at = 0.0
        with contextlib.suppress(OSError):
            while data := os.read(self._master, _CHUNK_BYTES):
                free_at = self._pass(free_at, data)
                self._up.put(data)

    def _serve(self) -> None:
        """Be the only one who uses the line."""
        while not self._closed.is_set():
            with contextlib.suppress(queue.Empty):
                self._line.write(self._up.get_nowait(), _WRITE_S)
            if data := self._line.read(0.0005):
                self._down.put(data)

    def _give(self) -> None:
        """Give bytes to the host, one after the other."""
        free_at = 0.0
        while not self._closed.is_set():
            with contextlib.suppress(queue.Empty, OSError):
                data = self._down.get(timeout=0.05)
                for start in range(0, len(data), _CHUNK_BYTES):
                    free_at = self._pass(free_at, data[start : start + _CHUNK_BYTES])
                    os.write(self._master, data[start : start + _CHUNK_BYTES])

    def _pass(self, free_at: float, data: bytes) -> float:
        """Wait for as long as `data` is on the line, which is free from `free_at` on; return when it is free again."""
        ends = max(free_at, time.monotonic()) + len(data) * self._byte_s
        time.sleep(max(ends - time.monotonic(), 0.0))
        return ends

    def __enter__(self) -> RatedTerminal:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        os.close(self._slave)
        for thread in self._threads[1:]:
            thread.join(2.0)
        os.close(self._master)
        self._line.close()


@dataclass(frozen=True)
class Reached:
    """One run.

    Attributes:
        line: "unlimited", or bits a second.
        payload_share: payload of all bytes on the line, both ways.
        frames_in_flight: largest window, in frames.
        window_share: largest window, in bytes, of the board's credit.
        host_cpu_us: the host's processor time for a sample.
        samples_a_s: by the clock.
        line_busy: share of the time in which a byte was on the line, one way or the other; 0 where it has no rate.
    """

    board: str
    line: str
    samples: int
    payload_share: float
    frames_in_flight: int
    window_share: float
    host_cpu_us: float
    samples_a_s: float
    line_busy: float


class _Windows:
    """A trace that measures windows."""

    def __init__(self) -> None:
        self.frames = self.bytes = 0
        self._frames = self._bytes = 0

    def __call__(self, direction: str, frame: Frame | FrameError) -> None:
        if direction == ">" and isinstance(frame, Frame) and frame.type & ~MORE == Type.RUN:
            self._frames, self._bytes = self._frames + 1, self._bytes + len(frame.payload)
            if not frame.type & MORE:
                self.frames, self.bytes = max(self.frames, self._frames), max(self.bytes, self._bytes)
                self._frames = self._bytes = 0


def measure(board: str, image: Path, samples: int, byte_s: float = 0.0, deadlines: Deadlines | None = None) -> Reached:
    """Run `samples` in mode gated on an emulated board.

    Args:
        board: name.
        image: what is on it.
        samples: how many.
        byte_s: seconds that a byte takes on the line, either way; 0 for a line without a limit.
        deadlines: the link's waits. A wait that ends on a slow computer costs a request sent again and smaller windows.
    """
    windows = _Windows()
    with contextlib.ExitStack() as stack:
        emulator = stack.enter_context(Emulator(load_board(board), image))
        port = emulator.open_line
        if byte_s:
            port = stack.enter_context(RatedTerminal(emulator.open_line(), byte_s)).name
        device = stack.enter_context(Device.connect(port, trace=windows, deadlines=deadlines))
        x = np.random.default_rng(0).uniform(-1, 1, (samples, device.hello.inputs)).astype(np.float32)
        bytes_before = device.counters.line_bytes
        cpu, began = time.thread_time(), time.monotonic()
        device.run(x, Mode.GATED, overall_s=600)
        seconds, cpu = time.monotonic() - began, time.thread_time() - cpu
        line_bytes = device.counters.line_bytes - bytes_before
        return Reached(
            board=board,
            line=f"{BITS_PER_BYTE / byte_s:,.0f} bit/s" if byte_s else "unlimited",
            samples=samples,
            payload_share=device.counters.payload_bytes / line_bytes,
            frames_in_flight=windows.frames,
            window_share=windows.bytes / device.hello.credit,
            host_cpu_us=cpu / samples * 1e6,
            samples_a_s=samples / seconds,
            line_busy=line_bytes * byte_s / seconds,
        )


@click.command(help=__doc__)
@click.option("--kernel", default="inversek2j", show_default=True)
@click.option("--out", default="out", type=click.Path(path_type=Path), show_default=True)
def main(kernel: str, out: Path) -> None:
    """Measure, print, write."""
    byte_s, found = BITS_PER_BYTE / BAUD, []
    for board, fast, slow in (("native", 200_000, 5_000), ("microbit", 5_000, 3_000)):
        image = Workspace(out).image(kernel, board) / "firmware.elf"
        if image.is_file():
            found += [measure(board, image, fast), measure(board, image, slow, byte_s)]
    if not found:
        raise click.ClickException(f"no image of {kernel} in {out}: run `axedge run {kernel} --board native` first.")
    for row in found:
        busy = f", the line busy {row.line_busy:.0%} of the time" if row.line_busy else ""
        click.echo(
            f"{row.board}, {row.line}: {row.payload_share:.1%} payload ({row.payload_share / WANTED_PAYLOAD:.2f} of "
            f"what is wanted), up to {row.frames_in_flight} frames in flight ({row.window_share:.0%} of the credit), "
            f"{row.samples_a_s:,.0f} samples/s{busy}; host {row.host_cpu_us:.1f} us a sample, "
            f"{1e6 / row.host_cpu_us / WANTED_SAMPLES_A_S:.1f} times the speed wanted."
        )
    body = {"schema": SCHEMA, "axedge": axedge_version(), "kernel": kernel, "rows": [asdict(row) for row in found]}
    atomic_write(out / "link.json", json.dumps(body, indent=2) + "\n")


if __name__ == "__main__":
    main()
