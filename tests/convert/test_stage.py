"""The whole stage on a small real training: what it writes, that it repeats, and what it refuses."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from axedge.artifacts.errors import ArtifactError, CheckFailed, UsageError
from axedge.artifacts.pair import generated_source
from axedge.artifacts.records.convert import ConvertRecord
from axedge.convert import checks, promise, tflm
from axedge.convert.deployment import answer, load_deployment
from axedge.convert.promise import _above
from axedge.convert.reference import run
from axedge.convert.stage import convert_inputs_digest, convert_kernel
from axedge.convert.tflm import run_tflm
from axedge.kernels.kernel import load_kernel
from axedge.show import show_convert
from axedge.terminal import Terminal

pytestmark = [pytest.mark.train, pytest.mark.cc]

QUICK = {"effort": 0.0}


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
    convert_kernel(kernel, trained, folder, **QUICK)
    return folder


def contents(folder) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_folder_holds_what_build_and_bench_need(converted_folder):
    names = set(contents(converted_folder))
    c_files = {"axnet_inversek2j.h", "axnet_inversek2j.c", "axnet_inversek2j_tflite.h", "axnet_inversek2j_tflite.cc"}
    c_files |= {"balanced/axnet_inversek2j.c", "size/axnet_inversek2j.c"}
    assert names == {"axnet.tflite", "vectors.npz", "samples.npz", "judged.npz", "convert.json"} | c_files
    for optimize in ("speed", "balanced", "size"):
        text = (converted_folder / generated_source("inversek2j", optimize)).read_text()
        assert f"Made for {optimize}" in text


def test_the_same_input_gives_the_same_bytes(kernel, trained, converted_folder, tmp_path):
    convert_kernel(kernel, trained, tmp_path, **QUICK)
    assert contents(tmp_path) == contents(converted_folder)


def test_without_tflite_micro_the_check_is_not_done_and_all_else_is(
    kernel, trained, converted_folder, tmp_path, monkeypatch, capsys
):
    hidden = "import sys\nsys.modules['tflite_micro'] = None\n"  # what an import of it meets where it is not installed
    child = tmp_path / "tflm_child.py"
    child.write_text(tflm._SCRIPT.read_text().replace("import importlib", hidden + "import importlib", 1))
    monkeypatch.setattr(tflm, "_SCRIPT", child)
    record = convert_kernel(kernel, trained, tmp_path / "convert", **QUICK)
    assert (record.tflm.result, record.tflm.count, record.tflm.version) == ("not done here", 0, None)
    assert record.arena_bytes is None and ConvertRecord.load(tmp_path / "convert") == record
    whole, bare = contents(converted_folder), contents(tmp_path / "convert")
    assert whole.keys() == bare.keys()
    arena_is_told_in = "axnet_inversek2j_tflite.h"
    assert {name for name in whole if whole[name] != bare[name]} == {"convert.json", arena_is_told_in}
    show_convert(Terminal(), record, as_json=False)
    assert "Check against TensorFlow Lite Micro: not done here." in capsys.readouterr().out


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
    assert first != convert_inputs_digest(kernel, trained, guarantee=0.95)


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

    monkeypatch.setattr(checks, "run", wrong)
    with pytest.raises(CheckFailed, match="on 1 of 1024 inputs"):
        convert_kernel(kernel, trained, tmp_path / "out", **QUICK)
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


def test_what_quantisation_cost_is_said(converted_folder):
    record = ConvertRecord.load(converted_folder)
    cost = record.cost
    assert [output.name for output in cost.outputs] == ["theta1", "theta2"]
    assert {tensor.name for tensor in cost.tensors} >= {"u", "y", "safe", "gated_0", "predictor_0_sum"}
    assert len(cost.worst) == 5 and len(cost.worst[0].x) == len(cost.worst[0].exact) == 2
    added = [sample.error - sample.float_error for sample in cost.worst]
    assert added == sorted(added, reverse=True)
    moved = record.figures.true_invocation - record.float_figures.true_invocation
    if record.candidate == "axnet.keras":
        assert cost.gate.newly_safe - cost.gate.no_longer_safe == pytest.approx(moved, abs=1e-9)
    assert all(bound.magnitude <= bound.limit for bound in record.proof) and len(record.proof) == 6


@pytest.fixture(scope="module")
def easy_kernel():
    """The same arm, whose bound nearly every answer keeps."""
    from dataclasses import replace

    kernel = load_kernel("inversek2j")
    return replace(kernel, error=replace(kernel.error, metric="absolute", bound=1.0, floor=0.0))


def test_a_promise_stands_in_record_header_and_deployment(easy_kernel, trained, tmp_path):
    record = convert_kernel(easy_kernel, trained, tmp_path, guarantee=0.9, confidence=0.99, **QUICK)
    promised = record.guarantee
    assert (promised.eps, promised.delta) == (0.1, 0.01)
    assert promised.violations <= 0.1 * promised.invoked and record.at_guarantee.invocation > 0.2
    header = (tmp_path / "axnet_inversek2j.h").read_text()
    assert "at most 10 % are not safe, with 99 % confidence" in header and "inversek2j_sample" in header
    deployment = load_deployment(tmp_path)
    assert (deployment.eps, deployment.delta, deployment.threshold) == (0.1, 0.01, record.threshold)
    assert deployment.calibration_count == promised.calibration_count == 200_000
    assert "_CALIBRATION_COUNT 200000\n" in header and f"_THRESHOLD {record.threshold}\n" in header
    fresh = easy_kernel.draw("fresh", 50_000, 1)
    y, logits = answer(deployment, fresh.x)
    used = logits >= record.threshold
    violations = np.mean(np.abs(y - fresh.y)[used].max(axis=1) > 1.0)
    assert violations <= 0.1


def test_what_cannot_be_promised_is_said_with_the_best_there_is(kernel, trained, tmp_path):
    with pytest.raises(CheckFailed, match=r"best that could be promised is [0-9.]+ %") as caught:
        convert_kernel(kernel, trained, tmp_path / "out", guarantee=0.9999, **QUICK)
    assert caught.value.exit_code == 1 and not (tmp_path / "out").exists()
    assert "--activations int16" in str(caught.value)
    assert [_above(0.05, bound) for bound in (0.050001, 0.0512, 0.93333)] == ["5.0001", "5.12", "93.3"]


@pytest.mark.parametrize("options", [{"guarantee": 1.0}, {"confidence": 0.0}, {"effort": -1}, {"activations": "int4"}])
def test_options_out_of_range_are_refused_first(kernel, tmp_path, options):
    with pytest.raises(UsageError):
        convert_kernel(kernel, tmp_path / "missing", tmp_path / "out", **options)


def test_wide_activations_go_the_same_way(kernel, trained, tmp_path, monkeypatch):
    monkeypatch.setattr(promise, "CALIBRATION_COUNT", 5000)
    record = convert_kernel(kernel, trained, tmp_path, activations="int16", **QUICK)
    assert record.activations == "int16" and record.tflm.result == "passed"
    with np.load(tmp_path / "vectors.npz") as vectors:
        assert vectors["inputs"].dtype == vectors["answer"].dtype == vectors["logit"].dtype == np.int16
    assert record.figures.true_invocation == pytest.approx(record.float_figures.true_invocation, abs=0.05)
