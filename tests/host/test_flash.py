"""Flashing: which method is chosen, what exactly would be run, what failures say, nothing is believed unasked."""

import stat
from pathlib import Path

import pytest
from bench_folders import build_record, write_folders

from axedge.artifacts.errors import ArtifactError, DeviceError, ToolMissing, UsageError, WrongImage
from axedge.artifacts.workspace import Workspace
from axedge.firmware.boards import FlashMethod, load_board
from axedge.host import flash as flash_module
from axedge.host import flash_tools, usb
from axedge.host.flash import flash
from axedge.host.flash_tools import (
    Drive,
    Program,
    copy_and_start,
    copy_synced,
    find_volume,
    program_for,
    wait_for_return,
)
from axedge.host.ports import Port
from axedge.host.usb import UsbDevice, probe_for, usb_devices

pytestmark = pytest.mark.host


@pytest.fixture
def image(tmp_path):
    _, folder = write_folders(tmp_path)
    build_record(board="microbit").save(folder)
    return folder


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Return a function that puts a program onto an otherwise empty PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(flash_tools, "usb_devices", lambda: [UsbDevice("0d28:0204", "99")])

    def install(name, script):
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return install


@pytest.fixture
def asked(monkeypatch):
    """Record what the verification asks, instead of asking."""
    calls = []
    monkeypatch.setattr(flash_module, "_verify", lambda *arguments: calls.append(arguments))
    return calls


def put(image, tmp_path, board="microbit", **options):
    return flash(image, load_board(board), workspace=Workspace(tmp_path / "out"), **options)


def test_a_dry_run_prints_the_exact_command(image, tmp_path):
    done = put(image, tmp_path, method="openocd", dry_run=True, probe="990")
    assert done.command == (
        "openocd -f interface/cmsis-dap.cfg -f target/nrf51.cfg -c 'adapter serial 990' "
        f"-c 'program {{{image}/firmware.elf}} verify reset exit'"
    )
    assert not done.verified
    assert put(image, tmp_path, method="pyocd", dry_run=True).command == f"pyocd flash -W -t nrf51 {image}/firmware.hex"
    assert "cp " in put(image, tmp_path, method="drive", dry_run=True).command
    emulator = put(image, tmp_path, method="emulator", dry_run=True).command
    assert "qemu-system-arm -M microbit" in emulator and "-icount shift=6" in emulator
    assert not (tmp_path / "out").exists()


def test_a_named_port_means_a_real_board(image, tmp_path, tools, asked):
    tools("openocd", "exit 0")
    done = put(image, tmp_path, port="/dev/ttyACM0")
    assert done.method == "openocd" and done.verified
    assert done.skipped == (("emulator", "a port was named"), ("drive", "no drive MICROBIT is mounted"))
    assert asked[0][3] == "/dev/ttyACM0"


def test_each_method_that_cannot_be_used_is_named_with_its_reason(image, tmp_path, tools):
    with pytest.raises(ToolMissing) as caught:
        put(image, tmp_path, port="/dev/ttyACM0")
    for reason in ("drive: no drive MICROBIT", "openocd: openocd is not installed", "pyocd: pyocd is not installed"):
        assert reason in caught.value.message
    with pytest.raises(ToolMissing, match="openocd cannot be used: openocd is not installed"):
        put(image, tmp_path, method="openocd")


def test_a_probe_that_is_not_plugged_in_is_noticed(image, tmp_path, tools, monkeypatch):
    tools("openocd", "exit 0")
    monkeypatch.setattr(flash_tools, "usb_devices", lambda: [UsbDevice("0483:374b")])
    with pytest.raises(ToolMissing, match="no debug probe of its kind is plugged in"):
        put(image, tmp_path, method="openocd")


def test_a_probe_is_not_passed_over_in_silence(image, tmp_path, tools):
    with pytest.raises(UsageError, match="the method emulator uses no probe"):
        put(image, tmp_path, method="emulator", probe="123")
    with pytest.raises(ToolMissing, match="emulator: a probe was named"):
        put(image, tmp_path, probe="123")


def test_of_several_probes_one_has_to_be_chosen(image, tmp_path, tools, asked, monkeypatch):
    tools("openocd", "exit 0")
    monkeypatch.setattr(
        flash_tools, "usb_devices", lambda: [UsbDevice("0d28:0204", serial) for serial in ("9901", "9902")]
    )
    with pytest.raises(ToolMissing, match=r"2 probes are plugged in \(9901, 9902\): choose one with --probe"):
        put(image, tmp_path, method="openocd")
    with pytest.raises(ToolMissing, match="no probe 77 is plugged in, only 9901, 9902"):
        put(image, tmp_path, method="openocd", probe="77")
    assert put(image, tmp_path, method="openocd", probe="9902").verified


