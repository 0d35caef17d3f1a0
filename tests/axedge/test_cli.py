from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from axedge import cli
from axedge.artifacts.errors import CheckFailed, DeviceError, UsageError
from axedge.artifacts.records.convert import ConvertRecord
from axedge.artifacts.workspace import Workspace
from axedge.firmware.boards import board_names, load_board
from axedge.kernels.kernel import load_kernel
from axedge.pipeline import Choice, Pipeline
from axedge.terminal import Terminal, _Lines
from axedge.verbs_device import _own_samples

pytestmark = pytest.mark.host
cli._add_verbs()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.run(list(arguments))
    streams = capsys.readouterr()
    return code, streams.out, streams.err


@pytest.mark.parametrize("verb", list(cli.axedge.commands))
def test_every_verb_shows_an_example(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    code, out, _ = run(capsys, verb, "--help")
    assert code == 0
    assert f"axedge {verb}" in out.split("Example:")[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["trian"], "no verb 'trian'. Did you mean train"),
        (["train", "inversekj2"], "Did you mean inversek2j"),
        (["train", "--sed", "1"], "--seed"),
        (["train", "inversek2j", "--seed", "-1"], "--seed"),
        (["build", "inversek2j"], "which board?"),
        (["build", "inversek2j", "--board", "microbot"], "Did you mean microbit"),
        (["bench", "inversek2j", "--board", "microbit"], "first; `axedge run` does it and the stages before"),
        (["boards", "nucleo"], "Did you mean nucleo-f446re?"),
        (["train", "arm"], "Known: bessel_jnu, "),
        (["export", "inversek2j"], "Name one with --to: c, arduino, platformio, cmake, zephyr or esp-idf"),
        (["bench", "--board", "microbit"], "holds no kernel yet"),
        (["bench", "inversek2j", "--board", "microbit", "--fresh", "--inputs", "x"], "exclude each other"),
        (["bench", "inversek2j", "--board", "microbit", "--engine", "both", "--resume"], "one engine's bench"),
        (["bench", "inversek2j", "--board", "microbit", "--inputs", "x", "--seed", "1"], "how many with --samples"),
        (["build", "inversek2j", "--board", "microbit", "--arena", "4096"], "nothing without --engine tflm"),
        (["build", "inversek2j", "--board", "microbit", "--tflm", "x"], "nothing without --engine tflm"),
        (["convert", "inversek2j", "--model", "x.keras", "--effort", "2"], "--effort has no meaning"),
        (["convert", "inversek2j", "--inputs", "two-byte", "--activations", "int16"], "has two bytes already"),
        (["convert", "inversek2j", "--calibrate", "x.csv", "--no-calibrate"], "excludes --calibrate"),
        (["run", "inversek2j", "-b", "microbit", "--inputs", "three-byte"], "'three-byte' is not one of"),
        (["build", "inversek2j", "--board", "microbit", "--engine", "tflm", "--arena", "8"], "--arena"),
        (["bench", "inversek2j", "--board", "microbit", "--engine", "both", "--against", "x"], "one engine's bench"),
        (["bench", "inversek2j", "--board", "microbit", "--against", "x"], "no earlier bench at x"),
        (["bench", "inversek2j", "--board", "microbit", "--tolerance", "-1"], "--tolerance"),
    ],
)
def test_a_typing_error_is_one_line_and_exits_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert says in err
    assert out == ""
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CheckFailed("bits differ."), 1),
        (DeviceError("no answer."), 3),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_kind_of_error_has_its_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("axedge.kernels.kernel.kernel_names", fail)
    got, _, err = run(capsys, "kernels")
    assert got == code
    assert "Traceback" not in err
    assert err.strip().count("\n") == 0


