"""The link over a virtual line: clean, faulty, silent, chattering, reset, unplugged. No test waits for the clock."""

from dataclasses import replace

import numpy as np
import pytest
from fake_board import BUILD_ID, HELLO, Clock, FakeBoard, VirtualLine, answers, codes_answer, other_image
from faults import FAULTS, Injector
from hypothesis import given, settings
from hypothesis import strategies as st

from axedge.artifacts.errors import AxedgeError, DeviceError, PortError, UsageError, WrongImage
from axedge.host.device import Device, RunResult
from axedge.host.frame import Frame, decode, encode
from axedge.host.link import Link
from axedge.host.messages import Mode, Type
from axedge.host.timing import Deadlines

pytestmark = pytest.mark.host


def inputs(samples, seed=0):
    return np.random.default_rng(seed).uniform(-1, 2, (samples, 2)).astype(np.float32)


def connect(board, *, clock=None, trace=None, deadlines=None, build_id=None, **line):
    clock = clock or Clock()
    link = Link(
        lambda: VirtualLine(board, clock, **line), clock=clock, sleep=clock.sleep, trace=trace, deadlines=deadlines
    )
    return Device(link, build_id=build_id)


def assert_right(result, x):
    path, approximate, exact = answers(x)
    assert result.complete
    np.testing.assert_array_equal(result["path"], path)
    np.testing.assert_array_equal(result["approximate"], approximate)
    np.testing.assert_array_equal(result["exact"], exact)


def test_a_clean_line_answers_each_sample_once():
    board, x = FakeBoard(), inputs(1000)
    with connect(board) as device:
        assert_right(device.run(x, Mode.BOTH), x)
        counters = device.counters
    assert board.served == 1000 and not board.violations
    assert (counters.retries, counters.crc_errors, counters.stale) == (0, 0, 0)


@pytest.mark.parametrize("mode", list(Mode))
def test_every_mode_brings_what_the_board_computed(mode):
    board, x = FakeBoard(), np.array([[0.1, 0.2], [2.0, 1.0], [np.nan, 0], [np.inf, 0], [99, 0]], np.float32)
    with connect(board) as device:
        records = device.run(x, mode).records
    assert records.tobytes() == board.records(x, mode).tobytes()


def test_vectors_of_eight_and_sixteen_bits():
    codes = np.random.default_rng(1).integers(-128, 128, (700, 2))
    for bits in (8, 16):
        with connect(FakeBoard(replace(HELLO, activation_bits=bits))) as device:
            result = device.vectors(codes)
        answer, logit = codes_answer(codes)
        np.testing.assert_array_equal(result.answer, answer)
        np.testing.assert_array_equal(result.logit, logit)


@pytest.mark.parametrize(("frame_max", "credit"), [(128, 128), (128, 300), (4096, 65535), (256, 256)])
def test_frames_and_windows_keep_to_what_the_board_announces(frame_max, credit):
    hello = replace(HELLO, frame_max=frame_max, credit=credit)
    board, x = FakeBoard(hello), inputs(3000)
    with connect(board) as device:
        assert_right(device.run(x, Mode.BOTH), x)
    assert not board.violations


def test_the_payload_is_most_of_what_goes_over_the_line():
    board, x = FakeBoard(), inputs(20_000)
    with connect(board) as device:
        before = device.counters.line_bytes
        device.run(x, Mode.GATED)
        assert device.counters.payload_bytes / (device.counters.line_bytes - before) > 0.85


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("rate", [1e-4, 1e-3, 1e-2])
def test_faults_lose_no_sample_and_change_none(fault, rate):
    board, x = FakeBoard(), inputs(1500)
    seed = sum(fault.encode())
    with connect(board, up=Injector(fault, rate, seed), down=Injector(fault, rate, seed + 1)) as device:
        assert_right(device.run(x, Mode.BOTH), x)
    assert not board.violations


def test_frames_shrink_when_loss_is_high():
    def samples_a_request(rate):
        device = connect(FakeBoard(), up=Injector("flip", rate, 1), down=Injector("flip", rate, 2))
        device.run(inputs(3000), Mode.GATED)
        return 3000 / device.counters.requests

    clean, bad = samples_a_request(0.0), samples_a_request(5e-3)
    assert clean > 15
    assert bad < 6


def test_a_slow_board_is_not_asked_again():
    board, x = FakeBoard(sample_s=0.4), inputs(30)
    with connect(board) as device:
        assert_right(device.run(x, Mode.BOTH), x)
        assert device.counters.retries == 0
    assert board.served == 30


@pytest.mark.parametrize("sample_s", [0.7, 3.0, 6.0])
def test_a_board_slower_than_expected_is_still_heard(sample_s):
    board, x = FakeBoard(sample_s=sample_s), inputs(8)
    with connect(board) as device:
        assert_right(device.run(x, Mode.BOTH, overall_s=1000), x)
        assert device.counters.late > 0
    assert not board.violations


