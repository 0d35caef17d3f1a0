"""docs/protocol.md: its worked examples are executed, and sixty lines written from it alone talk to the firmware."""

import json
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from cobs import cobs
from fake_board import HELLO, FakeBoard, answers

from axedge.firmware.boards import load_board
from axedge.host import messages
from axedge.host.emulator import Emulator
from axedge.host.frame import MORE, REPLY, Frame, decode, encode
from axedge.host.messages import ErrorReply, Hello, Mode, Type

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"
CLIENT = Path(__file__).with_name("sixty_lines.py")


def page_examples():
    """Return (bytes before COBS, bytes on the line) of each worked example, in order."""
    text = PAGE.read_text(encoding="utf-8")
    pattern = r"before COBS: +([0-9A-F ]+)\n +(?:on the line|received): +([0-9A-F ]+)$"
    return [tuple(map(bytes.fromhex, pair)) for pair in re.findall(pattern, text, re.MULTILINE)]


def run_record():
    return np.array([(0, 110, (0.5, -1.0))], messages.record_dtype(Mode.GATED, 2))


def vector_record():
    return np.array([((1, -2), 12)], messages.vector_dtype(8, 2))


BUILD = 0x01234567
FRAMES = [
    Frame(Type.HELLO, 1, 0),
    Frame(Type.RUN, 2, BUILD, messages.run_request(Mode.GATED, np.array([[0.5, 0.25]], np.float32))),
    Frame(Type.RUN | REPLY, 2, BUILD, messages.run_reply(Mode.GATED, run_record())),
    Frame(Type.VECTORS | MORE, 3, BUILD, messages.vectors_request(np.array([[-128, 127]]), 8)),
    Frame(Type.VECTORS | REPLY, 3, BUILD, messages.vectors_reply(vector_record())),
    Frame(Type.ERROR, 4, 0x89ABCDEF, ErrorReply(4, Type.RUN, 0xFEDCBA9889ABCDEF).pack()),
]


@pytest.mark.host
def test_every_example_of_the_page_is_what_the_host_sends_and_reads():
    examples = page_examples()
    assert len(examples) == len(FRAMES)
    for (raw, line), frame in zip(examples, FRAMES, strict=True):
        assert encode(frame) == line
        assert decode(line[:-1]) == frame
        assert cobs.decode(line[:-1]) == raw


@pytest.mark.host
def test_the_table_of_the_run_reply_spells_its_bytes():
    rows = re.findall(r"^\| ([0-9A-F]{2}(?: [0-9A-F]{2})*) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert bytes.fromhex(" ".join(rows)) == page_examples()[2][0]


def _ask(port, x):
    words = [str(value) for value in np.asarray(x).ravel()]
    done = subprocess.run(
        [sys.executable, "-I", str(CLIENT), str(port), *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.host
def test_sixty_lines_talk_to_a_fake_board():
    assert len(CLIENT.read_text().splitlines()) <= 60 and "axedge" not in CLIENT.read_text()
    x = np.array([[0.25, 0.5], [3.0, 1.0], [np.nan, 0.0]], np.float32)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            board, (line, _) = FakeBoard(), server.accept()
            while data := line.recv(4096):
                for _, reply in board.receive(data):
                    line.sendall(reply)

        threading.Thread(target=serve, daemon=True).start()
        answer = _ask(server.getsockname()[1], x)
    assert answer["hello"] == {"board": "fake", "model": HELLO.model_hash_hex, "inputs": 2}
    path, approximate, exact = answers(x)
    assert [row[0] for row in answer["run"]] == path.tolist()
    np.testing.assert_allclose([answer["run"][0][1], answer["run"][1][1]], [approximate[0], exact[1]])


@pytest.mark.cc
def test_sixty_lines_talk_to_the_firmware(stand_in):
    x = [[0.25, 0.5], [-0.5, 0.25], [3.0, 1.0]]
    with Emulator(load_board("native"), stand_in.image_folder("native") / "firmware.elf") as emulator:
        answer = _ask(int(emulator.url.rpartition(":")[2]), x)
    assert answer["hello"]["board"] == "native"
    assert answer["run"] == [[0, [0.75, -0.25]], [1, [-0.25, -0.75]], [2, [4.0, 2.0]]]


@pytest.mark.host
def test_hello_is_as_long_as_the_page_says():
    assert len(Hello.pack(HELLO)) == 8 + 8 + 4 + 16 + 4 + 12 + 24 + 5 + 11
