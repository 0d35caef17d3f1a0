"""Payloads: what is packed comes back, what does not fit is refused, and a trace says what a frame holds."""

import io
from dataclasses import replace

import numpy as np
import pytest
from fake_board import HELLO
from hypothesis import given
from hypothesis import strategies as st

from axedge.host import messages
from axedge.host.error_codes import error_code, error_table, parse_error_table
from axedge.host.frame import MORE, REPLY, Frame, FrameError
from axedge.host.messages import ErrorReply, Hello, MessageError, Mode, Type
from axedge.host.trace import describe, tracer

pytestmark = pytest.mark.host

bytes_, words, longs = st.integers(0, 255), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
counts, names = st.integers(1, 255), st.text(st.characters(categories=["L", "N", "P"]), max_size=60)
hellos = st.builds(
    Hello, st.just(2), bytes_, st.sampled_from([8, 16]), counts, counts, st.booleans(), bytes_, bytes_,
    st.integers(1, 2**32 - 1), words, st.integers(1, 1024), st.integers(1024, 65535), longs, longs,
    st.integers(-(2**31), 2**31 - 1),
    st.floats(0, 1, width=32), st.floats(0, 1, width=32), words, words, words, words, words, words, words, names, names,
)  # fmt: skip


@given(hellos)
def test_hello_comes_back(hello):
    assert Hello.unpack(hello.pack()) == hello


@given(hellos, st.data())
def test_a_cut_or_lengthened_hello_is_refused(hello, data):
    whole = hello.pack()
    with pytest.raises(MessageError):
        Hello.unpack(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(MessageError):
        Hello.unpack(whole + b"x")


@pytest.mark.parametrize(
    "lie",
    [
        *({name: 0} for name in ("inputs", "outputs", "tick_hz", "frame_max", "credit")),
        {"activation_bits": 9},
        {"frame_max": 2048},
        {"board": "\x1b[2J"},
    ],
)
def test_a_hello_that_no_board_can_mean_is_refused(lie):
    with pytest.raises(MessageError, match="a HELLO tells"):
        Hello.unpack(replace(HELLO, **lie).pack())


def test_hello_stands_where_the_page_says():
    payload = HELLO.pack()
    assert payload[:8] == bytes([2, 0, 8, 2, 2, 1, 3, 1])
    assert payload[8:16] == (16_000_000).to_bytes(4, "little") + (10).to_bytes(4, "little")
    assert payload[48:52] == (1000).to_bytes(4, "little")
    assert payload[76:] == b"\x04fake\x0ainversek2j"
    assert (HELLO.engine_name, HELLO.tick_source_name, HELLO.reset_cause_name) == ("aot", "timer", "power-on")
    assert (HELLO.build_id_hex, HELLO.build_low) == ("1122334455667788", 0x55667788)


@pytest.mark.parametrize(("mode", "size"), [(Mode.GATED, 1 + 4 + 12), (Mode.BOTH, 1 + 8 + 24)])
def test_records_have_the_size_of_the_page(mode, size):
    assert messages.record_dtype(mode, 3).itemsize == size


@given(st.binary(max_size=60), st.sampled_from(list(Mode)), st.integers(0, 255))
def test_no_payload_but_the_right_one_is_taken_for_a_run_reply(payload, mode, count):
    layout = messages.record_dtype(mode, 2)
    try:
        records = messages.parse_run_reply(payload, mode, count, layout)
    except MessageError:
        return
    assert messages.run_reply(mode, records) == payload
    assert records["path"].max(initial=0) <= 2


def test_a_run_reply_with_an_unknown_path_is_refused():
    records = np.zeros(2, messages.record_dtype(Mode.GATED, 1))
    records["path"] = [0, 3]
    with pytest.raises(MessageError, match="path 3"):
        messages.parse_run_reply(messages.run_reply(Mode.GATED, records), Mode.GATED, 2, records.dtype)


@pytest.mark.parametrize(("bits", "width"), [(8, 1), (16, 2)])
def test_vectors_round_trip(bits, width):
    codes = np.array([[-128, 127], [0, -1]])
    request = messages.vectors_request(codes, bits)
    assert request[0] == 2 and len(request) == 1 + 4 * width
    layout = messages.vector_dtype(bits, 2)
    reply = messages.vectors_reply(np.array([((1, -2), -3)], layout))
    assert len(reply) == 1 + 3 * width
    record = messages.parse_vectors_reply(reply, 1, layout)[0]
    assert (record["answer"].tolist(), record["logit"]) == ([1, -2], -3)
    with pytest.raises(MessageError):
        messages.parse_vectors_reply(reply, 2, layout)


def test_every_error_of_the_firmware_has_a_text():
    table = error_table()
    assert error_code("WRONG_IMAGE") in table and error_code("NO_EXACT") in table
    assert all(text for _, text in table.values())
    refusal = ErrorReply(error_code("WRONG_IMAGE"), Type.RUN, 7)
    assert ErrorReply.unpack(refusal.pack()) == refusal
    assert (refusal.name, ErrorReply(250, 1).name) == ("WRONG_IMAGE", "ERROR 250")


def test_an_error_list_with_a_code_twice_is_refused():
    assert parse_error_table('AXE_ERROR(A, 1, "a")\nAXE_ERROR(B, 2, "b")') == {1: ("A", "a"), 2: ("B", "b")}
    for source in ("", 'AXE_ERROR(A, 1, "a")\nAXE_ERROR(B, 1, "b")'):
        with pytest.raises(ValueError, match="twice"):
            parse_error_table(source)


@pytest.mark.parametrize(
    ("frame", "words_in_it"),
    [
        (Frame(Type.HELLO, 1, 0), "HELLO          seq     1 build 00000000     0 B"),
        (Frame(Type.HELLO | REPLY, 1, 2, HELLO.pack()), "fake runs inversek2j, model 0123456789abcdef"),
        (Frame(Type.RUN | MORE, 9, 2, b"\x03\x05" + bytes(40)), "RUN+more"),
        (Frame(Type.RUN | REPLY, 9, 2, b"\x03\x05"), "both, 5 samples"),
        (Frame(Type.VECTORS, 9, 2, b"\x07"), "7 vectors"),
        (Frame(Type.ERROR, 9, 2, ErrorReply(4, 2, 255).pack()), "WRONG_IMAGE: the request is meant for another image"),
        (Frame(Type.RUN, 9, 2, b"\x63"), "unreadable: 63"),
        (Frame(0x07, 9, 2, b"\x63"), "type 0x07"),
        (FrameError("crc"), "damaged (crc)"),
    ],
)
def test_a_trace_says_what_a_frame_holds(frame, words_in_it):
    out = io.StringIO()
    tracer(out)(">", frame)
    assert words_in_it in out.getvalue() and out.getvalue().count("\n") == 1


@given(st.integers(0, 255), st.binary(max_size=90))
def test_any_frame_can_be_traced(kind, payload):
    assert describe(Frame(kind, 0, 0, payload))
