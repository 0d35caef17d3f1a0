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
        self._target = (urlsplit(target).hostname, urlsplit(target).port)
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
                device = socket.create_connection(self._target)
                self._sockets = [host, device]
                for end in self._sockets:
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for source, sink, harm in ((host, device, self._up), (device, host, self._down)):
                    threading.Thread(target=self._pump, args=(source, sink, harm), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, harm: Injector) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                for wait, piece in harm(data):
                    if delay := wait + len(piece) * self._byte_s:
                        time.sleep(delay)
                    sink.sendall(piece)
        self.unplug()

    def unplug(self) -> None:
        """Cut the connection; a new one can be made."""
        for end in self._sockets:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
                end.close()

    def __enter__(self) -> "FaultyProxy":
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.unplug()
