"""Whole images: the native process under sanitizers, and QEMU with counted instructions. One client for all."""

import contextlib
import math
import signal
import struct

import pytest
from client import APPROXIMATE, BOTH, EXACT, GATED, HELLO, RUN, Client, DeviceRefused, frame
from power import emulated, process
from standin import DEEP_INPUT, FAULT_INPUT, LOOP_INPUT, MODEL_HASH

from axedge.firmware.boards import board_names, load_board

EMULATED = [name for name in board_names() if (one := load_board(name).emulator) is not None and one.kind != "process"]
QEMU = [name for name in EMULATED if load_board(name).emulator.kind == "qemu"]
LOOP_CYCLES = {"avr": 6, "cortex-m0plus": 3}  # of the stand-in's loop, a turn; QEMU counts two instructions
TICK_SOURCES = {"dwt": 2, "systick": 2, "timer": 3, "mcycle": 4, "host": 5}  # QEMU has no DWT: SysTick serves
POWER_ON, WATCHDOG, FAULT = 1, 4, 5
SYSTICK, SILENCE_S = 2, 0.5


@pytest.fixture(scope="module", params=[*EMULATED, "native"])
def device(request, images):
    """A client of a running board, with the board and the image's record."""
    board = load_board(request.param)
    if board.is_host:
        elf, record = images.get("native", sanitize=True)
        with process(elf) as (client, _):
            yield client, board, record
    else:
        elf, record = images.get(request.param)
        with emulated(board, elf) as client:
            yield client, board, record


pytestmark = [pytest.mark.qemu, pytest.mark.xdist_group("firmware images")]


def test_hello_agrees_with_record_and_description(device):
    client, board, record = device
    hello = client.hello()
    assert (hello["board"], hello["kernel"]) == (board.name, "standin")
    assert f"{hello['build_id']:016x}" == record.build_id
    assert f"{hello['model_hash']:016x}" == MODEL_HASH == record.model_hash
    assert (hello["frame_max"], hello["credit"]) == (record.frame_max, record.credit)
    assert hello["tick_hz"] == (board.emulator.tick_hz or board.timer.hz)
    assert hello["tick_source"] == TICK_SOURCES[board.timer.source]
    assert hello["has_exact"] == 1 and hello["threshold"] == 0
    assert hello["bad_frames"] == client.cut_frames
    if not board.is_host:
        assert hello["flash_bytes"] == record.footprint.flash_bytes
        assert hello["ram_bytes"] == record.footprint.ram_bytes
        assert hello["stack_bytes"] == board.stack_bytes
        assert 0 < hello["stack_peak_bytes"] < board.stack_bytes


def test_all_modes_take_the_right_way(device):
    client, _, _ = device
    client.hello()
    inside, unsafe, outside, odd = (0.5, 0.25), (-0.5, 0.1), (3.0, 4.0), (math.nan, 0.0)
    gated = client.run(GATED, [inside, unsafe, outside, odd])
    assert [row[0] for row in gated] == [0, 1, 2, 2]
    assert gated[0][2] == (0.75, 0.25)
    assert gated[1][2] == pytest.approx((-0.4, -0.6))
    assert gated[2][2] == (7.0, -1.0)
    approximate = client.run(APPROXIMATE, [inside, unsafe, outside])
    assert [row[0] for row in approximate] == [0, 1, 2]
    assert approximate[1][2] == (-0.40625, -0.59375)
    assert all(math.isnan(value) for value in approximate[2][2])
    assert client.run(EXACT, [unsafe])[0][2] == pytest.approx((-0.4, -0.6))
    ((path, _, _, first, second),) = client.run(BOTH, [unsafe])
    assert (path, first) == (1, (-0.40625, -0.59375))
    assert second == pytest.approx((-0.4, -0.6))


def test_vectors(device):
    client, _, _ = device
    client.hello()
    rows = [(1, 2), (-128, 127), (100, 100), (127, -128)]
    assert client.vectors(rows) == [((3, -1), 1), ((-1, -128), -128), ((127, 0), 100), ((-1, 127), 127)]