def test_what_openocd_says_first_is_the_cause(image, tmp_path, tools, asked):
    tools(
        "openocd", "echo 'Error: unable to find a matching CMSIS-DAP device'; echo '** OpenOCD init failed **'; exit 1"
    )
    with pytest.raises(DeviceError, match="exit code 1.: unable to find a matching CMSIS-DAP device"):
        put(image, tmp_path, method="openocd")


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("Error: unable to find a matching CMSIS-DAP device", "Is the probe plugged in"),
        ("No connected debug probes", "Is the probe plugged in"),
        ("Error: libusb_open() failed with LIBUSB_ERROR_ACCESS", "udev rules"),
        ("Error: nRF51 device is read-protected", "mass erase"),
        ("Error: Could not find MEM-AP to control the core", "Check --board"),
        ("Error: something else", "All it said is in"),
    ],
)
def test_a_tool_that_fails_is_quoted_and_explained(image, tmp_path, tools, asked, said, hint):
    tools("openocd", f"echo starting; echo '{said}' >&2; exit 1")
    lines, details = [], []
    with pytest.raises(DeviceError) as caught:
        put(image, tmp_path, method="openocd", say=lines.append, detail=details.append)
    assert "openocd failed (exit code 1)" in caught.value.message
    assert said.removeprefix("Error: ") in caught.value.message
    assert hint in caught.value.hint and lines == ["flashing microbit by openocd"]
    assert "starting" in details[-1] and said in details[-1]
    assert said in (image / "flash.log").read_text() and not asked


def test_a_tool_that_never_ends_is_ended(image, tmp_path, tools, monkeypatch):
    tools("openocd", "exec /bin/sleep 60")
    monkeypatch.setattr(flash_tools, "TOOL_S", 0.3)
    with pytest.raises(DeviceError, match="did not finish"):
        put(image, tmp_path, method="openocd")


def test_success_is_believed_only_when_the_board_says_so(image, tmp_path, tools, monkeypatch):
    tools("openocd", "exit 0")

    class Other:
        def __init__(self, *_, **__):
            pass

        def open(self, build_id):
            raise WrongImage(f"the board runs another image, not {build_id}.")

    monkeypatch.setattr(flash_module, "Connection", Other)
    with pytest.raises(WrongImage, match="openocd reported success, but the board runs another image"):
        put(image, tmp_path, method="openocd", port="/dev/ttyACM0")


def test_unknown_methods_boards_and_images(image, tmp_path):
    with pytest.raises(UsageError, match="cannot be flashed by 'openodc'") as caught:
        put(image, tmp_path, method="openodc")
    assert "Did you mean openocd" in caught.value.hint
    with pytest.raises(ArtifactError, match="holds an image for microbit, not native"):
        put(image, tmp_path, board="native")
    (image / "firmware.hex").unlink()
    with pytest.raises(ArtifactError, match=r"firmware.hex does not exist"):
        put(image, tmp_path)


def test_the_port_with_the_boards_usb_id_is_asked():
    board = load_board("microbit")
    own, other = Port("/dev/ttyACM4", "0d28:0204"), Port("/dev/ttyUSB0", "10c4:ea60")
    assert flash_module._port_of(board, lambda: [other, own]) == "/dev/ttyACM4"
    assert flash_module._port_of(board, lambda: [own, own]) == "auto"
    assert flash_module._port_of(board, lambda: [other]) == "auto"


def test_commands_of_other_programmers():
    stlink = FlashMethod(method="openocd", image="elf", configs=("board/st_nucleo_f4.cfg",))
    program = program_for(stlink, load_board("microbit").folder / "firmware.elf", None, None)
    assert program.interface == "stlink" and program.arguments[:2] == ("-f", "board/st_nucleo_f4.cfg")
    uno = FlashMethod(method="avrdude", image="hex", target="atmega328p", programmer="arduino", baud=115200)
    program = program_for(uno, load_board("microbit").folder / "a b.hex", None, "/dev/ttyACM0")
    assert program.command().startswith("avrdude -p atmega328p -c arduino -b 115200 -P /dev/ttyACM0 -D -U 'flash:w:")
    assert program.obstacle() in ("", "avrdude is not installed")


def test_usb_devices_are_read_from_the_system(tmp_path):
    device = tmp_path / "1-1"
    device.mkdir()
    (device / "idVendor").write_text("0483\n")
    (device / "idProduct").write_text("374b\n")
    (device / "serial").write_text("066E\n")
    (tmp_path / "1-1:1.0").mkdir()
    found = usb_devices(tmp_path)
    assert found == [UsbDevice("0483:374b", "066E")]
    assert usb_devices(tmp_path / "none") is None
    assert probe_for("interface/stlink.cfg", found) == found
    assert probe_for("interface/cmsis-dap.cfg", found) == []
    assert probe_for("interface/other.cfg", found) is None and probe_for("interface/stlink.cfg", None) is None
    assert all(key == key.lower() and len(key) == 9 for key in usb.KNOWN_IDS)


