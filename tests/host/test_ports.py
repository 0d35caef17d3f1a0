"""Ports: what opens, what does not and why, which one `auto` means, and a real pseudo-terminal as a line."""

import errno
import os
import pty
import socket
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import serial
from fake_board import HELLO, FakeBoard, answers

from axedge.artifacts.errors import DeviceError, PortError, UsageError
from axedge.artifacts.workspace import Workspace
from axedge.firmware.boards import load_board
from axedge.host import port_errors, ports
from axedge.host.connection import Connection
from axedge.host.device import Device
from axedge.host.line import SerialLine
from axedge.host.messages import Mode
from axedge.host.port_errors import LineLost, open_error
from axedge.host.ports import Port, auto_port, probe_ports

pytestmark = pytest.mark.host

STLINK = Port("/dev/ttyACM0", "0483:374b", "066EFF", "ST-Link")
MICROBIT = Port("/dev/ttyACM1", "0d28:0204", "9900", "DAPLink (micro:bit and others)")
BARE = Port("/dev/ttyS0", guess="no USB id: never asked unless you name it")


class Asker:
    """Answers for the ports named, and remembers whom it asked."""

    def __init__(self, *answering):
        self.answering, self.asked = answering, []

    def __call__(self, port):
        self.asked.append(port.device)
        if port.device in self.answering:
            return replace(port, hello=HELLO)
        return replace(port, trouble="the board did not answer within 2 s.")


def test_auto_takes_the_only_one_that_answers_and_remembers_it(tmp_path):
    memory = tmp_path / "port"
    asker = Asker(MICROBIT.device)
    assert auto_port(memory, ports=[STLINK, MICROBIT, BARE], asker=asker).device == MICROBIT.device
    assert asker.asked == [STLINK.device, MICROBIT.device]
    assert memory.read_text().strip() == MICROBIT.serial
    again = Asker(STLINK.device, MICROBIT.device)
    assert auto_port(memory, ports=[STLINK, MICROBIT], asker=again).device == MICROBIT.device
    assert again.asked == [MICROBIT.device]


def test_auto_names_the_choices_when_several_answer(tmp_path):
    with pytest.raises(PortError, match=r"2 boards answer: /dev/ttyACM0 \(fake, inversek2j\); /dev/ttyACM1"):
        auto_port(tmp_path / "port", ports=[STLINK, MICROBIT], asker=Asker(STLINK.device, MICROBIT.device))
    assert not (tmp_path / "port").exists()


def test_auto_prefers_the_one_that_runs_the_wanted_image():
    def asker(port):
        return replace(port, hello=HELLO if port is STLINK else replace(HELLO, build_id=5))

    assert auto_port(ports=[STLINK, MICROBIT], asker=asker, build_id=5).device == MICROBIT.device


def test_a_port_without_usb_id_is_never_asked():
    asker = Asker(BARE.device)
    with pytest.raises(PortError, match=r"only /dev/ttyS0, which is not asked unless you name it"):
        auto_port(ports=[BARE], asker=asker)
    assert asker.asked == []
    assert ports.ask(BARE).trouble == "not asked"
    assert probe_ports([BARE])[0].hello is None


def test_auto_says_why_nobody_answers():
    with pytest.raises(PortError, match=r"no board answers \(/dev/ttyACM0: the board did not answer within 2 s"):
        auto_port(ports=[STLINK, BARE], asker=Asker())
    with pytest.raises(PortError, match="there is no serial port"):
        auto_port(ports=[], asker=Asker())


def test_a_remembered_port_that_is_silent_is_not_taken(tmp_path):
    (tmp_path / "port").write_text(STLINK.serial)
    assert (
        auto_port(tmp_path / "port", ports=[STLINK, MICROBIT], asker=Asker(MICROBIT.device)).device == MICROBIT.device
    )


def test_ports_are_listed_with_what_they_probably_are(monkeypatch):
    class Info:
        def __init__(self, device, vid, pid, product=None):
            self.device, self.vid, self.pid = device, vid, pid
            self.serial_number, self.product, self.manufacturer = None, product, None

    found = [
        Info("/dev/ttyS0", None, None),
        Info("/dev/ttyUSB0", 0x10C4, 0xEA60),
        Info("/dev/ttyACM3", 0x9999, 1, "Thing"),
    ]
    monkeypatch.setattr(ports.pyserial_ports, "comports", lambda: found)
    listed = [(port.device, port.usb_id, port.guess) for port in ports.find_ports()]
    assert listed == [
        ("/dev/ttyACM3", "9999:0001", "Thing"),
        ("/dev/ttyUSB0", "10c4:ea60", "CP210x bridge"),
        ("/dev/ttyS0", "", "no USB id: never asked unless you name it"),
    ]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOENT, "does not exist"),
        (errno.EACCES, "may not be opened by this user"),
        (errno.EBUSY, "is busy"),
        (errno.EAGAIN, "is busy"),
        (errno.ENXIO, "has no device behind it"),
        (errno.ENOTTY, "is no serial port"),
        (errno.EINVAL, "cannot be opened: invalid argument"),
    ],
)
def test_each_failure_to_open_has_a_line_of_its_own(number, words):
    error = open_error("/dev/ttyACM7", serial.SerialException(number, "could not open port"))
    assert f"/dev/ttyACM7 {words}" in error.message and error.hint and error.exit_code == 3
    assert "\n" not in str(error)


