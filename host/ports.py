"""Serial ports: which there are, what they probably are, which ones answer, and which one is meant by `--port auto`.

Nothing is ever written to a port without a USB id (a bare /dev/ttyS0 may be anything) unless the user named it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from serial.tools import list_ports as pyserial_ports

from axedge.artifacts.errors import ArtifactError, AxedgeError, PortError
from axedge.artifacts.files import atomic_write
from axedge.host.device import Device
from axedge.host.line import BAUD
from axedge.host.messages import Hello
from axedge.host.timing import Deadlines
from axedge.host.usb import KNOWN_IDS

PROBE = Deadlines(connect_s=2.5)
"""A board that an opened port resets (an Arduino) needs up to 2 s to come up."""


@dataclass(frozen=True)
class Port:
    """A serial port.

    Attributes:
        device: its name, such as /dev/ttyACM0.
        usb_id: "vvvv:pppp", empty where it has none.
        serial: the adapter's serial number, empty where it has none.
        guess: what it probably is.
        hello: what answered, None if nothing did or nobody asked.
        trouble: why nothing answered, one line.
    """

    device: str
    usb_id: str = ""
    serial: str = ""
    guess: str = ""
    hello: Hello | None = None
    trouble: str = ""

    @property
    def may_be_asked(self) -> bool:
        """Whether writing to it unasked is safe."""
        return bool(self.usb_id)


def find_ports() -> list[Port]:
    """Return the ports of this computer, those with a USB id first."""
    ports = [
        Port(
            device=info.device,
            usb_id="" if info.vid is None else f"{info.vid:04x}:{info.pid:04x}",
            serial=info.serial_number or "",
            guess=_guess(info),
        )
        for info in pyserial_ports.comports()
    ]
    return sorted(ports, key=lambda port: (not port.may_be_asked, port.device))


def _guess(info) -> str:  # noqa: ANN001  pyserial's ListPortInfo
    if info.vid is None:
        return "no USB id: never asked unless you name it"
    known = KNOWN_IDS.get(f"{info.vid:04x}:{info.pid:04x}")
    return known or info.product or info.manufacturer or "unknown"


def ask(port: Port, baud: int = BAUD) -> Port:
    """Ask a port who is there; return it with the answer or the trouble."""
    if not port.may_be_asked:
        return replace(port, trouble="not asked")
    try:
        with Device.connect(port.device, baud=baud, deadlines=PROBE) as device:
            return replace(port, hello=device.hello)
    except AxedgeError as error:
        return replace(port, trouble=error.message)


def probe_ports(ports: Iterable[Port] | None = None, asker: Callable[[Port], Port] = ask) -> list[Port]:
    """Ask every port that may be asked."""
    return [asker(port) for port in (find_ports() if ports is None else ports)]


def auto_port(
    memory: Path | None = None,
    *,
    ports: Iterable[Port] | None = None,
    asker: Callable[[Port], Port] = ask,
    build_id: int | None = None,
) -> Port:
    """Return the port meant by `--port auto`: the remembered one if it answers, else the only one that answers.

    Args:
        memory: file that holds the serial number of the adapter that was used last.
        ports: to choose from; default: all.
        asker: asks one port.
        build_id: prefer ports that run this image.

    Raises:
        PortError: none answers, or several do; the choices are named.
    """
    known = find_ports() if ports is None else list(ports)
    asked = _ask_in_order(known, _remembered(memory), asker)
    answering = [port for port in asked if port.hello is not None]
    if len(answering) > 1 and build_id is not None:
        answering = [port for port in answering if port.hello and port.hello.build_id == build_id] or answering
    if len(answering) == 1:
        _remember(memory, answering[0])
        return answering[0]
    if answering:
        names = "; ".join(
            f"{port.device} ({port.hello.board}, {port.hello.kernel})" for port in answering if port.hello
        )
        raise PortError(f"{len(answering)} boards answer: {names}.", "Name the one you mean with --port.")
    raise _nobody(asked)


def _ask_in_order(ports: list[Port], remembered: str, asker: Callable[[Port], Port]) -> list[Port]:
    """Ask the remembered port first, and no other if it answers."""
    for port in ports:
        if remembered and port.serial == remembered:
            first = asker(port)
            if first.hello is not None:
                return [first]
    return [asker(port) if port.may_be_asked else replace(port, trouble="not asked") for port in ports]


def _nobody(asked: list[Port]) -> PortError:
    reasons = [f"{port.device}: {port.trouble.rstrip('.')}" for port in asked if port.may_be_asked]
    if reasons:
        return PortError(
            f"no board answers ({'; '.join(reasons)}).", "Flash one with `axedge flash`, or name its --port."
        )
    others = [port.device for port in asked]
    if others:
        return PortError(
            f"there is no USB serial port, only {', '.join(others)}, which is not asked unless you name it.",
            "Plug the board in, or use --port.",
        )
    return PortError("there is no serial port.", "Plug the board in (is the cable a data cable?), or use --port.")


def _remembered(memory: Path | None) -> str:
    try:
        return "" if memory is None else memory.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _remember(memory: Path | None, port: Port) -> None:
    if memory is not None and port.serial and _remembered(memory) != port.serial:
        try:
            atomic_write(memory, port.serial + "\n")
        except (ArtifactError, OSError):
            return  # remembering is a convenience
