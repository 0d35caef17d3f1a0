"""Ways to put an image onto a real board: what each would run, whether it can, and what its failures usually mean."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from axedge.artifacts.errors import DeviceError
from axedge.firmware.boards import FlashMethod
from axedge.host.usb import probe_for, usb_devices

TOOL_S = 180.0
"""For a programmer to finish; a full 1 MB takes about 60 s."""
RETURN_S = 30.0
"""For a drive to come back after a copy."""

_HINTS = (
    (r"no (connected )?(debug )?probe|unable to find.*(device|interface)|open failed|no device found|can't open device",
     "Is the probe plugged in, by a data cable? `axedge ports` lists what is."),
    (r"permission|access denied|LIBUSB_ERROR_ACCESS", "Let this user open it: install the udev rules, replug."),
    (r"protected|locked|readout|APPROTECT", "The part is read-protected: unlock it with a mass erase; that wipes it."),
    (r"could not find (MEM-AP|target)|unknown (target|chip)|IDCODE|not recognized|install.* pack",
     "Another part than this board's? Check --board; pyOCD may need a pack: `pyocd pack install`."),
    (r"not in sync|stk500|programmer is not responding", "Is --port the right one, and is nothing else using it?"),
)  # fmt: skip


class Method(Protocol):
    """One way to flash one image."""

    @property
    def name(self) -> str:
        """What `--method` calls it."""

    def obstacle(self) -> str:
        """Return why it cannot be used here and now, empty if it can."""

    def command(self) -> str:
        """Return what it does, as a line for a shell."""

    def run(self, log: Path) -> None:
        """Do it.

        Raises:
            DeviceError: it failed; the tool's output is in `log`.
        """


@dataclass(frozen=True)
class Program:
    """A programmer that is run as a command: OpenOCD, pyOCD or avrdude."""

    name: str
    arguments: tuple[str, ...]
    interface: str = ""
    probe: str = ""
    needs: str = ""
    lacks: str = ""

    def obstacle(self) -> str:
        """Return why it cannot be used: not installed, or it is not plain which plugged-in probe or port to use."""
        if shutil.which(self.name) is None:
            return f"{self.name} is not installed"
        if self.lacks:
            return self.lacks
        plugged_in = probe_for(self.interface, usb_devices()) if self.interface else None
        if plugged_in is None:
            return ""
        serials = [device.serial for device in plugged_in]
        if not serials:
            return "no debug probe of its kind is plugged in"
        if self.probe and self.probe.lower() not in map(str.lower, serials):
            return f"no probe {self.probe} is plugged in, only {', '.join(filter(None, serials)) or 'without a number'}"
        if len(serials) > 1 and not self.probe:
            return f"{len(serials)} probes are plugged in ({', '.join(filter(None, serials))}): choose one with --probe"
        return ""

    def command(self) -> str:
        """Return the command line."""
        return shlex.join((self.name, *self.arguments))

    def run(self, log: Path) -> None:
        """Run the programmer with its output in `log`."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w", encoding="utf-8") as to:
            to.write(f"$ {self.command()}\n")
            to.flush()
            try:
                done = subprocess.run(
                    (self.name, *self.arguments),
                    stdin=subprocess.DEVNULL,
                    stdout=to,
                    stderr=to,
                    timeout=TOOL_S,
                    check=False,
                )
            except FileNotFoundError:
                raise DeviceError(f"{self.name} is not installed.", "Install it, or choose another --method.") from None
            except subprocess.TimeoutExpired:
                raise DeviceError(f"{self.name} did not finish within {TOOL_S:.0f} s.", f"See {log}.") from None
        if done.returncode != 0:
            raise failure(self.name, done.returncode, log, self.needs)


@dataclass(frozen=True)
class Drive:
    """A board that shows up as a drive and programs what is copied to it.

    Attributes:
        image: the file.
        label: the volume's name.
        starts: whether the board then starts the image, and the drive is gone for good (UF2 boot loaders).
    """

    image: Path
    label: str
    name: str = "drive"
    starts: bool = False

    def obstacle(self) -> str:
        """Return why it cannot be used: the drive is not mounted."""
        return "" if find_volume(self.label) else f"no drive {self.label} is mounted"

    def command(self) -> str:
        """Return the equivalent command line."""
        return f"cp {shlex.quote(str(self.image))} {shlex.quote(str(find_volume(self.label) or self.label))}/ && sync"

    def run(self, log: Path) -> None:
        """Copy, make sure that it is on the device, and wait for the drive to come back, or to go."""
        volume = find_volume(self.label)
        if volume is None:
            raise DeviceError(
                f"no drive {self.label} is mounted.", "Plug the board in; mount it if your desktop does not."
            )
        if self.starts:
            copy_and_start(self.image, volume / self.image.name, lambda: find_volume(self.label), self.label)
            return
        copy_synced(self.image, volume / self.image.name)
        wait_for_return(lambda: find_volume(self.label), log, self.label)


