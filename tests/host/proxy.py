"""A TCP proxy between host and device that harms what passes through it, either way."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import numpy as np
from faults import Injector

_BABBLE_BYTES, _BABBLE_EVERY_S = 64, 0.002


class FaultyProxy:
    """Listens on 127.0.0.1 and passes one connection after the other on to `target`; a context manager.

    Args:
        target: socket://HOST:PORT of the device.
        fault: name of a fault, see faults.FAULTS, or None.
        rate: faults a byte.
        seed: of the faults.
        byte_s: seconds that a byte takes either way.
    """

    def __init__(self, target: str, fault: str | None, rate: float = 0.0, seed: int = 0, byte_s: float = 0.0) -> None:
        self._target = _address(target)
        self._muted, self._away_until, self._closed = False, 0.0, threading.Event()
        self._up, self._down = Injector(fault, rate, seed), Injector(fault, rate, seed + 1)
        self._byte_s, self._seed = byte_s, seed
        self._host: socket.socket | None = None
        self._device: socket.socket | None = None
        self._to_host = threading.Lock()
        self._at_next_reply: Callable[[], None] | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                host, _ = self._listener.accept()
                if time.monotonic() < self._away_until:
                    host.close()
                    continue
                host.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._host = host
                if self._target:
                    self._connect(self._target)
                threading.Thread(target=self._pump_up, args=(host,), daemon=True).start()

    def _connect(self, target: tuple[str | None, int | None]) -> None:
        device = socket.create_connection(target)
        device.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._device = device
        threading.Thread(target=self._pump_down, args=(device,), daemon=True).start()

    def _pump_up(self, host: socket.socket) -> None:
        """Pass bytes on to whatever device there is; without one they are lost."""
        with contextlib.suppress(OSError):
            while data := host.recv(4096):
                for piece in self._harmed(self._up, data):
                    if device := self._device:
                        with contextlib.suppress(OSError):
                            device.sendall(piece)
        if host is self._host:
            self.unplug()

    def _pump_down(self, device: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := device.recv(4096):
                happen, self._at_next_reply = self._at_next_reply, None
                if happen:
                    happen()
                for piece in self._harmed(self._down, data if not happen else data[: len(data) // 2]):
                    self._say(piece)
        if device is self._device:
            self.unplug()

    def _harmed(self, harm: Injector, data: bytes):
        for wait, piece in [] if self._muted else harm(data):
            if delay := wait + len(piece) * self._byte_s:
                time.sleep(delay)
            yield piece

    def _say(self, piece: bytes) -> None:
        if host := self._host:
            with self._to_host:
                host.sendall(piece)

    def detach(self) -> None:
        """Take the device off the line, while the host's side stays open, as an adapter's does."""
        self._target, device, self._device = None, self._device, None
        _hang_up(device)

    def attach(self, target: str) -> None:
        """Put another device on the line, or the same one after a reset."""
        self._target = _address(target)
        if self._host:
            self._connect(self._target)

    def at_next_reply(self, happen: Callable[[], None]) -> None:
        """Let something happen when the device says the next thing, of which the second half is then lost."""
        self._at_next_reply = happen

    def mute(self, muted: bool) -> None:
        """Swallow everything, or no longer."""
        self._muted = muted

    def babble(self) -> None:
        """Send random bytes to the host from now on, whatever the device does."""

        def talk() -> None:
            rng = np.random.default_rng(self._seed)
            while not self._closed.wait(_BABBLE_EVERY_S):
                with contextlib.suppress(OSError):
                    self._say(rng.integers(0, 256, _BABBLE_BYTES, np.uint8).tobytes())

        threading.Thread(target=talk, daemon=True).start()

    def unplug(self, away_s: float = 0.0) -> None:
        """Cut the connection; a new one can be made after `away_s`."""
        self._away_until = time.monotonic() + away_s
        host, device, self._host, self._device = self._host, self._device, None, None
        _hang_up(host)
        _hang_up(device)

    def __enter__(self) -> "FaultyProxy":
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._listener.close()
        self.unplug()


def _address(url: str) -> tuple[str | None, int | None]:
    return urlsplit(url).hostname, urlsplit(url).port


def _hang_up(end: socket.socket | None) -> None:
    if end is not None:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