def test_permission_names_the_group(tmp_path, monkeypatch):
    import grp

    node = tmp_path / "ttyACM0"
    node.touch()
    monkeypatch.setattr(grp, "getgrgid", lambda gid: type("Group", (), {"gr_name": "dialout"}))
    assert "sudo usermod -aG dialout $USER" in port_errors.permission_hint(str(node))
    assert "dialout" in port_errors.permission_hint("/dev/none")


def test_real_ports_that_cannot_be_opened():
    with pytest.raises(PortError, match="does not exist"):
        SerialLine("/dev/ttyACM987")
    with pytest.raises(PortError, match="is no serial port"):
        SerialLine("/dev/null")
    with pytest.raises(PortError, match="nothing answers at socket://127.0.0.1:1"):
        SerialLine("socket://127.0.0.1:1")
    with pytest.raises(PortError, match="cannot be opened"):
        SerialLine("nonsense://x")


@pytest.mark.parametrize(
    "port",
    [
        *("", " ", "socket:", "socket:127.0.0.1:1", "socket://", "socket://127.0.0.1", "socket://:1"),
        *("socket://h:0", "socket://h:99999", "socket://h:1?x=y", "socket://h:port", "socket://[::1"),
    ],
)
def test_a_port_that_is_none_is_refused_before_pyserial_sees_it(tmp_path, port):
    connection = Connection(load_board("microbit"), Workspace(tmp_path), port)
    with pytest.raises(UsageError, match="socket://HOST:PORT"), connection.open():
        pass


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_a_socket_that_nobody_serves_is_no_device(tmp_path, host):
    connection = Connection(load_board("microbit"), Workspace(tmp_path), f"socket://{host}:1")
    with pytest.raises(PortError, match="nothing answers at socket://"), connection.open():
        pass


def test_a_host_that_is_not_known_is_said_to_be():
    error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert "(no such host is known)" in open_error("socket://nowhere.invalid:1", error).message


class Terminal:
    """A pseudo-terminal with a fake board at the other end, at a baud rate."""

    def __init__(self, board, byte_s=0.0):
        self._master, self.slave = pty.openpty()
        self.name = os.ttyname(self.slave)
        self._board, self._byte_s = board, byte_s
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        try:
            while data := os.read(self._master, 64):
                time.sleep(self._byte_s * len(data))
                for _, reply in self._board.receive(data):
                    for start in range(0, len(reply), 64):
                        time.sleep(self._byte_s * len(reply[start : start + 64]))
                        os.write(self._master, reply[start : start + 64])
        except OSError:
            return

    def unplug(self):
        os.close(self._master)
        os.close(self.slave)


def test_a_board_on_a_pseudo_terminal_at_115200_baud():
    terminal = Terminal(FakeBoard(), byte_s=10 / 115_200)
    x = np.random.default_rng(0).uniform(-1, 2, (400, 2)).astype(np.float32)
    with Device.connect(terminal.name, baud=115_200) as device:
        result = device.run(x, Mode.GATED)
        assert device.counters.payload_bytes / device.counters.line_bytes > 0.85
        with pytest.raises(PortError, match="is busy: another program"):
            SerialLine(terminal.name)
    np.testing.assert_array_equal(result["path"], answers(x)[0])
    terminal.unplug()


def test_the_program_that_holds_a_port_is_named(tmp_path):
    import subprocess
    import sys

    node = tmp_path / "port"
    node.touch()
    script = "import sys, time; f = open(sys.argv[1]); print('open', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script, str(node)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "open\n"
        assert f"(process {holder.pid})" in port_errors.busy_hint(str(node))
        holder.kill()
    assert "serial monitor" in port_errors.busy_hint(str(node))


def test_a_port_that_vanishes_in_use():
    terminal = Terminal(FakeBoard())
    line = SerialLine(terminal.name)
    terminal.unplug()
    with pytest.raises(LineLost, match="went away while it was in use"):
        for _ in range(100):
            line.write(b"x", 0.1)
            line.read(0.05)
    line.close()


def test_a_line_that_takes_nothing_does_not_block():
    master, slave = pty.openpty()
    line = SerialLine(os.ttyname(slave))
    with pytest.raises(LineLost, match="takes no more bytes"):
        line.write(bytes(10**6), 0.2)
    line.close()
    os.close(master)
    os.close(slave)


def test_two_full_buffers_do_not_wait_for_each_other():
    import socket

    server = socket.create_server(("127.0.0.1", 0))
    line = SerialLine(f"socket://127.0.0.1:{server.getsockname()[1]}")
    peer, _ = server.accept()
    size = 8 * 1024 * 1024

    def talk_before_listening():
        peer.sendall(b"r" * size)
        left = size
        while left:
            left -= len(peer.recv(65536))

    thread = threading.Thread(target=talk_before_listening, daemon=True)
    thread.start()
    line.write(b"w" * size, 20)
    got = 0
    while got < size:
        got += len(line.read(5))
    thread.join(20)
    assert not thread.is_alive() and got == size
    peer.close()
    with pytest.raises(LineLost):
        line.read(5)
    line.close()
    server.close()


def test_a_silent_real_line_has_a_deadline():
    import socket

    from axedge.host.timing import Deadlines

    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(DeviceError, match="did not answer"):
            Device.connect(url, deadlines=Deadlines(connect_s=0.3))
