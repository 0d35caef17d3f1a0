"""The whole host against real firmware: the native process, and QEMU."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from proxy import FaultyProxy
from real_boards import exact, inputs, network
from standin import FAULT_INPUT

import axedge.host.bench as bench_module
from axedge.artifacts.errors import ArtifactError, DeviceError, ToolMissing, UsageError, WrongImage
from axedge.artifacts.records.bench import BenchRecord
from axedge.firmware.boards import load_board
from axedge.host.bench import bench
from axedge.host.device import Device, RunResult
from axedge.host.emulator import Emulator, read_memory
from axedge.host.flash import flash
from axedge.host.messages import Mode
from axedge.host.timing import Deadlines

pytestmark = pytest.mark.cc

BOARDS = [
    pytest.param("native", marks=pytest.mark.cc),
    pytest.param("microbit", marks=pytest.mark.qemu),
    pytest.param("mps2-an386", marks=pytest.mark.qemu),
]
PROGRAMS = [pytest.param("arduino-uno", marks=pytest.mark.qemu), pytest.param("rpi-pico", marks=pytest.mark.qemu)]


@pytest.fixture(autouse=True)
def no_desktop(monkeypatch):
    monkeypatch.setattr(bench_module, "_compare_desktop", lambda *_: None)


def is_alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def wait_for(condition, timeout_s=20.0):
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


@pytest.mark.parametrize("board", BOARDS)
def test_flash_then_bench(stand_in, tmp_path, board):
    said = []
    flashed = flash(stand_in.image_folder(board), load_board(board), workspace=_space(tmp_path), detail=said.append)
    assert flashed.verified and flashed.method == "emulator"
    assert said[0] == flashed.command
    connection = stand_in.flashed(board, tmp_path)
    assert connection.answers(flashed.build_id) and not connection.answers("0" * 16)
    image = stand_in.image_folder(board)
    record = bench(stand_in.convert_folder, image, connection=connection, samples=1000)
    x = np.load(stand_in.convert_folder / "samples.npz")["x"][:1000]
    outside = (np.abs(x) > 1).any(axis=1)
    assert record.paths.out_of_domain == outside.sum()
    assert record.paths.approximated == (~outside & (np.trunc(x[:, 0] * 64) >= 0)).sum()
    assert record.precision == 1.0 and record.exact_from == "board"
    assert (record.vectors.count, record.vectors.mismatches, record.complete) == (300, 0, True)
    assert record.ticks.unit == ("nanoseconds" if board == "native" else "instructions")
    assert record.link.payload_bytes / record.link.line_bytes > 0.85
    assert record.link.crc_errors == 0


@pytest.mark.qemu
@pytest.mark.parametrize("board", ["microbit", "mps2-an386"])
def test_instruction_counts_repeat(stand_in, tmp_path, board):
    connection, x = stand_in.flashed(board, tmp_path), inputs(40)
    runs = []
    for _ in range(2):
        with connection.open() as device:
            runs.append(device.run(x, Mode.BOTH)["ticks_exact"].astype(int))
    assert np.abs(runs[0] - runs[1]).max() <= 1


def test_the_host_has_time_to_spare_for_20000_samples_a_second(stand_in, tmp_path):
    x = inputs(50_000)
    with stand_in.flashed("native", tmp_path).open() as device:
        before = time.process_time()
        result = device.run(x, Mode.GATED)
        assert (time.process_time() - before) / len(x) < 1 / 20_000
        assert device.counters.payload_bytes / device.counters.line_bytes > 0.85
    assert result.complete


@pytest.mark.parametrize("fault", ["flip", "half", "chatter", "delay", "everything"])
def test_faults_between_host_and_firmware(stand_in, tmp_path, fault):
    x = inputs(2000, 3)
    image, _ = read_memory(stand_in.flashed("native", tmp_path).memory, load_board("native"))
    rate = 2e-4 if fault == "delay" else 1e-3
    with Emulator(load_board("native"), image) as emulator:
        with Device.connect(emulator.open_line) as device:
            clean = device.run(x, Mode.EXACT)
        with FaultyProxy(emulator.url, fault, rate, seed=4) as proxy, Device.connect(proxy.url) as device:
            result = device.run(x, Mode.EXACT)
    np.testing.assert_array_equal(result["outputs"], exact(x))
    np.testing.assert_array_equal(result["outputs"], clean["outputs"])


@pytest.mark.qemu
def test_a_reset_in_the_middle_of_a_run(stand_in, tmp_path):
    x = inputs(1500)
    image, _ = read_memory(stand_in.flashed("mps2-an386", tmp_path).memory, load_board("mps2-an386"))
    with Emulator(load_board("mps2-an386"), image) as emulator, Device.connect(emulator.open_line) as device:
        resets = []

        def reset(done, total, note=""):
            if done > 300 * (len(resets) + 1) and len(resets) < 2:
                resets.append(done)
                emulator.reset()

        result = device.run(x, Mode.EXACT, progress=reset)
    assert len(resets) == 2
    np.testing.assert_array_equal(result["outputs"], exact(x))


@pytest.mark.parametrize("board", ["native", pytest.param("mps2-an386", marks=pytest.mark.qemu)])
def test_an_input_that_crashes_the_board_ends_the_run_and_is_named(stand_in, tmp_path, board):
    x = inputs(200)
    x[120] = (FAULT_INPUT, 0)
    deadlines = Deadlines(idle_s=4, noisy_s=60, first_s=1)
    with stand_in.flashed(board, tmp_path, deadlines=deadlines).open() as device:
        result = RunResult.empty(Mode.EXACT, len(x), 2)
        with pytest.raises(DeviceError, match=r"stopped answering .* last reset was by a fault") as caught:
            device.run(x, Mode.EXACT, into=result)
    first = int(np.flatnonzero(~result.answered)[0])
    assert 115 < first <= 120 and str(x[first].tolist()) in caught.value.hint
    assert not result.answered[120]
    np.testing.assert_array_equal(result["outputs"][:first], exact(x[:first]))


def test_vectors_on_the_native_board(stand_in, tmp_path):
    codes = np.random.default_rng(9).integers(-128, 128, (3000, 2)).astype(np.int8)
    with stand_in.flashed("native", tmp_path).open() as device:
        result = device.vectors(codes)
    answer, logit = network(codes)
    np.testing.assert_array_equal(result.answer, answer)
    np.testing.assert_array_equal(result.logit, logit)


def test_the_image_that_was_flashed_is_the_one_that_runs(stand_in, tmp_path):
    connection = stand_in.flashed("native", tmp_path)
    other = stand_in.image_folder("native", "size")
    with pytest.raises(WrongImage, match="holds another image"):
        bench(stand_in.convert_folder, other, connection=connection)
    image, _ = read_memory(connection.memory, load_board("native"))
    image.write_bytes(image.read_bytes() + b"x")
    with pytest.raises(ArtifactError, match="is not the one that was flashed"):
        connection.open().__enter__()
    with pytest.raises(ArtifactError, match="holds no image yet"):
        read_memory(tmp_path / "none", load_board("native"))


def test_a_board_that_dies_is_mourned_in_one_line(stand_in, tmp_path):
    connection = stand_in.flashed("native", tmp_path, deadlines=Deadlines(idle_s=1, connect_s=1))
    image_folder = stand_in.image_folder("native")
    killed = []

    def kill(done, total, note=""):
        if done > 1000 and not killed:
            child = next(child for child in _children() if "firmware.elf" in child[1])
            killed.append(child[0])
            os.kill(child[0], signal.SIGKILL)

    said = []
    with pytest.raises(DeviceError, match=r"the emulator ended by itself \(signal 9\)"):
        bench(
            stand_in.convert_folder, image_folder, connection=connection, samples=3000, progress=kill, say=said.append
        )
    assert len(said) == 1 and "of 3,000 samples, marked as incomplete" in said[0] and "--resume" in said[0]
    partial = BenchRecord.load(image_folder)
    assert not partial.complete and partial.samples < 3000
    whole = bench(stand_in.convert_folder, image_folder, connection=connection, samples=3000, resume=True)
    assert whole.complete and whole.samples == 3000


def test_qemu_that_is_missing_is_named_with_its_package(stand_in, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolMissing, match="sudo apt install qemu-system-arm"):
        Emulator(load_board("microbit"), tmp_path / "firmware.elf")
    with pytest.raises(UsageError, match="microbit-v2 has no emulator"):
        Emulator(load_board("microbit-v2"), tmp_path / "firmware.elf")


@pytest.mark.qemu
def test_qemu_that_refuses_to_start_says_why(tmp_path):
    with pytest.raises(DeviceError, match=r"QEMU gave no answer .*Could not load"):
        Emulator(load_board("microbit"), tmp_path / "missing.elf")
    assert not [command for _, command in _children() if "qemu" in command]


@pytest.mark.qemu
@pytest.mark.parametrize("name", ["arduino-uno", "rpi-pico"])
def test_a_reset_is_told_and_nothing_of_before_is_left(stand_in, tmp_path, name):
    image, _ = read_memory(stand_in.flashed(name, tmp_path).memory, load_board(name))
    x = inputs(60)
    with Emulator(load_board(name), image) as emulator:
        for _ in range(2):
            with Device.connect(emulator.open_line) as device:
                np.testing.assert_array_equal(device.run(x, Mode.EXACT)["outputs"], exact(x))
                assert device.hello.bad_frames == 0
            emulator.reset()


def test_what_an_emulator_of_ours_lacks_is_named_with_its_packages(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    uno, pico = load_board("arduino-uno"), load_board("rpi-pico")
    lame = uno.model_copy(update={"emulator": uno.emulator.model_copy(update={"libraries": ("nothing-of-this-name",)})})
    with pytest.raises(ToolMissing, match="nothing-of-this-name.*sudo apt install gcc libsimavr-dev"):
        Emulator(lame, tmp_path / "firmware.elf")
    with pytest.raises(ToolMissing, match=f"npm install --prefix {tmp_path}/axedge/emulators rp2040js@"):
        Emulator(pico, tmp_path / "firmware.bin")
    with pytest.raises(DeviceError, match="simavr did not start"):
        Emulator(uno, tmp_path / "firmware.elf")


@pytest.mark.qemu
def test_a_pico_image_without_a_right_crc_does_not_start(tmp_path):
    (tmp_path / "firmware.bin").write_bytes(bytes(1024))
    with pytest.raises(DeviceError, match="second boot stage is wrong"):
        Emulator(load_board("rpi-pico"), tmp_path / "firmware.bin")


SCRIPT = """
import sys, time
from axedge.firmware.boards import load_board
from axedge.host.emulator import Emulator
from pathlib import Path
with Emulator(load_board(sys.argv[1]), Path(sys.argv[2])) as emulator:
    emulator.open_line()
    print(emulator.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("board", [*BOARDS, *PROGRAMS])
def test_no_emulator_outlives_us(stand_in, tmp_path, board, blow):
    if blow != signal.SIGINT and not Path("/usr/bin/setpriv").exists():
        pytest.skip("setpriv is not installed")
    methods = load_board(board).flash_methods
    kind = next(method.image for method in methods if method.method == "emulator")
    image = stand_in.image_folder(board) / f"firmware.{kind}"
    command = [sys.executable, "-c", SCRIPT, board, str(image)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        pid = int(running.stdout.readline())
        assert is_alive(pid)
        running.send_signal(blow)
        running.wait(20)
    wait_for(lambda: not is_alive(pid))


def test_emulators_in_threads_do_not_disturb_each_other(stand_in, tmp_path):
    connection, x = stand_in.flashed("native", tmp_path), inputs(2000)
    right = []

    def run():
        with connection.open() as device:
            right.append((device.run(x, Mode.EXACT)["outputs"] == exact(x)).all())

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [True] * 3


def _children():
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            command = (status.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if parent == os.getpid() and is_alive(int(status.parent.name)):
            found.append((int(status.parent.name), command))
    return found


def _space(root):
    from axedge.artifacts.workspace import Workspace

    return Workspace(root)
