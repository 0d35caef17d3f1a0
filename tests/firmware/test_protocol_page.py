"""The worked examples of docs/protocol.md are what the client sends and what the device understands."""

import re
import struct
from pathlib import Path

import pytest
from client import GATED, HELLO, RUN, frame
from harness import BUILD_ID, replies

pytestmark = pytest.mark.cc

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"


def examples():
    text = PAGE.read_text(encoding="utf-8")
    return [bytes.fromhex(line) for line in re.findall(r"on the line: +([0-9A-F ]+)$", text, re.MULTILINE)]


def test_the_examples_are_what_a_client_sends():
    hello, run = examples()
    assert hello == frame(HELLO, 1, 0)
    assert run == frame(RUN, 2, 0x01234567, struct.pack("<BB2f", GATED, 1, 0.5, 0.25))


def test_the_examples_are_understood(harness):
    hello, run = examples()
    harness.start()
    assert [(kind, seq) for kind, seq, _, _ in replies(harness.feed(hello))] == [(0x81, 1)]
    ((kind, seq, _, body),) = replies(harness.feed(run))
    assert (kind, seq, struct.unpack("<BBQ", body)[2]) == (0xFF, 2, BUILD_ID), "it is for another image"