def test_refusals_and_damage_on_the_line(device):
    client, _, record = device
    client.hello()
    with pytest.raises(DeviceRefused) as caught:
        client.ask(RUN, b"\0\0", build=client.build ^ 1)
    assert f"{caught.value.detail:016x}" == record.build_id
    before = client.hello()["bad_frames"]
    client.send(b"\x55" * 5000 + b"\0" + frame(HELLO, 1, 0)[:-3] + b"\0")
    assert client.hello()["bad_frames"] == before + 2


def test_a_window_is_answered_in_order(device):
    client, _, _ = device
    client.hello()
    requests = [struct.pack("<BB2f", GATED, 1, i / 16, 0.0) for i in range(8)]
    more = [frame(RUN | (0x40 if i < 7 else 0), 100 + i, client.build, body) for i, body in enumerate(requests)]
    client.send(b"".join(more))
    answers = [client.receive() for _ in requests]
    assert [answer[1] for answer in answers] == [100 + i for i in range(8)]
    assert [struct.unpack("<2f", answer[3][-8:])[0] for answer in answers] == [i / 16 for i in range(8)]


def loop(turns):
    """Return the input that makes the stand-in turn its loop so often: the bits of the second number."""
    return LOOP_INPUT, struct.unpack("<f", struct.pack("<I", turns))[0]