def test_a_mounted_drive_is_found_by_its_label(tmp_path):
    drive = tmp_path / "media" / "MICRO BIT"
    drive.mkdir(parents=True)
    labels = tmp_path / "labels"
    labels.mkdir()
    (tmp_path / "sda").touch()
    (labels / "MICROBIT").symlink_to(tmp_path / "sda")
    mounts = tmp_path / "mounts"
    escaped = str(drive).replace(" ", "\\040")
    mounts.write_text(f"proc /proc proc rw 0 0\n{tmp_path}/sda {escaped} vfat rw 0 0\n")
    assert find_volume("MICROBIT", mounts, labels) == drive
    assert find_volume("RPI-RP2", mounts, labels) is None


def test_a_copy_to_a_drive_waits_for_it_to_come_back(tmp_path, monkeypatch):
    drive, source, log = tmp_path / "MICROBIT", tmp_path / "firmware.hex", tmp_path / "log"
    drive.mkdir()
    source.write_text(":00000001FF\n")
    looks = iter([drive, drive, None, None, drive])
    clock = iter(range(100))
    copy_synced(source, drive / source.name)
    assert (drive / "firmware.hex").read_text() == ":00000001FF\n"
    wait_for_return(lambda: next(looks), log, "MICROBIT", clock=lambda: next(clock), sleep=lambda _: None)
    assert next(looks, "all seen") == "all seen"
    (drive / "FAIL.TXT").write_text("error: The hex file cannot be decoded\nmore\n")
    with pytest.raises(DeviceError, match="refused the image: error: The hex file cannot be decoded"):
        wait_for_return(lambda: drive, log, "MICROBIT", clock=lambda: next(clock), sleep=lambda _: None)
    with pytest.raises(DeviceError, match="did not come back"):
        wait_for_return(lambda: None, log, "MICROBIT", clock=lambda: next(clock), sleep=lambda _: None)


def test_a_drive_that_cannot_be_written_is_named(tmp_path):
    source = tmp_path / "a.hex"
    source.write_text("x")
    with pytest.raises(DeviceError, match="cannot be written"):
        copy_synced(source, tmp_path / "none" / "a.hex")
    assert "no drive NOPE is mounted" in Drive(source, "NOPE").obstacle()
    with pytest.raises(DeviceError, match="no drive NOPE"):
        Drive(source, "NOPE").run(tmp_path / "log")


def test_a_program_that_vanished_is_a_clear_error(tmp_path):
    with pytest.raises(DeviceError, match="nosuchtool is not installed"):
        Program("nosuchtool", ()).run(tmp_path / "log")


def test_an_image_in_the_emulated_memory_can_be_run(tmp_path, image):
    from axedge.host.emulator import put_image, read_memory

    state = put_image(tmp_path / "memory", image / "firmware.elf", build_record(board="microbit"))
    assert (tmp_path / "memory" / "firmware.elf").stat().st_mode & stat.S_IXUSR
    assert read_memory(tmp_path / "memory", load_board("microbit"))[1] == state
    with pytest.raises(ArtifactError, match="does not exist"):
        put_image(tmp_path / "memory", image / "none.elf", build_record())


def test_avrdude_never_chooses_a_port_itself(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    (method,) = (one for one in load_board("arduino-uno").flash_methods if one.method == "avrdude")
    without = program_for(method, Path("firmware.hex"), None, None)
    assert "name it with --port" in without.obstacle() and "-P" not in without.command()
    assert program_for(method, Path("firmware.hex"), None, "/dev/ttyACM0").obstacle() == ""


def test_a_uf2_drive_goes_when_the_board_starts_the_image(tmp_path):
    source, drive = tmp_path / "firmware.uf2", tmp_path / "RPI-RP2"
    source.write_bytes(b"image")
    drive.mkdir()
    looks, slept = iter([drive, drive, None]), []
    copy_and_start(source, drive / "firmware.uf2", lambda: next(looks), "RPI-RP2", sleep=slept.append)
    assert (drive / "firmware.uf2").read_bytes() == b"image" and len(slept) == 2
    copy_and_start(
        source, tmp_path / "gone" / "firmware.uf2", lambda: None, "RPI-RP2"
    )  # it went while it was copied to
    clock = iter(range(0, 1000, 7))
    with pytest.raises(DeviceError, match="the drive RPI-RP2 is still there"):
        copy_and_start(
            source, drive / "a.uf2", lambda: drive, "RPI-RP2", clock=lambda: next(clock), sleep=lambda _: None
        )