@pytest.mark.parametrize(
    ("flag", "left"), [("--no-calibrate", {"guarantee": 0.9}), ("--no-guarantee", {}), (None, None)]
)
def test_recorded_inputs_stay_until_they_are_taken_back(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flag: str | None, left: Any
) -> None:
    """The options of the last conversion stay; what the next one is asked for goes to the stage."""
    before = {"guarantee": 0.9, "confidence": 0.95, "calibrate": "arm.csv", "model": "own.keras"}
    options = SimpleNamespace(model_dump=lambda: dict(before))
    monkeypatch.setattr(ConvertRecord, "load_if_present", lambda folder: SimpleNamespace(options=options))
    seen: dict[str, Any] = {}

    def digest(kernel: Any, folder: Path, **options: Any) -> str:
        seen.update(options)
        raise CheckFailed("far enough.")

    monkeypatch.setattr("axedge.convert.stage.convert_inputs_digest", digest)
    run(capsys, "convert", "inversek2j", "--out", str(tmp_path), *([flag] if flag else []))
    kept = {"guarantee": None, "calibrate": None} | left if flag else {"guarantee": 0.9, "calibrate": "arm.csv"}
    assert {name: seen[name] for name in kept} == kept and seen["model"] == "own.keras"


def test_a_confidence_without_a_guarantee_is_refused(tmp_path: Path) -> None:
    choice = Choice(convert={"guarantee": None, "confidence": 0.9})
    pipeline = Pipeline(load_kernel("inversek2j"), Workspace(tmp_path), Terminal(quiet=True), choice)
    with pytest.raises(UsageError, match="--confidence needs a guarantee"):
        pipeline.convert()


def test_fresh_inputs_of_a_kernel_that_has_changed_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    converted = SimpleNamespace(kernel_digest=load_kernel("inversek2j").digest())
    monkeypatch.setattr("axedge.artifacts.records.convert.ConvertRecord.load", lambda folder: converted)
    fresh = {"fresh": True, "inputs": None, "count": 10, "seed": 1}
    drawn = _own_samples("inversek2j", "inversek2j", Workspace(tmp_path), **fresh)
    assert drawn is not None and len(drawn.x) == 10
    converted.kernel_digest = "another"
    with pytest.raises(UsageError, match="has changed since it was converted"):
        _own_samples("inversek2j", "inversek2j", Workspace(tmp_path), **fresh)


def test_verbose_adds_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "--verbose", "train", "inversekj2")
    assert code == 2
    assert "Traceback" in err


@pytest.mark.parametrize(
    "arguments", [["-v", "train", "nope"], ["train", "-v", "nope"], ["train", "nope", "--verbose"]]
)
def test_verbose_may_stand_before_and_after_the_verb(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert "Traceback" in run(capsys, *arguments)[2]


@pytest.mark.parametrize("arguments", [["--quiet", "new", "one"], ["new", "-q", "one"], ["new", "one", "--quiet"]])
def test_quiet_may_stand_before_and_after_the_verb(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *arguments)
    assert (code, err) == (0, "")
    assert "kernel.toml" in out
    assert "then:\n  axedge check ./two" in run(capsys, "new", "two")[2]


def test_the_list_of_verbs_cuts_no_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    listed = run(capsys, "--help")[1].split("Commands:")[1].splitlines()[1:]
    assert len(listed) == len(cli.axedge.commands)
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)


