"""Put an image onto a board, and believe it only when the board, asked, answers with the new build id."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from axedge.artifacts.errors import ArtifactError, DeviceError, ToolMissing, UsageError, did_you_mean
from axedge.artifacts.records.build import BuildRecord
from axedge.artifacts.workspace import Workspace
from axedge.firmware.boards import Board, FlashMethod
from axedge.host.connection import Connection
from axedge.host.emulator import emulator_command, put_image
from axedge.host.flash_tools import Drive, Method, program_for
from axedge.host.link import Trace
from axedge.host.ports import Port, find_ports

LOG = "flash.log"


def _quiet(line: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Flashed:
    """What was done, or would be.

    Attributes:
        method: which way.
        command: what was run, as a line for a shell.
        build_id: of the image.
        verified: whether the board answered with it; False only for a dry run.
        skipped: methods that were not used before it, and why.
    """

    method: str
    command: str
    build_id: str
    verified: bool
    skipped: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _IntoEmulator:
    """Copies the image into an emulated board's memory; the next power-on runs it."""

    board: Board
    image: Path
    build: BuildRecord
    memory: Path
    name: str = "emulator"

    def obstacle(self) -> str:
        return "" if self.board.emulator else "the board has no emulator"

    def command(self) -> str:
        copy = f"cp {shlex.quote(str(self.image))} {shlex.quote(str(self.memory))}/"
        then = emulator_command(self.board, self.memory / self.image.name)
        return f"{copy} && {then}" if then else copy

    def run(self, log: Path) -> None:
        put_image(self.memory, self.image, self.build)


def flash(
    image_folder: Path,
    board: Board,
    *,
    workspace: Workspace,
    method: str | None = None,
    port: str | None = None,
    probe: str | None = None,
    dry_run: bool = False,
    say: Callable[[str], None] = _quiet,
    detail: Callable[[str], None] = _quiet,
    trace: Trace | None = None,
) -> Flashed:
    """Put the image of `image_folder` onto a board.

    Args:
        image_folder: folder of `axedge build`.
        board: its description.
        workspace: holds the emulated boards' memories.
        method: the one to use; None: the first of the board's that can be used (with a port, not the emulator).
        port: where the board answers afterwards; None: its emulator, or the port with its USB id, or "auto".
        probe: serial number of the debug probe.
        dry_run: only say what would be run.
        say: told what is done.
        detail: told what few want to know: the methods that are not used and why, commands, a programmer's own words.
        trace: sees every frame of the verification.

    Raises:
        UsageError: the board does not know the method.
        ToolMissing: no method can be used; each one's reason is named.
        ArtifactError: the image is missing, or is another board's.
        DeviceError: the programmer failed, or the board does not answer with the new build id.
    """
    build = BuildRecord.load(image_folder)
    if build.board != board.name:
        raise ArtifactError(
            f"{image_folder} holds an image for {build.board}, not {board.name}.", "Choose it with --board."
        )
    build.check_files(image_folder)
    if probe is not None and method in ("emulator", "drive"):
        raise UsageError(f"the method {method} uses no probe.", "Leave --probe out, or choose another --method.")
    methods = [_method(entry, image_folder, board, build, workspace, probe, port) for entry in board.flash_methods]
    chosen, skipped = _choose(methods, method, board, port=port, probe=probe, dry_run=dry_run)
    for name, reason in skipped:
        detail(f"{name}: not used, {reason}.")
    done = Flashed(chosen.name, chosen.command(), build.build_id, verified=False, skipped=tuple(skipped))
    if dry_run:
        return done
    if chosen.name != "emulator":
        say(f"flashing {board.name} by {chosen.name}")
    detail(chosen.command())
    _run(chosen, skipped, image_folder / LOG, detail)
    _verify(board, build, workspace, None if chosen.name == "emulator" else port or _port_of(board), chosen.name, trace)
    return replace(done, verified=True)


def _method(
    entry: FlashMethod,
    image_folder: Path,
    board: Board,
    build: BuildRecord,
    workspace: Workspace,
    probe: str | None,
    port: str | None,
) -> Method:
    image = image_folder / f"firmware.{entry.image}"
    if not image.is_file():
        raise ArtifactError(f"{image} does not exist.", f"Run `axedge build --board {board.name}` again.")
    if entry.method == "emulator":
        return _IntoEmulator(board, image, build, workspace.emulated_board(board.name))
    if entry.method == "drive":
        return Drive(image, entry.label, starts=entry.image == "uf2")
    if entry.method == "avrdude" and port in (None, "auto"):
        own = _port_of(board)
        port = own if own != "auto" else None
    return program_for(entry, image, probe, port)


def _choose(
    methods: list[Method], wanted: str | None, board: Board, *, port: str | None, probe: str | None, dry_run: bool
) -> tuple[Method, list[tuple[str, str]]]:
    """Return the first method that can be used, and why not those before it."""
    if not methods:
        raise UsageError(f"{board.name} has no way to be flashed.", "Its board.toml lists none.")
    if wanted is not None:
        named = next((method for method in methods if method.name == wanted), None)
        if named is None:
            raise UsageError(
                f"{board.name} cannot be flashed by {wanted!r}.",
                did_you_mean(wanted, [method.name for method in methods]),
            )
        obstacle = "" if dry_run else named.obstacle()
        if obstacle:
            raise ToolMissing(
                f"{wanted} cannot be used: {obstacle}.", "Leave --method out to use the first that can be."
            )
        return named, []
    skipped: list[tuple[str, str]] = []
    for method in methods:
        obstacle = method.obstacle()
        if method.name == "emulator" and port is not None:
            obstacle = "a port was named"
        if method.name in ("emulator", "drive") and probe is not None:
            obstacle = "a probe was named"
        if not obstacle:
            return method, skipped
        skipped.append((method.name, obstacle))
    if dry_run:
        real = [method for method in methods if method.name != "emulator"]
        return (real or methods)[0], [entry for entry in skipped if entry[0] != (real or methods)[0].name]
    reasons = "; ".join(f"{name}: {reason}" for name, reason in skipped)
    raise ToolMissing(f"{board.name} cannot be flashed here ({reasons}).", "Install one, or plug the board in.")


def _run(chosen: Method, skipped: list[tuple[str, str]], log: Path, detail: Callable[[str], None]) -> None:
    """Flash; where that fails, say also why the methods before it were not used: one may have been meant.

    Raises:
        DeviceError: it failed.
    """
    log.unlink(missing_ok=True)
    try:
        chosen.run(log)
    except DeviceError as error:
        if log.is_file():
            detail(log.read_text(encoding="utf-8", errors="replace").rstrip())
        others = "".join(f" Not used: {name}, {reason}." for name, reason in skipped if name != "emulator")
        raise type(error)(error.message, f"{error.hint}{others}") from error


def _port_of(board: Board, ports: Callable[[], list[Port]] = find_ports) -> str:
    """Return the only port with one of the board's USB ids, else "auto"."""
    own = [port.device for port in ports() if port.usb_id in board.usb]
    return own[0] if len(own) == 1 else "auto"


def _verify(
    board: Board, build: BuildRecord, workspace: Workspace, port: str | None, method: str, trace: Trace | None
) -> None:
    """Ask the board for its build id.

    Raises:
        DeviceError: it does not answer, or with another one.
    """
    connection = Connection(board, workspace, port=port, trace=trace)
    try:
        with connection.open(build.build_id):
            return
    except DeviceError as error:
        raise type(error)(f"{method} reported success, but {error.message}", error.hint) from error
