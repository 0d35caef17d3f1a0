from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from axedge import cli
from axedge.artifacts.errors import CheckFailed, DeviceError

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
        (["bench", "inversek2j", "--board", "microbit"], "Run `axedge convert` first"),
        (["bench", "--board", "microbit"], "holds no kernel yet"),
        (["bench", "inversek2j", "--board", "microbit", "--fresh", "--inputs", "x"], "exclude each other"),
        (["bench", "inversek2j", "--board", "microbit", "--engine", "both", "--resume"], "one engine's bench"),
        (["build", "inversek2j", "--board", "microbit", "--engine", "tflm", "--arena", "8"], "--arena"),
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


def test_verbose_adds_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "--verbose", "train", "inversekj2")
    assert code == 2
    assert "Traceback" in err


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
