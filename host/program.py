"""Boards that a program of ours plays: a simulator's library with the board's serial line on a TCP socket.

The program is kept as a source file with the boards (board.toml names it) and made ready on first use: C is compiled
into the user's cache, JavaScript runs as it is. It prints "port N" when it listens, and takes the lines run, reset and
quit. The native board is such a program itself, but for the lines.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from axedge.artifacts.errors import BuildError, DeviceError, ToolMissing
from axedge.artifacts.files import digest
from axedge.firmware.boards import Board, ProcessEmulator, ProgramEmulator
from axedge.firmware.toolchain import find_toolchain
from axedge.host.line import Line, SerialLine
from axedge.host.machine import START_S
from axedge.host.process import Child

_COMPILE_S = 60.0
_FLAGS = ("-std=c99", "-D_POSIX_C_SOURCE=200809L", "-O2", "-Wall", "-Wextra")


def cache_folder() -> Path:
    """Return where emulators are kept: below XDG_CACHE_HOME, or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "axedge" / "emulators"


class Native:
    """The native board: the image is a program that serves its line on a TCP port and prints which."""

    def __init__(self, board: Board, emulator: ProcessEmulator, image: Path) -> None:
        """Start it.

        Raises:
            DeviceError: it cannot be run.
        """
        del board, emulator
        self._image = image
        self.child, self.url = _start([str(image)], image.name)

    def open_line(self) -> Line:
        """Connect to its line; it runs already."""
        return SerialLine(self.url)

    def reset(self) -> None:
        """End it and start it again."""
        self.child.end()
        self.child, self.url = _start([str(self._image)], self._image.name)

    def ask_to_quit(self) -> None:
        """End it: it takes no requests."""
        self.child.end()


class Program:
    """A simulator with a program of ours around it."""

    def __init__(self, board: Board, emulator: ProgramEmulator, image: Path) -> None:
        """Make it ready and start it, stopped.

        Raises:
            ToolMissing: the simulator, its library or a compiler is not installed.
            BuildError: it does not compile.
            DeviceError: it does not start.
        """
        source = board.folder / emulator.program
        run = _node_command if emulator.modules else _c_command
        command = [*run(source, emulator), str(image), emulator.machine, str(board.timer.hz)]
        environment = {"NODE_PATH": str(cache_folder() / "node_modules")} if emulator.modules else None
        self.child, self.url = _start(command, source.stem, environment)

    def open_line(self) -> Line:
        """Connect to the serial line, and let the processor run."""
        line = SerialLine(self.url)
        self._tell("run")
        return line

    def reset(self) -> None:
        """Press the reset button."""
        self._tell("reset")

    def ask_to_quit(self) -> None:
        """Ask it to end."""
        self._tell("quit")

    def _tell(self, word: str) -> None:
        try:
            self.child.write_line(word)
        except OSError:
            raise DeviceError(f"the emulator is gone: {self.child.messages(1) or 'it said nothing'}.") from None


def _start(command: Sequence[str], name: str, environment: dict[str, str] | None = None) -> tuple[Child, str]:
    """Start a program that prints "port N"; return it and the URL of its line."""
    try:
        child = Child(command, environment)
    except OSError as error:
        raise DeviceError(f"{command[0]} cannot be run: {error.strerror}.", "Build it on this machine.") from None
    line = child.read_line(START_S)
    found = re.fullmatch(r"port (\d+)", (line or "").strip())
    if found is None:
        said = child.messages(1)
        child.end()
        raise DeviceError(f"{name} did not start{f': {said}' if said else ''}.", "Does its image belong to the board?")
    return child, f"socket://127.0.0.1:{found.group(1)}"


def _c_command(source: Path, emulator: ProgramEmulator) -> list[str]:
    """Compile the program, unless this very one is there; return its path."""
    toolchain = find_toolchain("")
    flags = [*_FLAGS, *(f"-l{name}" for name in emulator.libraries)]
    name = digest(source.read_bytes(), toolchain.version, repr(flags))[:16]
    made = cache_folder() / f"{source.stem}-{name}"
    if not made.is_file():
        made.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=made.parent) as scratch:
            program = Path(scratch) / made.name  # comes to its place whole and executable: others may wait for it
            command = [str(toolchain.compiler), *_FLAGS, str(source), "-o", str(program), *flags[len(_FLAGS) :]]
            done = subprocess.run(command, capture_output=True, text=True, timeout=_COMPILE_S, check=False)
            if done.returncode != 0:
                raise _compile_failure(source, emulator, done.stderr)
            program.replace(made)
    return [str(made)]


def _compile_failure(source: Path, emulator: ProgramEmulator, said: str) -> ToolMissing | BuildError:
    lacks = re.search(r"fatal error: .*No such file|cannot find -l", said)
    if lacks:
        return ToolMissing(
            f"the simulator library of {source.name} is not installed ({', '.join(emulator.libraries)}).",
            f"On Debian and Ubuntu: sudo apt install {emulator.needs}",
        )
    first = next((line for line in said.splitlines() if "error" in line), said.strip()[-200:])
    return BuildError(f"{source.name} does not compile: {first}.", "Is the library's version another one?")


def _node_command(source: Path, emulator: ProgramEmulator) -> list[str]:
    node = shutil.which("node")
    if node is None:
        raise ToolMissing("node is not installed.", f"On Debian and Ubuntu: sudo apt install {emulator.needs}")
    modules = cache_folder() / "node_modules"
    missing = [one for one in emulator.modules if not _has_module(modules, one)]
    if missing:
        words = " ".join(emulator.modules)
        raise ToolMissing(
            f"{' '.join(missing)} is not installed for the emulator.",
            f"Install it: npm install --prefix {cache_folder()} {words}",
        )
    return [node, str(source)]


def _has_module(modules: Path, wanted: str) -> bool:
    """Return whether a package, "name@version", is installed."""
    name, _, version = wanted.partition("@")
    try:
        return json.loads((modules / name / "package.json").read_text(encoding="utf-8"))["version"] == version
    except (OSError, ValueError, KeyError):
        return False
