"""A TCP proxy between host and device that harms what passes through it, either way."""

import contextlib
import socket
import threading
import time
from urllib.parse import urlsplit

from faults import Injector


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
        self.retarget(target)
        self._muted, self._away_until = False, 0.0
        self._up, self._down = Injector(fault, rate, seed), Injector(fault, rate, seed + 1)
        self._byte_s = byte_s
        self._sockets: list[socket.socket] = []
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
                device = socket.create_connection(self._target)
                self._sockets = [host, device]
                for end in self._sockets:
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for source, sink, harm in ((host, device, self._up), (device, host, self._down)):
                    threading.Thread(target=self._pump, args=(source, sink, harm), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, harm: Injector) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                for wait, piece in [] if self._muted else harm(data):
                    if delay := wait + len(piece) * self._byte_s:
                        time.sleep(delay)
                    sink.sendall(piece)
        self.unplug()

    def retarget(self, target: str) -> None:
        """Pass new connections on to another device."""
        self._target = (urlsplit(target).hostname, urlsplit(target).port)

    def mute(self, muted: bool) -> None:
        """Swallow everything, or no longer."""
        self._muted = muted

    def unplug(self, away_s: float = 0.0) -> None:
        """Cut the connection; a new one can be made after `away_s`."""
        self._away_until = time.monotonic() + away_s
        for end in self._sockets:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
                end.close()

    def __enter__(self) -> "FaultyProxy":
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.unplug()