def test_a_slow_line_is_waited_for():
    board, x = FakeBoard(), inputs(2000)
    with connect(board, byte_s=10 / 1200) as device:
        assert_right(device.run(x, Mode.BOTH), x)
        assert device.counters.retries == 0


def test_a_silent_board_ends_the_connection_in_time():
    clock = Clock()
    with pytest.raises(DeviceError, match="did not answer within 5 s"):
        connect(FakeBoard(), clock=clock, up=Injector("lose", 1.0))
    assert clock.now < 6


def test_a_board_that_speaks_nonsense_is_told_from_a_silent_one():
    with pytest.raises(DeviceError, match="sends bytes, but no answer"):
        connect(FakeBoard(), down=Injector("flip", 1.0))


def test_a_board_that_falls_silent_leaves_a_partial_result():
    board, x, clock = FakeBoard(), inputs(5000), Clock()

    def fall_silent(writes):
        if writes == 12:
            board.receive = lambda data: []

    device = connect(board, clock=clock, on_write=fall_silent)
    result = RunResult.empty(Mode.BOTH, len(x), 2)
    with pytest.raises(DeviceError, match=r"stopped answering after \d+ of 5000 samples"):
        device.run(x, Mode.BOTH, into=result)
    assert 0 < result.answered.sum() < 5000
    assert clock.now < 20
    path, _, exact = answers(x)
    np.testing.assert_array_equal(result["exact"][result.answered], exact[result.answered])
    assert not result["exact"][~result.answered].any()


def test_a_partial_result_is_completed_without_asking_twice():
    board, x = FakeBoard(), inputs(1000)
    result = RunResult.empty(Mode.BOTH, len(x), 2)
    result.records[:] = board.records(x, Mode.BOTH)
    result.answered[:] = True
    for hole in (slice(0, 3), slice(100, 177), slice(999, 1000)):
        result.answered[hole] = False
        result.records[hole] = np.zeros(1, result.records.dtype)
    with connect(board) as device:
        device.run(x, Mode.BOTH, into=result)
    assert_right(result, x)
    assert board.served == 3 + 77 + 1


def test_chatter_without_end_cannot_keep_the_host_waiting():
    board, clock = FakeBoard(), Clock()
    device = connect(board, clock=clock)
    line = device.link._line
    board.receive = lambda data: []
    for step in range(4000):
        line.say(bytes([1 + step % 255]) * 20 + b"\0" * (step % 3), step * 0.01)
    with pytest.raises(DeviceError, match="stopped answering .* 3. s"):
        device.run(inputs(10))
    assert clock.now < 36


def test_doubled_and_stale_replies_are_ignored():
    board, x, clock = FakeBoard(), inputs(400), Clock()
    device = connect(board, clock=clock)
    answer = board.receive
    old = []

    def doubled(data):
        replies = answer(data)
        stale, old[:] = old[:], replies
        return stale + [twice for reply in replies for twice in (reply, reply)]

    board.receive = doubled
    assert_right(device.run(x, Mode.BOTH), x)
    assert device.counters.stale > 0


def test_a_reset_in_the_middle_is_survived():
    board, x = FakeBoard(), inputs(3000)

    def reset(writes):
        if writes in (8, 20):
            board.power_on()

    with connect(board, on_write=reset) as device:
        assert_right(device.run(x, Mode.BOTH), x)


def test_a_board_that_comes_back_with_another_image_is_noticed():
    board, x = FakeBoard(), inputs(3000)

    def reset(writes):
        if writes == 10:
            board.power_on(other_image())

    result = RunResult.empty(Mode.BOTH, len(x), 2)
    device = connect(board, on_write=reset)
    with pytest.raises(WrongImage, match="99aabbccddeeff00"):
        device.run(x, Mode.BOTH, into=result)
    assert 0 < result.answered.sum() < 3000


def test_the_wanted_image_is_asked_for():
    with connect(FakeBoard(), build_id=BUILD_ID) as device:
        assert device.hello == HELLO
    with pytest.raises(WrongImage):
        connect(FakeBoard(other_image()), build_id=BUILD_ID)


@pytest.mark.parametrize("comes_back_as", [None, "other"])
def test_an_unplugged_board_that_returns_goes_on(comes_back_as):
    board, x, clock = FakeBoard(), inputs(3000), Clock()
    lines = []

    def opener():
        if lines and clock.now < gone_at[0] + 2.0:
            raise PortError("not there yet")
        lines.append(VirtualLine(board, clock, on_write=unplug))
        return lines[-1]

    gone_at = [0.0]

    def unplug(writes):
        if len(lines) == 1 and writes == 9:
            lines[0].lost, gone_at[0] = True, clock.now
            board.power_on(other_image() if comes_back_as else None)

    device = Device(Link(opener, clock=clock, sleep=clock.sleep))
    if comes_back_as:
        with pytest.raises(WrongImage):
            device.run(x, Mode.BOTH)
    else:
        assert_right(device.run(x, Mode.BOTH), x)
        assert device.counters.reopened == 1


