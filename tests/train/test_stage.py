import json

import numpy as np
import pytest

from axedge.artifacts.errors import UsageError
from axedge.artifacts.records.train import TrainRecord
from axedge.kernels import metrics
from axedge.kernels.kernel import load_kernel
from axedge.train.network import load_keras
from axedge.train.normalise import Affine
from axedge.train.stage import train_inputs_digest, train_kernel

pytestmark = [pytest.mark.train, pytest.mark.cc]

QUICK = {"steps": 1500, "restarts": 8}


@pytest.fixture(scope="module")
def kernel():
    return load_kernel("inversek2j")


@pytest.fixture(scope="module")
def trained(kernel, tmp_path_factory):
    """A short training, its folder, and the progress notes."""
    folder, notes = tmp_path_factory.mktemp("train"), []
    (folder / "axnet_77.keras").write_bytes(b"left by an earlier training")
    record = train_kernel(
        kernel, folder, progress=lambda done, total, note="": notes.append((done, total, note)), **QUICK
    )
    return record, folder, notes


def affine(scalings):
    return Affine(np.array([part.offset for part in scalings]), np.array([part.scale for part in scalings]))


def test_the_folder_holds_what_the_record_says(trained):
    record, folder, _ = trained
    assert TrainRecord.load(folder) == record
    assert json.loads((folder / "train.json").read_text())["schema"] == 1
    names = {path.name for path in folder.iterdir()}
    assert names == {"train.json"} | {candidate.file for candidate in record.candidates}
    assert record.candidates[0].file == "axnet.keras"
    assert record.parameters == 60
    assert [part.inv95 for part in record.candidates] == sorted(
        (part.inv95 for part in record.candidates), reverse=True
    )


def test_the_saved_model_earns_the_reported_figures(trained, kernel):
    record, folder, _ = trained
    test = kernel.draw("test", record.split.test, record.options.seed)
    inputs, outputs = affine(record.normalisation.inputs), affine(record.normalisation.outputs)
    u = inputs.apply(test.x)
    assert np.abs(u).max() <= 1.0
    y, safe_logit = (part.numpy() for part in load_keras(folder / "axnet.keras")(u))
    safe = metrics.is_safe(kernel.error, test.y, outputs.undo(y))
    assert safe.mean() == pytest.approx(record.metrics.true_invocation, abs=1e-3)
    assert (safe_logit[:, 0] >= 0).mean() == pytest.approx(record.metrics.invocation, abs=1e-3)
    assert record.metrics.true_invocation > 0.5
    assert np.abs(outputs.apply(test.y)).max() < 1.1


def test_progress_tells_the_live_figures(trained):
    record, _, notes = trained
    assert notes[-1][0] == notes[-1][1]
    assert all(earlier[0] < later[0] for earlier, later in zip(notes, notes[1:], strict=False))
    assert f"{record.history[-1].inv95:.3f}" in notes[-1][2]


def test_the_same_seed_gives_the_same_network(trained, kernel, tmp_path):
    record, folder, _ = trained
    again = train_kernel(kernel, tmp_path, **QUICK)
    assert again.metrics == record.metrics
    pairs = zip(
        load_keras(folder / "axnet.keras").get_weights(),
        load_keras(tmp_path / "axnet.keras").get_weights(),
        strict=True,
    )
    assert all(np.array_equal(one, other) for one, other in pairs)


def test_the_digest_follows_every_option(kernel):
    options = [{}, {"seed": 1}, {"recipe": "paper"}, {"steps": 77}, {"restarts": 3}]
    assert len({train_inputs_digest(kernel, **chosen) for chosen in options}) == len(options)
    assert train_inputs_digest(kernel) == train_inputs_digest(
        kernel, seed=0, recipe="default", steps=None, restarts=None
    )
    assert train_inputs_digest(kernel) != train_inputs_digest(load_kernel("inversek2j_double"))


def test_an_unknown_recipe_is_one_line(kernel, tmp_path):
    with pytest.raises(UsageError, match="no recipe is called 'papr'") as caught:
        train_kernel(kernel, tmp_path, recipe="papr")
    assert "paper" in caught.value.hint
    assert not list(tmp_path.iterdir())