@pytest.mark.parametrize("name", EMULATED)
def test_loops_of_known_length_take_the_known_instructions(images, name):
    """In QEMU instructions = ticks x 1e9 / (rate x 2^shift), within a tick of either end; its SysTick strays at a wrap.

    Elsewhere a tick is a cycle.
    """
    board = load_board(name)
    elf, _ = images.get(name)
    turns = [1, 100, 1000, 10_000, 100_000, 1_000_000]
    with emulated(board, elf) as client:
        hello = client.hello()
        slack = 20 if hello["tick_source"] == SYSTICK else 1
        shift = board.emulator.icount_shift
        per_tick = 1.0 if shift is None else 1e9 / (hello["tick_hz"] * 2**shift)
        per_turn = LOOP_CYCLES[board.core] if shift is None else 2
        assert per_tick <= 1.0, "an instruction is less than a tick"
        found = [client.run(EXACT, [loop(count)])[0][1] for count in turns]
        again = [client.run(EXACT, [loop(count)])[0][1] for count in turns]
    for ticks, count in zip(found[1:], turns[1:], strict=True):
        wanted = per_turn * (count - turns[0])
        unpaid = 4 * (1 + wanted // 65536) if board.core == "avr" else 0  # simavr takes an interrupt in no time
        assert (ticks - found[0]) * per_tick == pytest.approx(wanted, abs=1 + slack + unpaid)
    assert all(abs(one - other) <= slack + 4 for one, other in zip(found, again, strict=True))


@pytest.mark.parametrize("name", EMULATED)
def test_the_timers_own_cost_is_what_an_empty_call_takes(images, name):
    elf, _ = images.get(name)
    with emulated(load_board(name), elf) as client:
        overhead = client.hello()["tick_overhead"]
        ((_, ticks, _),) = client.run(GATED, [(math.nan, 0.0)])
    assert 0 < overhead < ticks < 1000


def ask_exactly(client, x):
    """Ask for the exact function of one sample, and do not wait for the reply."""
    client.send(frame(RUN, 1, client.build, struct.pack("<BB2f", EXACT, 1, *x)))


@pytest.mark.parametrize(
    ("name", "cause", "told"),
    [
        *(pytest.param(name, (FAULT_INPUT, 0.0), FAULT, id=f"illegal instruction, {name}") for name in QEMU),
        pytest.param("microbit", (DEEP_INPUT, 0.0), FAULT, id="stack overflow"),  # an an386 has RAM below
        pytest.param("arduino-uno", (FAULT_INPUT, 0.0), WATCHDOG, id="hang, AVR"),
        pytest.param("arduino-uno", (LOOP_INPUT, 2e-38), WATCHDOG, id="too long a call, AVR"),
        pytest.param("arduino-uno", (DEEP_INPUT, 6.0), FAULT, id="stack overflow, AVR"),
    ],
)
def test_a_fault_resets_the_board_and_is_told(images, name, cause, told):
    elf, _ = images.get(name)
    with emulated(load_board(name), elf) as client:
        assert client.hello()["reset_cause"] != told
        ask_exactly(client, cause)
        with pytest.raises(TimeoutError):
            client.receive(SILENCE_S)
        client.meet()
        assert client.hello()["reset_cause"] == told
        assert client.run(GATED, [(0.5, 0.25)])[0][2] == (0.75, 0.25)


@pytest.mark.parametrize("name", ["mps2-an386", "mps2-an500"])
def test_a_call_that_never_ends_is_ended_by_the_watchdog(images, name):
    elf, _ = images.get(name)
    with emulated(load_board(name), elf) as client:
        assert client.hello()["reset_cause"] == 0
        ask_exactly(client, loop(2**31 - 1))  # 4.6 minutes of the board's time
        client.meet()
        assert client.hello()["reset_cause"] == WATCHDOG
        assert client.run(GATED, [(0.5, 0.25)])[0][2] == (0.75, 0.25)


@pytest.mark.parametrize("cause", [FAULT_INPUT, DEEP_INPUT])
def test_a_crash_resets_the_native_board_and_is_told(images, cause):
    elf, _ = images.get("native")
    with process(elf) as (client, running):
        assert client.hello()["reset_cause"] == POWER_ON
        ask_exactly(client, (cause, 0.0))
        with pytest.raises(ConnectionError):
            client.receive()
        assert running.poll() is None
        again = Client(client.socket.getpeername()[1])
        assert again.hello()["reset_cause"] == FAULT
        assert again.run(GATED, [(0.5, 0.25)])[0][2] == (0.75, 0.25)
        again.close()


def test_the_native_boards_watchdog(images):
    elf, _ = images.get("native")
    with process(elf) as (client, running):
        client.hello()
        ask_exactly(client, loop(2**31 - 1))
        with pytest.raises((ConnectionError, TimeoutError)) as caught:
            for _ in range(40):  # its clock ticks, each a second of its own
                running.send_signal(signal.SIGVTALRM)
                with contextlib.suppress(TimeoutError):
                    client.receive(0.02)
            client.receive(0.02)
        assert caught.type is not TimeoutError
        again = Client(client.socket.getpeername()[1])
        assert again.hello()["reset_cause"] == WATCHDOG
        again.close()


def test_the_native_board_serves_one_client_after_another(images):
    elf, _ = images.get("native", sanitize=True)
    with process(elf) as (client, running):
        port = client.socket.getpeername()[1]
        client.send(b"half a fra")
        client.close()
        second = Client(port)
        second.send(b"\0")
        assert second.hello()["board"] == "native"
        second.close()
        assert running.poll() is None


def test_a_kernel_without_c_answers_not_safe(images):
    elf, record = images.get("native", has_exact=False, sanitize=True)
    with process(elf) as (client, _):
        assert client.hello()["has_exact"] == 0
        path, _, outputs = client.run(GATED, [(-0.5, 0.0)])[0]
        assert path == 1 and all(math.isnan(value) for value in outputs)
        with pytest.raises(DeviceRefused) as caught:
            client.run(BOTH, [(0.5, 0.25)])
        assert caught.value.code == 5


def test_a_firmware_without_a_network_runs_the_exact_function(images):
    elf, _ = images.get("native", network=False, sanitize=True)
    with process(elf) as (client, _):
        assert client.hello()["engine"] == 2
        assert client.run(GATED, [(3.0, 4.0)])[0][2] == (7.0, -1.0)
        with pytest.raises(DeviceRefused) as caught:
            client.vectors([(1, 2)])
        assert caught.value.code == 6