def test_an_unplugged_board_that_stays_away_ends_the_run():
    board, clock, lines = FakeBoard(), Clock(), []

    def opener():
        if lines:
            raise PortError("gone")
        lines.append(VirtualLine(board, clock, on_write=unplug))
        return lines[-1]

    def unplug(writes):
        lines[0].lost = writes >= 9

    device = Device(Link(opener, clock=clock, sleep=clock.sleep))
    with pytest.raises(PortError, match="went away"):
        device.run(inputs(3000))
    assert clock.now < 15


def test_the_overall_deadline_holds():
    clock = Clock()
    with connect(FakeBoard(sample_s=0.1), clock=clock) as device, pytest.raises(DeviceError, match="too slow"):
        device.run(inputs(1000), overall_s=20)
    assert clock.now < 25


def test_a_lost_end_of_a_window_does_not_overflow_the_board():
    board, x = FakeBoard(), inputs(3000)
    answer, writes = board.receive, []

    def lossy(data):
        writes.append(data)
        frames = data.split(b"\0")
        if len(frames) > 3 and len(writes) % 3 == 0:
            data = b"\0".join(frames[:-2]) + b"\0" + frames[-2][:-2]  # the last frame is cut
        return answer(data)

    board.receive = lossy
    with connect(board) as device:
        assert_right(device.run(x, Mode.BOTH), x)
        assert device.counters.retries > 0
    assert not board.violations


def test_refusals_and_nonsense_end_the_run_with_a_sentence():
    board = FakeBoard(replace(HELLO, has_exact=False))
    with connect(board) as device:
        with pytest.raises(DeviceError, match="no exact function"):
            device.run(inputs(3), Mode.BOTH)
        device.hello = replace(device.hello, has_exact=True)
        with pytest.raises(DeviceError, match="NO_EXACT"):
            device.run(inputs(3), Mode.BOTH)
        with pytest.raises(UsageError, match="takes 2 inputs"):
            device.run(np.zeros((3, 5)))
        device.hello = replace(device.hello, outputs=3)
        with pytest.raises(DeviceError, match="answered with"):
            device.run(inputs(3))


def test_another_version_of_the_wire_is_named():
    with pytest.raises(DeviceError, match="version 7"):
        connect(FakeBoard(replace(HELLO, protocol=7)))


def test_no_samples_are_no_work():
    with connect(FakeBoard()) as device:
        assert device.run(np.zeros((0, 2))).complete


def test_the_idle_deadline_is_the_callers():
    clock = Clock()
    board = FakeBoard()
    device = connect(board, clock=clock, deadlines=Deadlines(idle_s=1.0, first_s=0.2))
    board.receive = lambda data: []
    with pytest.raises(DeviceError, match="1 s without"):
        device.run(inputs(3))
    assert clock.now < 2.5


class HostileBoard(FakeBoard):
    """Keeps to the framing and to nothing else.

    Args:
        draw: draws what becomes of each reply.
    """

    def __init__(self, draw):
        super().__init__()
        self._draw = draw

    def _answer(self, frame):
        try:
            honest = decode(super()._answer(frame)[1][:-1])
        except ValueError:  # asked by somebody who believed an earlier lie
            honest = Frame(Type.ERROR, frame.seq, self.hello.build_low, self._refuse("BAD_LENGTH", frame.type, 0))
        how = self._draw(st.sampled_from(["honest", "type", "seq", "build", "noise", "cut", "longer", "flip"]))
        payload = bytearray(honest.payload)
        if how == "type":
            honest = replace(honest, type=self._draw(st.integers(0, 255)))
        elif how == "seq":
            honest = replace(honest, seq=self._draw(st.integers(0, 0xFFFF)))
        elif how == "build":
            honest = replace(honest, build=self._draw(st.integers(0, 0xFFFFFFFF)))
        elif how == "noise":
            payload = self._draw(st.binary(max_size=120))
        elif how == "cut":
            payload = payload[: self._draw(st.integers(0, len(payload)))]
        elif how == "longer":
            payload += self._draw(st.binary(min_size=1, max_size=40))
        elif payload:
            payload[self._draw(st.integers(0, len(payload) - 1))] ^= self._draw(st.integers(1, 255))
        return 0.0, encode(replace(honest, payload=bytes(payload)))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_board_that_answers_anything_ends_in_a_result_or_a_sentence(data):
    clock = Clock()
    try:
        with connect(
            HostileBoard(data.draw), clock=clock, deadlines=Deadlines(connect_s=1, idle_s=1, noisy_s=2)
        ) as device:
            device.vectors(np.zeros((3, device.hello.inputs), np.int8))
            assert device.run(np.zeros((5, device.hello.inputs)), Mode.GATED, overall_s=20).complete
    except AxedgeError as error:
        assert "\n" not in error.message and len(error.message) < 400
    assert clock.now < 60
