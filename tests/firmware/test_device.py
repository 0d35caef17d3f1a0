"""The command core against docs/protocol.md: HELLO, RUN, VECTORS, and every refusal."""

import math
import struct

import pytest
from client import APPROXIMATE, BOTH, EXACT, GATED, HELLO, HELLO_FIELDS, HELLO_LAYOUT, MORE, RUN, VECTORS, frame
from harness import BUILD, BUILD_ID, replies
from hypothesis import given, settings
from hypothesis import strategies as st

from axedge.firmware.boards import FIRMWARE

pytestmark = pytest.mark.cc

BAD_TYPE, BAD_LENGTH, BAD_MODE, WRONG_IMAGE, NO_EXACT, NO_NETWORK, REPLY_TOO_LARGE, ENGINE_INIT, ENGINE_RUN = range(
    1, 10
)
NO_ENGINE = 2


def floats(*values):
    return struct.pack(f"<{len(values)}f", *values)


def run(mode, *rows):
    return bytes([mode, len(rows)]) + b"".join(floats(*row) for row in rows)


def test_hello_tells_everything(harness):
    reply, body = harness.start(bits=16).ask(HELLO, build=0)
    values = dict(zip(HELLO_FIELDS, HELLO_LAYOUT.unpack_from(body), strict=True))
    assert reply == 0x81
    assert body[HELLO_LAYOUT.size :] == b"\x07harness\x03sum"
    assert values == {
        "protocol": 2,
        "engine": 0,
        "activation_bits": 16,
        "inputs": 2,
        "outputs": 2,
        "has_exact": 1,
        "tick_source": 3,
        "reset_cause": 4,
        "tick_hz": 1000,
        "tick_overhead": 3,
        "frame_max": 256,
        "credit": 1024,
        "model_hash": 0x0123456789ABCDEF,
        "build_id": BUILD_ID,
        "threshold": -5,
        "eps": 0.25,
        "delta": 0.5,
        "calibration_count": 200_000,
        "flash_bytes": 0,
        "ram_bytes": 0,
        "stack_bytes": 0,
        "stack_peak_bytes": 0,
        "arena_bytes": 4321,
        "bad_frames": 0,
    }


def test_replies_carry_seq_and_build(harness):
    ((_, seq, build, _),) = replies(harness.start().feed(frame(HELLO, 0xBEEF, BUILD)))
    assert (seq, build) == (0xBEEF, BUILD)


@pytest.mark.parametrize("mode", [GATED, APPROXIMATE, EXACT])
def test_run_answers_each_sample(harness, mode):
    reply, body = harness.start().ask(RUN, run(mode, (1, 2), (-1, 2)))
    assert reply == 0x82
    assert body[:2] == bytes([mode, 2])
    first, second = struct.iter_unpack("<BI2f", body[2:])
    assert first == (1 if mode == EXACT else 0, 10, 3.0, 4.0)
    assert second == (1, 10, 1.0, 2.0)


def test_run_both_gives_network_and_exact(harness):
    _, body = harness.start(outputs=1).ask(RUN, run(BOTH, (1, 2), (-1, 2)))
    assert list(struct.iter_unpack("<BIIff", body[2:])) == [(0, 10, 10, 3.0, 3.0), (1, 10, 10, 1.0, 1.0)]


def test_outputs_that_the_engine_left_alone_are_nan(harness):
    harness.start(has_exact=False)
    for mode, row, path in ((GATED, (-1, 0), 1), (GATED, (0, 99), 2), (APPROXIMATE, (0, 99), 2)):
        _, body = harness.ask(RUN, run(mode, (1, 1), row))
        _, record = struct.iter_unpack("<BI2f", body[2:])
        assert record[0] == path
        assert all(math.isnan(value) for value in record[2:]), (mode, row)


def test_an_empty_batch_is_answered_empty(harness):
    assert harness.start().ask(RUN, bytes([GATED, 0])) == (0x82, bytes([GATED, 0]))
    assert harness.start().ask(VECTORS, bytes([0])) == (0x83, bytes([0]))


@given(bits=st.sampled_from([8, 16]), data=st.data())
@settings(max_examples=50, deadline=None)
def test_vectors_of_any_width(harness, bits, data):
    inputs, outputs = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5))
    codes = inputs * data.draw(st.sampled_from([1, 2]))
    limit = 1 << (bits - 1)
    code = st.integers(-limit, limit - 1 - outputs)
    rows = data.draw(st.lists(st.lists(code, min_size=codes, max_size=codes), max_size=8))
    letter = {8: "b", 16: "h"}[bits]
    payload = bytes([len(rows)]) + b"".join(struct.pack(f"<{codes}{letter}", *row) for row in rows)
    reply, body = harness.start(inputs, outputs, codes=codes, bits=bits).ask(VECTORS, payload)
    assert reply == 0x83
    found = list(struct.iter_unpack(f"<{outputs + 1}{letter}", body[1:]))
    assert found == [(*(row[0] + j for j in range(outputs)), row[-1]) for row in rows]


