"""Boards as data."""

import pytest

from axedge.artifacts.errors import UsageError
from axedge.firmware import boards
from axedge.firmware.boards import BOARDS, board_names, load_board

pytestmark = pytest.mark.host


@pytest.mark.parametrize("name", board_names())
def test_every_board_loads(name):
    board = load_board(name)
    assert board.name == name
    assert board.title and board.tried.endswith(".")
    assert (board.linker_script == "") or (board.folder / board.linker_script).is_file()


def test_folders_without_a_description_are_no_boards():
    assert all(not name.startswith("_") for name in board_names())
    assert {"microbit", "microbit-v2", "mps2-an386", "native"} <= set(board_names())


def test_an_unknown_board_gets_the_nearest_name():
    with pytest.raises(UsageError, match=r"there is no board 'micro:bit'\. Did you mean microbit"):
        load_board("micro:bit")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ('core = "cortex-m0"', "colour: Extra inputs are not permitted"),
        ('"board.c", ', "sources not found: nothing.c"),
        ("stack_bytes = 2048", "a microcontroller needs memories and stack_bytes"),
        ("credit = 2048", "link.credit must hold at least one frame"),
        ('machine = "microbit"', "emulator.qemu.machine: Field required"),
        ("hz = 16_000_000", "timer.hz: Field required"),
        ('usb = ["0d28:0204"]', "usb.0: String should match"),
        ('title = "', "is not TOML"),
    ],
)
def test_a_mistake_in_a_description_is_one_line(tmp_path, monkeypatch, change, expected):
    wrong = {
        'core = "cortex-m0"': 'core = "cortex-m0"\ncolour = "red"',
        '"board.c", ': '"nothing.c", ',
        "stack_bytes = 2048": "",
        "credit = 2048": "credit = 128",
        'machine = "microbit"': "",
        "hz = 16_000_000": "",
        'usb = ["0d28:0204"]': 'usb = ["0D28"]',
        'title = "': "title = ",
    }[change]
    for name in ("_nrf5", "_cortex_m", "microbit"):
        (tmp_path / name).mkdir()
        for path in (BOARDS / name).iterdir():
            (tmp_path / name / path.name).write_bytes(path.read_bytes())
    description = tmp_path / "microbit" / "board.toml"
    text = description.read_text()
    assert change in text
    description.write_text(text.replace(change, wrong))
    monkeypatch.setattr(boards, "BOARDS", tmp_path)
    with pytest.raises(UsageError) as caught:
        load_board("microbit")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
