"""What the engine costs on emulated cores, against what was promised and what it cost before."""

import json
import shutil
import warnings
from dataclasses import replace

import pytest

from axedge.kernels.kernel import load_kernel
from benchmarks.engine.baselines import FIGURES, FILE, known, unknown, worse
from benchmarks.engine.harness import MACHINES, compiler_id
from benchmarks.engine.measure import TRAINED, Row, gated_rows, network_rows
from benchmarks.engine.networks import FOLDER, SHAPES, draw_network, reference
from benchmarks.engine.report import GAIN, broken_promises
from benchmarks.engine.stored import read_deployment


@pytest.mark.qemu
@pytest.mark.skipif(
    not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")),
    reason="needs arm-none-eabi-gcc and qemu-system-arm",
)
@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4"])
@pytest.mark.parametrize("network", SHAPES)
def test_within_promise_and_baseline(network, core):
    compiler = compiler_id()
    deployment = reference(network)
    rows = [row for mode in ("speed", "size") for row in network_rows(network, deployment, MACHINES[core], mode)]
    assert broken_promises(rows) == []
    cost = {row.measure: row.instructions for row in rows if row.optimize == "speed"}
    assert cost["call_rejected"] <= cost["call_accepted"] / 2
    report_unknown(compiler)
    assert worse(rows, compiler) == []


@pytest.mark.qemu
def test_mve_within_baseline():
    """The big network on a Cortex-M55; test_mve.py looks at the bits of other shapes."""
    compiler = compiler_id()
    rows = list(network_rows("big", reference("big"), MACHINES["cortex-m55"], "speed"))
    assert broken_promises(rows) == []
    report_unknown(compiler)
    assert worse(rows, compiler) == []


@pytest.mark.qemu
@pytest.mark.parametrize(("network", "core"), GAIN)
def test_a_gated_call_gains_what_was_promised(network, core):
    compiler = compiler_id()
    deployment, provenance = read_deployment(FOLDER / f"{network}.json")
    rows = list(gated_rows(network, deployment, load_kernel(provenance["kernel"]), MACHINES[core]))
    assert [row.measure for row in rows] == ["gated", "exact"]
    assert broken_promises(rows) == []
    report_unknown(compiler)
    assert worse(rows, compiler) == []
    cheap = replace(rows[1], instructions=rows[0].instructions * 1.5)
    assert "promised" in broken_promises([rows[0], cheap])[0]


def report_unknown(compiler):
    if unknown(compiler):
        warnings.warn(unknown(compiler), stacklevel=2)


@pytest.mark.host
@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_over_two_per_cent_worse_is_named(figure):
    compiler = next(iter(json.loads(FILE.read_text())))
    key, before = next((key, row) for key, row in known(compiler).items() if row["stack_bytes"] > 0)
    row = Row(*key.split("/"), **before)
    assert worse([row], compiler) == []
    more = replace(row, **{figure: before[figure] * 1.03 + 1})
    assert [line.split(":")[0] for line in worse([more], compiler)] == [key]
    assert worse([replace(row, **{figure: before[figure] * 1.01})], compiler) == []


@pytest.mark.host
def test_a_compiler_nobody_knows_is_reported_and_fails_nothing():
    key, before = next(iter(known(next(iter(json.loads(FILE.read_text())))).items()))
    row = replace(Row(*key.split("/"), **before), instructions=1e9)
    assert worse([row], "gcc 99, newlib 9.9") == []
    assert "gcc 99, newlib 9.9" in unknown("gcc 99, newlib 9.9")
    with pytest.warns(UserWarning, match="gcc 99"):
        report_unknown("gcc 99, newlib 9.9")


@pytest.mark.host
def test_the_trained_networks_say_where_they_come_from():
    for name in TRAINED:
        deployment, provenance = read_deployment(FOLDER / f"{name}.json")
        assert provenance["convert"]["guarantee"] == 0.95 and deployment.eps == pytest.approx(0.05)
        assert provenance["network"]["parameters"] <= 300 and provenance["precision"] >= 0.95
    tried = provenance["tried"]
    assert min(tried, key=lambda one: one["instructions"])["parameters"] == provenance["network"]["parameters"]
    assert len(tried) >= 6


@pytest.mark.host
@pytest.mark.parametrize("name", SHAPES)
def test_the_committed_networks_are_the_drawn_ones_and_hold_no_zero(name):
    committed, drawn = reference(name).net, draw_network(SHAPES[name])
    for before, after in zip(committed.operations, drawn.operations, strict=True):
        if hasattr(before, "weights"):
            assert (before.weights != 0).all() and (before.weights == after.weights).all()
            assert (before.bias == after.bias).all()