def program_for(method: FlashMethod, image: Path, probe: str | None, port: str | None) -> Program:
    """Return the command for a method of board.toml.

    Args:
        method: "openocd", "pyocd" or "avrdude".
        image: the file.
        probe: serial number of the probe to use, None for the only one.
        port: serial port, for avrdude.
    """
    if method.method == "openocd":
        configs = [argument for config in method.configs for argument in ("-f", config)]
        chosen = ["-c", f"adapter serial {probe}"] if probe else []
        # OpenOCD reads the words as Tcl: braces keep a path with blanks together.
        action = ["-c", f"program {{{image}}} verify reset exit"]
        interface = next((config for config in method.configs if "interface/" in config), "")
        arguments = (*configs, *chosen, *action)
        return Program("openocd", arguments, interface or _board_probe(method), probe or "", method.needs)
    if method.method == "pyocd":
        chosen = ["-u", probe] if probe else []
        # -W: without a probe, fail instead of waiting for one.
        arguments = ("flash", "-W", "-t", method.target, *chosen, str(image))
        return Program("pyocd", arguments, "pyocd", probe or "", method.needs)
    # Without one, avrdude would write to a port of its own choice.
    lacks = "" if port else "it is not plain which port is the board's: name it with --port"
    programmer = [*(("-b", str(method.baud)) if method.baud else ()), *(("-P", port) if port else ())]
    action = [f"flash:w:{image}:{'e' if image.suffix == '.elf' else 'i'}"]
    return Program(
        "avrdude", ("-p", method.target, "-c", method.programmer, *programmer, "-D", "-U", *action), lacks=lacks
    )


def _board_probe(method: FlashMethod) -> str:
    """Return the probe that OpenOCD's board files stand for: STMicroelectronics' own, or SiFive's J-Link."""
    kinds = {"/st": "stlink", "/sifive-hifive1-revb": "jlink"}
    return next((kind for part, kind in kinds.items() for config in method.configs if part in config), "")


def failure(tool: str, code: int, log: Path, needs: str = "") -> DeviceError:
    """Return the error for a programmer that failed; its usual cause is the hint."""
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()][1:]
    pattern, hint = next(((words, hint) for words, hint in _HINTS if _first(words, lines)), ("", ""))
    told = (pattern and _first(pattern, lines)) or _first(r"error\b", lines) or _first(r"fail|\*\*", lines)
    cause = f": {re.sub(r'^error: *', '', (told or lines[-1]).strip().rstrip('.'), flags=re.I)}" if lines else ""
    once = f"Was `{needs}` run? " if needs else ""
    return DeviceError(f"{tool} failed (exit code {code}){cause}.", f"{hint} {once}All it said is in {log}.".strip())


def _first(pattern: str, lines: list[str]) -> str:
    return next((line for line in lines if re.search(pattern, line, re.IGNORECASE)), "")


# drives ---------------------------------------------------------------------------------------------------------------


def find_volume(
    label: str, mounts: Path = Path("/proc/mounts"), labels: Path = Path("/dev/disk/by-label")
) -> Path | None:
    """Return where the drive called `label` is mounted, or None."""
    points: list[Path] = []
    with contextlib.suppress(OSError):
        device = os.path.realpath(labels / label)
        for line in mounts.read_text(encoding="utf-8").splitlines():
            source, target, *_ = line.split()
            point = Path(target.encode().decode("unicode_escape"))
            if os.path.realpath(source) == device or point.name == label:
                points.append(point)
    points += [Path("/Volumes") / label]
    return next((point for point in points if point.is_dir()), None)


def copy_synced(image: Path, target: Path) -> None:
    """Copy a file and force it out to the device.

    Raises:
        DeviceError: the drive cannot be written, or went away too early.
    """
    try:
        with image.open("rb") as source, target.open("wb") as to:
            shutil.copyfileobj(source, to)
            to.flush()
            os.fsync(to.fileno())
    except OSError as error:
        raise DeviceError(
            f"{target.parent} cannot be written: {error.strerror}.", "Is it mounted for this user, and large enough?"
        ) from None


def copy_and_start(
    image: Path,
    target: Path,
    find: Callable[[], Path | None],
    label: str,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Copy to a boot loader that starts the image with its last block, often before the system has closed the file.

    Raises:
        DeviceError: the drive cannot be written, or it is still there long after.
    """
    began = clock()
    failed: DeviceError | None = None
    try:
        copy_synced(image, target)
    except DeviceError as error:
        failed = error
    while find() is not None:
        if clock() - began > RETURN_S:
            hint = "Is the image for this board? Press reset, or copy it by hand."
            raise failed or DeviceError(f"the board did not start the image: the drive {label} is still there.", hint)
        sleep(0.1)


def wait_for_return(
    find: Callable[[], Path | None],
    log: Path,
    label: str,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until a drive has gone and come back, and see whether the board left a FAIL.TXT on it.

    A board that programs while it stays mounted is given a third of the time to go; verification asks it anyway.

    Raises:
        DeviceError: it did not come back, or says that it failed.
    """
    began = clock()
    while find() is not None and clock() - began < RETURN_S / 3:
        sleep(0.1)
    while (volume := find()) is None:
        if clock() - began > RETURN_S:
            raise DeviceError(f"the drive {label} did not come back.", "Mount it again, or use --method openocd.")
        sleep(0.1)
    complaint = volume / "FAIL.TXT"
    if complaint.is_file():
        text = complaint.read_text(encoding="utf-8", errors="replace").strip()
        log.write_text(text + "\n", encoding="utf-8")
        raise DeviceError(
            f"the board refused the image: {text.splitlines()[0] if text else 'no reason given'}.", f"See {log}."
        )
