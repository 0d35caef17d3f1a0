"""Powering boards on for these tests: the native process, QEMU with counted instructions, our programs."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from client import Client

from axedge.firmware.boards import Board, QemuEmulator
from axedge.host.emulator import Emulator

DEADLINE_S = 20.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def process(elf: Path) -> Iterator[tuple[Client, subprocess.Popen]]:
    """Run a native image; yield a client and the process."""
    with subprocess.Popen([elf.resolve()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            words = running.stdout.readline().split()
            assert words[:1] == ["port"], running.stderr.read()
            client = Client(int(words[1]))
            yield client, running
            client.close()
        finally:
            running.kill()


def qemu_command(board: Board, elf: Path, port: int, icount: bool) -> list[str]:
    count = ["-icount", f"shift={board.emulator.icount_shift}"] if icount else []
    other = ["-serial", "null"] * board.emulator.serial_index
    return [
        *(board.emulator.program, "-M", board.emulator.machine, "-kernel", str(elf)),
        *("-display", "none", "-monitor", "none", "-nodefaults"),
        *("-chardev", f"socket,id=u0,host=127.0.0.1,port={port},server=on,wait=on"),
        *(*other, "-serial", "chardev:u0", *count),
    ]


@contextmanager
def emulated(board: Board, elf: Path) -> Iterator[Client]:
    """Run an image in the board's emulator."""
    if isinstance(board.emulator, QemuEmulator):
        with qemu(board, elf) as client:
            yield client
        return
    image = next(one.image for one in board.flash_methods if one.method == "emulator")
    with Emulator(board, elf.with_suffix(f".{image}")) as emulator:
        emulator.open_line().close()  # lets it run
        client = Client(int(emulator.url.rpartition(":")[2]))
        client.meet()
        yield client
        client.close()


@contextmanager
def qemu(board: Board, elf: Path, icount: bool = True) -> Iterator[Client]:
    """Run an image in QEMU, which waits for the client before it starts.

    QEMU looks whether the UART takes bytes only when its main loop turns, and with counted instructions a silent board
    does not turn it: bytes that came before the UART was on could wait for ever. Lines on its control channel turn it.
    """
    port = _free_port()
    command = [*qemu_command(board, elf, port, icount), "-qmp", "stdio"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=subprocess.DEVNULL, stderr=pipe, text=True) as running:
        over = threading.Event()
        waker = threading.Thread(target=_keep_awake, args=(running, over))
        try:
            client = _connect(port, running)
            waker.start()
            client.meet()
            yield client
        finally:
            over.set()
            running.kill()
            if waker.ident is not None:
                waker.join()
            with contextlib.suppress(OSError):  # a last line to a QEMU that is gone
                running.stdin.close()


def _keep_awake(running: subprocess.Popen, over: threading.Event) -> None:
    with contextlib.suppress(OSError, ValueError):
        running.stdin.write('{"execute": "qmp_capabilities"}\n')
        while not over.wait(0.02):
            running.stdin.write('{"execute": "query-status"}\n')
            running.stdin.flush()


def _connect(port: int, running: subprocess.Popen) -> Client:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            return Client(port)
        except OSError:
            if running.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"QEMU did not start: {running.stderr.read()}") from None
            time.sleep(0.02)
