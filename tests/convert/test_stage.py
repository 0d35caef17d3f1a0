"""The whole stage on a small real training: what it writes, that it repeats, and what it refuses."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from axedge.artifacts.errors import ArtifactError, CheckFailed
from axedge.artifacts.records.convert import ConvertRecord
from axedge.convert import stage
from axedge.convert.deployment import answer, load_deployment
from axedge.convert.reference import run
from axedge.convert.stage import convert_inputs_digest, convert_kernel
from axedge.convert.tflm import run_tflm
from axedge.kernels.kernel import load_kernel

pytestmark = [pytest.mark.train, pytest.mark.cc]


@pytest.fixture(scope="module")
def kernel():
    return load_kernel("inversek2j")


@pytest.fixture(scope="module")
def trained(kernel, tmp_path_factory):
    from axedge.train.stage import train_kernel

    folder = tmp_path_factory.mktemp("train")
    train_kernel(kernel, folder, steps=400, restarts=2)
    return folder


@pytest.fixture(scope="module")
def converted_folder(kernel, trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("convert")
    convert_kernel(kernel, trained, folder)
    return folder


def contents(folder) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_the_folder_holds_what_build_and_bench_need(converted_folder):
    names = {path.name for path in converted_folder.iterdir()}
    c_files = {"axnet_inversek2j.h", "axnet_inversek2j.c", "axnet_inversek2j_tflite.h", "axnet_inversek2j_tflite.cc"}
    assert names == {"axnet.tflite", "vectors.npz", "samples.npz", "convert.json"} | c_files


def test_the_same_input_gives_the_same_bytes(kernel, trained, converted_folder, tmp_path):
    convert_kernel(kernel, trained, tmp_path)
    assert contents(tmp_path) == contents(converted_folder)


def test_one_hash_stands_everywhere(converted_folder):
    record = ConvertRecord.load(converted_folder)
    tflite = (converted_folder / "axnet.tflite").read_bytes()
    assert record.model_hash == hashlib.sha256(tflite).hexdigest()[:16]
    for name in ("axnet_inversek2j.h", "axnet_inversek2j_tflite.h", "axnet_inversek2j_tflite.cc"):
        assert record.model_hash in (converted_folder / name).read_text()


def test_vectors_are_tflms_and_hold_corners_and_saturation(converted_folder):
    with np.load(converted_folder / "vectors.npz") as vectors:
        inputs, answers, logits = vectors["inputs"], vectors["answer"], vectors["logit"]
    assert len(inputs) >= 1000 and inputs.dtype == answers.dtype == logits.dtype == np.int8
    rows = {tuple(row) for row in inputs.tolist()}
    assert {(a, b) for a in (-128, 127) for b in (-128, 127)} <= rows
    truth = run_tflm((converted_folder / "axnet.tflite").read_bytes(), inputs)
    np.testing.assert_array_equal(truth.answer, answers)
    np.testing.assert_array_equal(truth.logit, logits)


def test_samples_are_fresh_exact_and_say_how_they_were_drawn(kernel, converted_folder):
    with np.load(converted_folder / "samples.npz") as samples:
        x, y = samples["x"], samples["y"]
        assert (str(samples["kernel"]), str(samples["metric"])) == ("inversek2j", "relative")
        assert float(samples["bound"]) == 0.1 and int(samples["seed"]) == 0
    assert x.shape == (50_000, 2) and y.shape == (50_000, 2) and x.dtype == y.dtype == np.float32
    np.testing.assert_array_equal(kernel.exact(x[:100]), y[:100])
    drawn = {row.tobytes() for purpose in ("train", "test") for row in kernel.draw(purpose, 5000, 0).x}
    assert not any(row.tobytes() in drawn for row in x[:5000])


def test_the_deployment_is_read_back_and_answers_alike(kernel, converted_folder):
    record, deployment = ConvertRecord.load(converted_folder), load_deployment(converted_folder)
    assert deployment.threshold == record.threshold and len(deployment.inputs) == 2
    test = kernel.draw("test", record.test_count, 0)
    y, logits = answer(deployment, test.x)
    assert np.mean(logits >= record.threshold) == pytest.approx(record.figures.invocation, abs=1e-12)
    assert y.dtype == np.float32 and y.shape == test.y.shape


def test_figures_are_plausible(converted_folder):
    record = ConvertRecord.load(converted_folder)
    for figures in (record.float_figures, record.figures):
        assert 0 <= figures.useful_invocation <= min(figures.invocation, figures.true_invocation) <= 1
    assert record.tflm.result == "passed" and record.tflm.count >= 1000
    assert record.desktop is not None and record.desktop.outputs == 3 * record.vectors
    assert record.arena_bytes and record.parameters == 60


def test_the_digest_follows_what_is_read(kernel, trained):
    first = convert_inputs_digest(kernel, trained)
    assert first == convert_inputs_digest(kernel, trained)
    assert first != convert_inputs_digest(kernel, trained, seed=1)
    assert first != convert_inputs_digest(kernel, trained, activations="int16")


def test_another_kernels_training_is_refused(trained, tmp_path):
    with pytest.raises(ArtifactError, match="inversek2j, not for inversek2j_double"):
        convert_kernel(load_kernel("inversek2j_double"), trained, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_damaged_network_is_one_line_and_nothing_is_written(kernel, trained, tmp_path):
    import shutil

    broken, out = tmp_path / "train", tmp_path / "out"
    shutil.copytree(trained, broken)
    (broken / "axnet.keras").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(ArtifactError, match=r"axnet\.keras") as caught:
        convert_kernel(kernel, broken, out)
    assert "\n" not in str(caught.value) and not out.exists()


def test_bits_that_differ_from_tflm_stop_the_conversion(kernel, trained, tmp_path, monkeypatch):
    def wrong(net, codes):
        answers, logits = run(net, codes)
        answers = answers.copy()
        answers[17, 0] ^= 1
        return answers, logits

    monkeypatch.setattr(stage, "run", wrong)
    with pytest.raises(CheckFailed, match="on 1 of 1024 inputs"):
        convert_kernel(kernel, trained, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_load_of_another_model_is_refused(converted_folder, tmp_path):
    import shutil

    folder = tmp_path / "mixed"
    shutil.copytree(converted_folder, folder)
    content = bytearray((folder / "axnet.tflite").read_bytes())
    content[-1] ^= 1
    (folder / "axnet.tflite").write_bytes(bytes(content))
    with pytest.raises(ArtifactError, match="not the model"):
        load_deployment(folder)
