"""Why a port could not be opened, or was lost: one line each, and what to do."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from axedge.artifacts.errors import PortError


class LineLost(PortError):
    """The port was open and went away."""


def open_error(port: str, error: BaseException) -> PortError:
    """Return the error to show for a failure to open `port`, from what pyserial or the system raised."""
    number = _errno_of(error)
    if port.startswith("socket://"):
        return PortError(f"nothing answers at {port} ({_reason(error)}).", "Is the emulator or the bridge running?")
    if number == errno.ENOENT:
        return PortError(f"{port} does not exist.", "`axedge ports` lists those that do; is the cable a data cable?")
    if number in (errno.EACCES, errno.EPERM):
        return PortError(f"{port} may not be opened by this user.", permission_hint(port))
    if number in (errno.EBUSY, errno.EAGAIN):
        return PortError(f"{port} is busy: another program has it open.", busy_hint(port))
    if number in (errno.ENXIO, errno.ENODEV, errno.EIO):
        return PortError(f"{port} has no device behind it.", "Plug the board in again, then `axedge ports`.")
    if number == errno.ENOTTY or "configure port" in str(error):
        return PortError(f"{port} is no serial port.", "`axedge ports` lists them.")
    return PortError(f"{port} cannot be opened: {_reason(error)}.", "`axedge ports` lists the serial ports.")


def permission_hint(port: str) -> str:
    """Return what to type to be allowed to open `port`, naming its group."""
    group = None
    with contextlib.suppress(OSError, KeyError, ImportError):
        import grp

        group = grp.getgrgid(Path(port).stat().st_gid).gr_name
    if group in (None, "root"):
        return "Ask for read and write permission on it (on Debian and Ubuntu: a udev rule, or the group dialout)."
    return f"It belongs to the group {group}: `sudo usermod -aG {group} $USER`, then log in again."


def busy_hint(port: str) -> str:
    """Return which process of this user holds `port`, where the system tells."""
    target = os.path.realpath(port)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if process.name != str(os.getpid()) and any(
                _opens(handle, target) for handle in (process / "fd").iterdir()
            ):
                name = (process / "comm").read_text().strip()
                return f"It is {name} (process {process.name}): close it and try again."
    return "Close the serial monitor or modem manager that holds it, and try again."


def _opens(handle: Path, target: str) -> bool:
    try:
        return str(handle.readlink()) == target
    except OSError:
        return False


def _errno_of(error: BaseException | None) -> int | None:
    """Return the errno of the error or of the one it grew out of."""
    while error is not None:
        if isinstance(error, OSError) and isinstance(error.errno, int):
            return error.errno
        error = error.__cause__ or error.__context__
    return None


def _reason(error: BaseException) -> str:
    number = _errno_of(error)
    if number is None:
        return str(error).rstrip(".")
    if number < 0:  # getaddrinfo's numbers, not the system's
        return "no such host is known"
    return os.strerror(number).lower()