def test_sentences_are_broken_at_80_columns_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal().words("of its answers " * 20)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_a_line_of_progress_says_what_how_long_and_how_far(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the stage reports once and then works on in silence."""
    monkeypatch.setattr(_Lines, "FIRST_S", 0.02)
    monkeypatch.setattr(_Lines, "EVERY_S", 0.02)
    with Terminal().stage("alternatives") as progress:
        progress(2, 4, "fitting a table")
        said = ""
        while said.count("\n") < 2:
            said += capsys.readouterr().err
    assert re.match(r"(alternatives \d+ s, 50 % done: fitting a table\n){2}", said)


def test_the_report_of_the_only_benched_board_needs_no_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    convert = tmp_path / "inversek2j" / "convert"
    convert.mkdir(parents=True)
    command = ("report", "inversek2j", "--out", str(tmp_path))
    for board, asked in (("native", False), ("microbit", True)):
        image = tmp_path / "inversek2j" / board / "aot-i8"
        image.mkdir(parents=True)
        (image / "bench.json").write_text("{}")
        code, _, said = run(capsys, *command)
        assert code == 2 and ("which board?" in said) == asked
        assert asked or str(convert) in said


def test_a_bar_shows_rate_time_left_and_note_whole_in_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    terminal, note, shown = Terminal(), "true invocation 0.851, at 95 % precision 0.881", io.StringIO()
    clock = itertools.count()
    terminal.talk = Console(
        file=shown, width=80, force_terminal=True, color_system=None, get_time=lambda: float(next(clock))
    )
    with terminal.stage("alternatives") as progress:
        for done in range(5):
            progress(done, 10, note)
    frames = shown.getvalue()
    assert note in frames and "…" not in frames
    assert re.search(r"alternatives \S+ +40 % +\d+\.\d %/s 0:00:\d\d left 0:00:\d\d", frames)
    assert max(len(line) for line in re.split(r"[\r\n]", re.sub(r"\x1b\[[0-9;?]*\w", "", frames))) <= 80


def test_the_boards_are_a_line_or_two_each_and_a_page_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    """The list says that none but native was run on hardware: then each of the others has to say so too."""
    listed = run(capsys, "boards")[1]
    boards = [load_board(name) for name in board_names()]
    assert len(listed.splitlines()) < 2 * len(boards)
    for board in boards:
        page = run(capsys, "boards", board.name)[1]
        assert max(map(len, page.splitlines())) <= 80
        words = " ".join(page.split())
        assert board.tried in words and ", ".join(one.method for one in board.flash_methods) in words
        assert board.name == "native" or "never" in board.tried


def test_every_verb_takes_quiet_and_verbose() -> None:
    for command in cli.axedge.commands.values():
        assert [one.name for one in command.params].count("quiet") == 1
        assert [one.name for one in command.params].count("verbose") == 1


def test_version_names_what_axedge_works_with_and_imports_none_of_it() -> None:
    script = (
        "import sys; from axedge import cli\n"
        "try: cli.main(['--version'])\n"
        "except SystemExit: pass\n"
        "print('heavy:', sorted({'tensorflow', 'tflite_micro', 'numpy'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    lines = answer.stdout.splitlines()
    assert lines[0].startswith("axedge ")
    assert lines[-1] == "heavy: []"
    for name in ("tensorflow", "tflite-micro", "Arm compiler", "QEMU for Arm", "host C compiler"):
        assert any(line.strip().startswith(name) for line in lines), name


def test_listings_fit_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("kernels", "boards", "doctor"):
        with contextlib.suppress(SystemExit):
            cli.run([verb])
        out = capsys.readouterr().out
        tabled = [line for line in out.splitlines() if not line.startswith(("Install", "Optional"))]
        assert max(map(len, tabled)) <= 80, verb


@pytest.mark.parametrize(("colour", "escapes"), [("0", False), ("1", True)])
def test_colour_on_a_terminal_only_and_not_with_no_color(colour: str, escapes: bool) -> None:
    """The error's line is red on a terminal, but for NO_COLOR; a pipe never sees an escape sequence."""
    environment = {**os.environ, "TERM": "xterm", **({} if colour == "1" else {"NO_COLOR": "1"})}
    environment.pop("CI", None)
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "axedge.cli", "train", "nope"]
    subprocess.run(command, stderr=terminal, stdout=terminal, env=environment, check=False)
    os.close(terminal)
    said = os.read(controller, 10_000)
    os.close(controller)
    assert b"no kernel is called" in said
    assert (b"\x1b[31m" in said) == escapes
    piped = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert b"\x1b" not in piped.stderr + piped.stdout


def test_results_go_to_stdout_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "kernels", "--json")
    assert code == 0
    body = json.loads(out)
    assert body["schema"] == 1
    assert "inversek2j" in [row["name"] for row in body["kernels"]]
    assert err == ""


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from axedge import cli\n"
        "try: cli.main(['train', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'tensorflow', 'numpy', 'pydantic', 'scipy', 'serial', 'jinja2'} & set(sys.modules)\n"
        "print('heavy:', sorted(heavy))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines()[-1] == "heavy: []"


def test_a_closed_pipe_is_no_traceback() -> None:
    answer = subprocess.run(
        f"{sys.executable} -m axedge.cli kernels --json | head -c 1",
        shell=True,
        capture_output=True,
        text=True,
        env=os.environ,
        check=False,
    )
    assert answer.stderr == ""
