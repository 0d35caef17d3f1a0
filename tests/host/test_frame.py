"""The codec by its properties: what goes in comes out, damage never does, and no bytes stop the decoder."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axedge.host.frame import Decoder, Frame, FrameError, decode, encode, encoded_bytes, payload_room

pytestmark = pytest.mark.host

frames = st.builds(
    Frame, st.integers(0, 255), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), st.binary(max_size=700)
)


@given(frames)
def test_decoding_undoes_encoding(frame):
    line = encode(frame)
    assert line.endswith(b"\0") and b"\0" not in line[:-1]
    assert decode(line[:-1]) == frame
    assert len(line) <= encoded_bytes(len(frame.payload))


@given(st.integers(0, 2000))
def test_the_room_in_a_frame_is_the_largest_payload_that_fits(frame_bytes):
    room = payload_room(frame_bytes)
    if room >= 0:
        assert len(encode(Frame(0, 0, 0, b"x" * room))) <= frame_bytes
    assert encoded_bytes(max(room, -1) + 1) > frame_bytes


@given(frames, st.data())
def test_one_changed_byte_is_always_noticed(frame, data):
    line = bytearray(encode(frame)[:-1])
    where = data.draw(st.integers(0, len(line) - 1))
    line[where] ^= data.draw(st.integers(1, 255))
    outcomes = list(Decoder().feed(bytes(line) + b"\0"))
    assert outcomes and all(isinstance(outcome, FrameError) for outcome in outcomes)


@given(st.lists(frames, max_size=6), st.data())
def test_frames_survive_any_cutting_of_the_stream(sent, data):
    stream = b"".join(map(encode, sent))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    decoder, received = Decoder(), []
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        received += decoder.feed(stream[start:stop])
    assert received == sent
    assert (decoder.good, decoder.damaged) == (len(sent), 0)


@given(st.lists(st.binary(max_size=300), max_size=20), frames)
def test_any_bytes_leave_the_decoder_able_to_read_the_next_frame(noise, frame):
    decoder = Decoder(longest=1000)
    for piece in noise:
        list(decoder.feed(piece))
        assert len(decoder._kept) <= decoder.longest
    list(decoder.feed(b"\0"))
    assert list(decoder.feed(encode(frame))) == [frame]


def test_a_run_without_end_is_dropped_and_counted_once():
    decoder = Decoder(longest=10)
    assert list(decoder.feed(b"x" * 8)) == []
    assert list(decoder.feed(b"x" * 8)) == []
    (damage,) = decoder.feed(b"x\0")
    assert damage.kind == "long" and decoder.damaged == 1


@pytest.mark.parametrize(
    ("encoded", "kind"),
    [(b"\x05ab", "cobs"), (b"\x03ab", "short"), (encode(Frame(1, 2, 3))[:-2] + b"\x77", "crc")],
)
def test_damage_is_named(encoded, kind):
    with pytest.raises(FrameError) as caught:
        decode(encoded)
    assert caught.value.kind == kind


def test_the_crc_is_zlibs_over_everything_before_it():
    # COBS of 01 34 12 00 00 00 00 + crc: the zeros become code bytes.
    body = bytes.fromhex("01341200000000")
    crc = zlib.crc32(body).to_bytes(4, "little")
    assert encode(Frame(1, 0x1234, 0)) == bytes.fromhex("04013412010101") + bytes([1 + len(crc)]) + crc + b"\0"