def test_unknown_types_are_refused(harness):
    harness.start()
    for kind in (0x00, 0x04, 0x3F, 0x81, 0xBF):
        assert harness.error(kind) == (BAD_TYPE, kind, kind)


def test_lengths_that_do_not_fit_are_refused(harness):
    harness.start()
    assert harness.error(HELLO, b"x") == (BAD_LENGTH, HELLO, 0)
    assert harness.error(RUN) == (BAD_LENGTH, RUN, 2)
    assert harness.error(RUN, b"\0") == (BAD_LENGTH, RUN, 2)
    assert harness.error(RUN, run(GATED, (1, 2)) + b"x") == (BAD_LENGTH, RUN, 10)
    assert harness.error(RUN, bytes([GATED, 255])) == (BAD_LENGTH, RUN, 2 + 255 * 8)
    assert harness.error(VECTORS) == (BAD_LENGTH, VECTORS, 1)
    assert harness.error(VECTORS, bytes([1, 2])) == (BAD_LENGTH, VECTORS, 3)


def test_unknown_modes_are_refused(harness):
    assert harness.start().error(RUN, run(4, (1, 2))) == (BAD_MODE, RUN, 4)
    assert harness.error(RUN, run(255, (1, 2))) == (BAD_MODE, RUN, 255)


def test_another_image_is_refused_with_the_build_id(harness):
    harness.start()
    for kind in (HELLO, RUN, VECTORS, 0x20):
        assert harness.error(kind, build=BUILD ^ 1) == (WRONG_IMAGE, kind, BUILD_ID)
    assert harness.error(RUN, run(GATED, (1, 2)), build=0) == (WRONG_IMAGE, RUN, BUILD_ID)


def test_modes_that_need_an_exact_function_are_refused_without(harness):
    harness.start(has_exact=False)
    for mode in (EXACT, BOTH):
        assert harness.error(RUN, run(mode, (1, 2))) == (NO_EXACT, RUN, mode)


def test_modes_that_need_a_network_are_refused_without(harness):
    harness.start(engine=NO_ENGINE)
    for mode in (APPROXIMATE, BOTH):
        assert harness.error(RUN, run(mode, (1, 2))) == (NO_NETWORK, RUN, mode)
    assert harness.error(VECTORS, bytes([1, 1, 1])) == (NO_NETWORK, VECTORS, 0)
    assert harness.ask(RUN, run(GATED, (1, 2)))[0] == 0x82


def test_a_reply_that_would_not_fit_is_refused_with_the_count_that_would(harness):
    harness.start(inputs=1, outputs=8)
    code, request, fits = harness.error(RUN, run(GATED, *[(1,)] * 50))
    assert (code, request) == (REPLY_TOO_LARGE, RUN)
    reply, body = harness.ask(RUN, run(GATED, *[(1,)] * fits))
    assert (reply, body[1]) == (0x82, fits)
    assert harness.error(RUN, run(GATED, *[(1,)] * (fits + 1)))[0] == REPLY_TOO_LARGE


def test_a_network_that_cannot_be_set_up_leaves_hello_and_the_exact_function(harness):
    harness.start(status=-ENGINE_INIT)
    assert harness.ask(HELLO)[0] == 0x81
    assert harness.ask(RUN, run(EXACT, (1, 2)))[0] == 0x82
    for mode in (GATED, APPROXIMATE, BOTH):
        assert harness.error(RUN, run(mode, (1, 2))) == (ENGINE_INIT, RUN, 4321)
    assert harness.error(VECTORS, bytes([1, 1, 1])) == (ENGINE_INIT, VECTORS, 4321)


def test_a_failing_run_names_the_sample(harness):
    harness.start()
    assert harness.error(RUN, run(GATED, (1, 2), (3, 4), (77, 1))) == (ENGINE_RUN, RUN, 2)


def test_a_window_is_answered_in_order_when_it_is_whole(harness):
    harness.start()
    first, second, last = (
        frame(RUN | MORE, 1, BUILD, run(GATED, (1, 2))),
        frame(HELLO | MORE, 2, 0),
        frame(0x22, 3, BUILD),
    )
    assert harness.feed(first + second) == b""
    answers = replies(harness.feed(last))
    assert [(kind, seq) for kind, seq, _, _ in answers] == [(0x82, 1), (0x81, 2), (0xFF, 3)]


def test_every_error_of_the_list_was_seen_above():
    text = (FIRMWARE / "include" / "axe_errors.def").read_text()
    names = [line.split("(")[1].split(",")[0] for line in text.splitlines() if line.startswith("AXE_ERROR(")]
    assert [globals()[name] for name in names] == list(range(1, len(names) + 1))
