"""What is plugged in: USB ids and what they probably are."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

KNOWN_IDS: dict[str, str] = {
    **dict.fromkeys(("0483:374b", "0483:374e", "0483:374f", "0483:3752", "0483:3753", "0483:3754"), "ST-Link"),
    **dict.fromkeys(("0483:3748", "0483:3744"), "ST-Link without a serial port"),
    "0d28:0204": "DAPLink (micro:bit and others)",
    **dict.fromkeys(("1366:0105", "1366:1015", "1366:1051"), "J-Link"),
    "2e8a:000a": "Raspberry Pi Pico",
    "2e8a:0003": "Raspberry Pi Pico in BOOTSEL",
    "2e8a:000c": "Raspberry Pi Debug Probe",
    "10c4:ea60": "CP210x bridge",
    "1a86:7523": "CH340 bridge",
    "1a86:55d4": "CH9102 bridge",
    **dict.fromkeys(("0403:6001", "0403:6010", "0403:6011", "0403:6014", "0403:6015"), "FTDI bridge"),
    **dict.fromkeys(("2341:0043", "2341:0001", "2a03:0043"), "Arduino Uno"),
}
"""USB vendor:product ids. A bridge chip does not identify a board: only HELLO does."""

_PROBES = {"stlink": ("ST-Link",), "cmsis-dap": ("DAPLink", "Raspberry Pi Debug Probe"), "jlink": ("J-Link",)}
_PROBES["pyocd"] = tuple(kind for kinds in _PROBES.values() for kind in kinds)


@dataclass(frozen=True)
class UsbDevice:
    """One device on the bus: its id "vvvv:pppp" and, where it has one, its serial number."""

    id: str
    serial: str = ""


def usb_devices(root: Path = Path("/sys/bus/usb/devices")) -> list[UsbDevice] | None:
    """Return what is plugged in, or None where this system does not tell (it is not Linux)."""
    if not root.is_dir():
        return None
    found = []
    for folder in sorted(root.iterdir()):
        with contextlib.suppress(OSError):
            vendor, product = ((folder / name).read_text().strip() for name in ("idVendor", "idProduct"))
            serial = folder / "serial"
            found.append(UsbDevice(f"{vendor}:{product}", serial.read_text().strip() if serial.is_file() else ""))
    return found


def probe_for(interface: str, devices: list[UsbDevice] | None) -> list[UsbDevice] | None:
    """Return the plugged-in debug probes that an OpenOCD interface, or pyOCD, drives; None where that cannot be told.

    Args:
        interface: name of OpenOCD's interface configuration, such as "interface/stlink.cfg", or "pyocd".
        devices: what is plugged in.
    """
    kinds = next((kinds for word, kinds in _PROBES.items() if word in interface), None)
    if devices is None or kinds is None:
        return None
    return [device for device in devices if KNOWN_IDS.get(device.id, "").startswith(kinds)]
