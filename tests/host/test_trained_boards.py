"""A trained and converted network on every emulated board: built, booted, checked bit for bit, and benched."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bench_folders import convert_record

import axedge.host.bench as bench_module
from axedge.artifacts.files import atomic_write
from axedge.artifacts.kept import TURNED_AWAY
from axedge.artifacts.pair import OPTIMIZE, generated_source
from axedge.artifacts.records.convert import ErrorRule, InputRule, OutputRule
from axedge.artifacts.workspace import Workspace
from axedge.convert import deployment
from axedge.convert.emit import emit_aot
from axedge.convert.qnet import Envelope
from axedge.convert.vectors import VECTORS_FILE, vector_codes, write_vectors
from axedge.firmware.boards import board_names, load_board
from axedge.firmware.build import build_firmware
from axedge.host.bench import bench
from axedge.host.connection import Connection
from axedge.host.flash import flash
from axedge.host.messages import Mode
from axedge.kernels.kernel import load_kernel
from benchmarks.engine.stored import read_deployment

pytestmark = [pytest.mark.qemu, pytest.mark.xdist_group("trained boards")]

STORED = Path(__file__).parents[2] / "benchmarks" / "engine" / "inversek2j.json"
EMULATED = [name for name in board_names() if load_board(name).emulator is not None]
SAMPLES, SEED = 200, 11
#: Beside the network's own guard: turns away a fifth of the samples.
ENVELOPE = Envelope(
    weights=np.array([[3, 40], [-60, 21], [0, -7]], np.int8),
    low=np.array([-619, -5_801, -736]),
    high=np.array([4_981, 6_326, -105]),
    shift=2,
    limit=70_000,
)
UNITS = {"qemu": "instructions", "program": "cycles", "process": "nanoseconds"}


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """Return what `axedge convert` would leave of the stored network, and the network itself."""
    return convert(tmp_path_factory.mktemp("converted"))


def convert(folder):
    kernel, (stored, _) = load_kernel("inversek2j"), read_deployment(STORED)
    # With a guard that it was not calibrated with: nothing is promised.
    trained = replace(stored, envelope=ENVELOPE, eps=0.0, delta=0.0, calibration_count=0)
    for optimize in OPTIMIZE:
        pair = emit_aot(trained, optimize)
        atomic_write(folder / generated_source("inversek2j", optimize), pair["axnet_inversek2j.c"])
        atomic_write(folder / "axnet_inversek2j.h", pair["axnet_inversek2j.h"])
    samples = kernel.draw("bench", SAMPLES, SEED)
    write_vectors(folder / VECTORS_FILE, trained, vector_codes(trained, samples.x, SEED))
    np.savez(folder / "samples.npz", x=samples.x, y=samples.y, seed=np.int64(SEED))
    (folder / "axnet.tflite").write_bytes(b"not kept")
    convert_record(
        kernel="inversek2j",
        model_hash=trained.model_hash,
        threshold=trained.threshold,
        guarantee=None,
        error=ErrorRule(metric=kernel.error.metric, bound=kernel.error.bound, floor=kernel.error.floor),
        inputs=[InputRule(name=n, unit="m", **vars(rule)) for n, rule in zip("xy", trained.inputs, strict=True)],
        outputs=[OutputRule(name=n, unit="rad", **vars(rule)) for n, rule in zip("ab", trained.outputs, strict=True)],
    ).save(folder)
    return folder, kernel, trained


@pytest.mark.parametrize(("name", "optimize"), [*((name, "speed") for name in EMULATED), ("arduino-uno", "size")])
def test_a_trained_network_runs_bit_for_bit_and_is_benched(converted, tmp_path, monkeypatch, name, optimize):
    monkeypatch.setattr(bench_module, "_compare_desktop", lambda *_: None)
    folder, kernel, trained = converted
    board, workspace, image = load_board(name), Workspace(tmp_path), tmp_path / "image"
    build_firmware(folder, kernel, board, image, optimize=optimize)
    assert flash(image, board, workspace=workspace).verified
    connection = Connection(board, workspace)
    x = np.load(folder / "samples.npz")["x"]
    with connection.open() as device:
        answers = device.run(x, Mode.APPROXIMATE)
    wanted, logits = deployment.answer(trained, x)
    known = logits != TURNED_AWAY
    assert 0.1 < np.mean(~known) < 0.4
    np.testing.assert_array_equal(answers["path"] != 2, known)
    np.testing.assert_array_equal(answers["outputs"][known].view(np.uint32), wanted[known].view(np.uint32))
    np.testing.assert_array_equal(answers["path"] == 0, logits >= trained.threshold)
    record = bench(folder, image, connection=connection)
    assert (record.complete, record.samples, record.vectors.count, record.vectors.mismatches) == (
        True,
        SAMPLES,
        1024,
        0,
    )
    assert record.paths.approximated == int((logits >= trained.threshold).sum()) > SAMPLES / 2
    assert record.ticks.unit == UNITS[board.emulator.kind]
    for ticks in (record.ticks.approximate, record.ticks.exact):
        # A computer's clock may see no time pass in its quickest call; what is counted is never nothing.
        assert 0 <= ticks.min <= ticks.mean <= ticks.max and ticks.mean > 0
        assert ticks.min > 0 or record.ticks.unit == "nanoseconds"
    assert record.precision > 0.85
    assert record.footprint.engine_ram_bytes == 0 or (name, optimize) == ("arduino-uno", "size")  # a row a layer


def test_an_image_made_for_size_takes_less_flash_and_gives_the_same_bits(converted, tmp_path):
    folder, kernel, _ = converted
    board, x = load_board("microbit"), np.load(folder / "samples.npz")["x"]
    flash_bytes, answers = {}, {}
    for optimize in OPTIMIZE:
        image, workspace = tmp_path / optimize / "image", Workspace(tmp_path / optimize)
        record = build_firmware(folder, kernel, board, image, optimize=optimize)
        assert record.optimize == optimize
        flash_bytes[optimize] = record.footprint.engine_flash_bytes
        flash(image, board, workspace=workspace)
        with Connection(board, workspace).open() as device:
            answers[optimize] = device.run(x, Mode.APPROXIMATE)["outputs"].tobytes()
    assert flash_bytes["size"] < 0.7 * flash_bytes["speed"]
    assert answers["size"] == answers["balanced"] == answers["speed"]
