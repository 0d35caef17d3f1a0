"""docs/boards.md: every figure of out/boards.json in its place, and what was not measured left open."""

from dataclasses import asdict

import pytest

from benchmarks.boards import Row
from benchmarks.boards_page import page

pytestmark = pytest.mark.host


def test_the_page_holds_what_was_measured_and_no_more():
    figures = {"unit": "cycles", "approximate": 901.4, "exact": 9686.4, "gated": 2877.0, "speedup": 3.367}
    figures |= {"invocation": 0.794, "vectors": 1024}
    rows = [
        Row("rpi-pico", "wetbulb", "", "cc 1", 13164, 9572, 8192, 2832, 0.0764, 539.2, **figures),
        Row("microbit-v2", "wetbulb", "", "cc 1", 7884, 9572, 4096, 1704),
        Row("arduino-uno", "wetbulb", "the image does not fit."),
    ]
    text = page({"samples": 500, "rows": [asdict(row) for row in rows]})
    assert "| rpi-pico | 13,164 B | 2,832 B | 9,572 B | 76 ms | 539 | 901 | 9,686 | 2,877 | cycles | 3.37 |" in text
    assert "| microbit-v2 | 7,884 B | 1,704 B | 9,572 B | - | - | - | - | - | - | - |" in text
    assert "arduino-uno: the image does not fit." in text
    assert "500 samples" in text and "1,024 stored vectors" in text and "used on 79.4 %" in text
    assert "| rp2040js |" in text and "| - (built only) |" in text and "| simavr |" in text
