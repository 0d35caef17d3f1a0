import json
from dataclasses import replace

import numpy as np
import pytest

from axedge.artifacts.records.results import Results
from axedge.kernels import metrics
from axedge.kernels.kernel import load_kernel
from axedge.train import baselines, compare
from axedge.train.baselines import BUDGET_SHARES, pair_within, parameter_budget
from axedge.train.recipes import Recipe, Round
from axedge.train.split import draw_split
from axedge.train.topology import Topology

TINY = Recipe("tiny", (Round(restarts=2, steps=400, batch=128),), train_samples=8192, validation_samples=2000)


@pytest.mark.host
@pytest.mark.parametrize("share", BUDGET_SHARES)
@pytest.mark.parametrize(
    "axnet", [Topology(2, 2, (5,), (3,)), Topology(9, 1, (8, 4), (4,)), Topology(64, 64, (16,), (8,))]
)
def test_a_baseline_spends_its_budget_and_no_more(axnet, share):
    pair = pair_within(axnet, share)
    budget = parameter_budget(axnet)
    assert 0.9 * budget <= pair.parameters <= budget
    assert pair.approximator.outputs == axnet.outputs
    assert pair.classifier.outputs == 1
    assert not pair.approximator.gated


@pytest.mark.host
def test_the_papers_form_has_a_second_logit():
    assert parameter_budget(Topology(2, 2, (5,), (3,))) == 64


@pytest.mark.train
@pytest.mark.cc
def test_iterative_training_keeps_its_best_pass(monkeypatch):
    kernel = load_kernel("inversek2j")
    axnet = Topology.of_kernel(kernel)
    split = draw_split(kernel, 8192, 2000, 4000, seed=0)
    passes = []
    whole = baselines._Work.one_pass

    def noting(self, shapes, before):
        pair = whole(self, shapes, before)
        passes.append((before is not None, pair.inv95))
        return pair

    monkeypatch.setattr(baselines._Work, "one_pass", noting)
    monkeypatch.setattr(baselines, "BUDGET_SHARES", (0.5,))
    outcomes = baselines.train_pairs(kernel, split, axnet, TINY, seed=0, iterations=1)
    assert [again for again, _ in passes] == [False, True]
    assert outcomes["one-pass"].pair.inv95 == passes[0][1]
    best = outcomes["iterative"]
    assert best.pair.inv95 == max(inv95 for _, inv95 in passes)
    assert best.metrics.samples == len(split.test)
    assert best.metrics.inv95 == pytest.approx(best.pair.inv95, abs=0.1)
    assert 0.0 < best.metrics.true_invocation < 1.0
    assert 0.0 < outcomes["one-pass"].cpu_seconds < best.cpu_seconds


@pytest.mark.train
@pytest.mark.cc
def test_the_agreed_samples_are_safe_and_let_through():
    kernel = load_kernel("inversek2j")
    split = draw_split(kernel, 8192, 2000, 100, seed=0)
    work = baselines._Work(kernel, split, TINY, seed=0)
    pair = work.one_pass(pair_within(Topology.of_kernel(kernel), 0.5), None)
    answers, _ = baselines.Runner(pair.shapes.approximator, work.x)(pair.approximators[:1])
    safe = metrics.is_safe(kernel.error, split.train.y, work.units.outputs.undo(answers[0]))
    agreed = work._agreed(pair)
    assert agreed.sum() >= 1024
    assert agreed.all() or (safe[agreed].all() and agreed.sum() < safe.sum())


@pytest.fixture
def cells(monkeypatch):
    """A plan of two rows, and the list of the trainings that were run; no training is."""
    ran = []

    def fake(cell, folder):
        ran.append((cell.kernel.name, cell.method, cell.seed))
        figures = dict.fromkeys(("true_invocation", "invocation", "inv95", "inv99"), 0.5 + 0.1 * cell.seed)
        outcome = compare.CompareCell(
            axedge="x",
            inputs_digest=cell.digest(),
            kernel=cell.kernel.name,
            method=cell.method,
            recipe=cell.recipe.name,
            seed=cell.seed,
            parameters=60,
            metrics=compare.TrainMetrics(
                samples=10, precision=None, useful_invocation=0.0, median_error=0.01, **figures
            ),
            cpu_seconds=1.0,
        )
        compare.atomic_write(cell.path(folder), outcome.model_dump_json())
        return cell.method

    monkeypatch.setattr(compare, "run_cell", fake)
    monkeypatch.setattr(compare, "PLAN", (("as published", "axnet", TINY), ("equal effort", "iterative", TINY)))
    return ran


@pytest.mark.host
def test_a_comparison_goes_on_where_it_stopped(cells, tmp_path, monkeypatch):
    kernel = load_kernel("inversek2j")
    rows = compare.compare([kernel], tmp_path, seeds=2)
    assert len(cells) == 4
    assert compare.compare([kernel], tmp_path, seeds=2) == rows
    assert len(cells) == 4
    compare.compare([kernel], tmp_path, seeds=3)
    assert cells[4:] == [("inversek2j", "axnet", 2), ("inversek2j", "iterative", 2)]
    changed = replace(TINY, validation_samples=999)
    monkeypatch.setattr(compare, "PLAN", (("as published", "axnet", changed),))
    compare.compare([kernel], tmp_path, seeds=1)
    assert cells[6:] == [("inversek2j", "axnet", 0)]


@pytest.mark.host
def test_rows_hold_mean_and_spread_and_other_rows_stay(cells, tmp_path):
    compare.compare([load_kernel("inversek2j")], tmp_path, seeds=3)
    (row,) = compare.compare([load_kernel("inversek2j_double")], tmp_path, seeds=1, methods=["axnet"])
    table = Results.load(tmp_path).rows
    assert [(row.kernel, row.method) for row in table] == [
        ("inversek2j", "axnet"),
        ("inversek2j", "iterative"),
        ("inversek2j_double", "axnet"),
    ]
    assert table[0].inv95.mean == pytest.approx(0.6)
    assert table[0].inv95.sd == pytest.approx(np.std([0.5, 0.6, 0.7], ddof=1))
    assert table[0].precision is None
    assert row.inv95.sd == 0.0
    assert json.loads((tmp_path / "results.json").read_text())["schema"] == 1


@pytest.mark.host
def test_one_pass_comes_with_iterative():
    kernel = load_kernel("inversek2j")
    cells = [
        compare.Cell(kernel, method, TINY, seed) for seed in (0, 1) for method in ("axnet", "one-pass", "iterative")
    ]
    del cells[-1]
    chosen = [(cell.method, cell.seed) for cell in compare._trainings(cells)]
    assert chosen == [("axnet", 0), ("iterative", 0), ("axnet", 1), ("one-pass", 1)]
