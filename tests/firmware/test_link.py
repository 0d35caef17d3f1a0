"""Receiving: whatever comes in, good frames come through, and damaged ones are dropped and counted."""

import struct
import zlib

import pytest
from client import HELLO, HELLO_FIELDS, HELLO_LAYOUT, MORE, RUN, frame
from cobs import cobs
from harness import BUILD, replies
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.cc

FRAME_MAX, CREDIT = 256, 1024


def bad_frames(harness):
    _, body = harness.ask(HELLO)
    return dict(zip(HELLO_FIELDS, HELLO_LAYOUT.unpack_from(body), strict=True))["bad_frames"]


def echo_request(seq, size, more=False):
    """A request whose refusal shows that it came through: an unknown type with any payload."""
    payload = bytes((seq * 7 + i) % 256 for i in range(size))
    return frame(0x20 | (MORE if more else 0), seq, BUILD, payload)


def seqs(data):
    return [seq for _, seq, _, _ in replies(data)]


@given(st.binary(max_size=600))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_survived(harness, noise):
    harness.start(credit=CREDIT, frame_max=FRAME_MAX)
    harness.feed(noise)
    assert seqs(harness.feed(b"\0" + frame(HELLO, 9, 0)))[-1] == 9


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_changed_byte_never_comes_through(harness, data):
    harness.start()
    good = bytearray(frame(RUN, 1, BUILD, b"\0\1" + struct.pack("<2f", 1, 2)))
    index = data.draw(st.integers(0, len(good) - 1))
    good[index] ^= data.draw(st.integers(1, 255))
    assert harness.feed(bytes(good)) == b""
    assert seqs(harness.feed(b"\0" + frame(HELLO, 9, 0))) == [9]


@given(st.lists(st.tuples(st.integers(0, 200), st.booleans()), min_size=1, max_size=12))
@settings(max_examples=200, deadline=None)
def test_frames_split_anywhere_come_through_once_and_in_order(harness, frames):
    harness.start(credit=8192, frame_max=FRAME_MAX)
    stream = b"".join(echo_request(i, size, i + 1 < len(frames)) for i, (size, _) in enumerate(frames))
    sent = b"".join(harness.feed(stream[i : i + 1]) for i in range(len(stream)))
    assert seqs(sent) == list(range(len(frames)))


def test_each_damage_is_counted_once(harness):
    harness.start(credit=CREDIT, frame_max=FRAME_MAX)
    damaged = bytearray(frame(HELLO, 1, 0))
    damaged[4] ^= 0x55
    short = cobs.encode(b"\1\2\3\4\5\6" + struct.pack("<I", zlib.crc32(b"\1\2\3\4\5\6"))) + b"\0"
    for number, junk in enumerate((bytes(damaged), short, b"\x05ab\0", b"\xff" * 700 + b"\0"), start=1):
        assert harness.feed(junk) == b""
        assert bad_frames(harness) == number


def test_empty_frames_are_not_damage(harness):
    harness.start()
    assert harness.feed(b"\0" * 50) == b""
    assert bad_frames(harness) == 0


def test_the_largest_frame_comes_through_and_one_byte_more_does_not(harness):
    harness.start(credit=CREDIT, frame_max=FRAME_MAX)
    size = next(size for size in range(FRAME_MAX, 0, -1) if len(echo_request(3, size)) == FRAME_MAX)
    assert seqs(harness.feed(echo_request(3, size))) == [3]
    assert len(echo_request(3, size + 1)) == FRAME_MAX + 1
    assert harness.feed(echo_request(3, size + 1)) == b""
    assert bad_frames(harness) == 1


@given(st.binary(min_size=245, max_size=800))
@settings(max_examples=100, deadline=None)
def test_blocks_of_254_bytes_and_more_decode(harness, payload):
    harness.start(credit=2048, frame_max=1024)
    payload = payload.replace(b"\0", b"\1")
    assert seqs(harness.feed(frame(0x21, 5, BUILD, payload))) == [5]


def test_a_window_as_large_as_the_credit_is_taken_whole(harness):
    harness.start(credit=CREDIT, frame_max=FRAME_MAX)
    frames, used = [], 0
    while used + FRAME_MAX <= CREDIT:
        size = next(s for s in range(FRAME_MAX, 0, -1) if len(echo_request(len(frames), s, True)) == FRAME_MAX)
        frames.append(echo_request(len(frames), size, used + 2 * FRAME_MAX <= CREDIT))
        used += FRAME_MAX
    assert used == CREDIT
    assert seqs(harness.feed(b"".join(frames))) == list(range(len(frames)))


def test_a_stale_window_gives_way_to_the_next(harness):
    """Frames whose window lost its end wait; when the next window needs the room they are dropped, nothing else is."""
    harness.start(credit=300, frame_max=FRAME_MAX)
    assert harness.feed(echo_request(1, 100, more=True)) == b""
    assert harness.feed(echo_request(2, 100, more=True)) == b""
    assert seqs(harness.feed(echo_request(3, 220))) == [3]
    assert seqs(harness.feed(echo_request(4, 10, more=True) + echo_request(5, 10))) == [4, 5]
    assert bad_frames(harness) == 0


def test_a_lost_end_costs_only_that_window(harness):
    harness.start(credit=CREDIT, frame_max=FRAME_MAX)
    broken = bytearray(echo_request(2, 20))
    broken[5] ^= 1
    assert harness.feed(echo_request(1, 20, more=True) + bytes(broken)) == b""
    assert seqs(harness.feed(echo_request(1, 20, more=True) + echo_request(2, 20))) == [1, 1, 2]


@given(st.integers(1, 60), st.sampled_from([128, 200, 256, 300, 512, 1024]))
@settings(max_examples=200, deadline=None)
def test_no_reply_is_larger_than_frame_max(harness, outputs, frame_max):
    harness.start(inputs=1, outputs=outputs, frame_max=frame_max, credit=2048)
    for count in range(30):
        sent = harness.feed(frame(RUN, 1, BUILD, bytes([3, count]) + struct.pack(f"<{count}f", *[0.1] * count)))
        assert len(sent) <= frame_max
