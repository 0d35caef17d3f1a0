"""What the engine costs on emulated cores, against what was promised and what it cost before."""

import json
import shutil

import pytest

from benchmarks.engine.baselines import FILE, known, worse
from benchmarks.engine.harness import MACHINES, compiler_id
from benchmarks.engine.measure import Row, network_rows
from benchmarks.engine.networks import SHAPES, draw_network, reference
from benchmarks.engine.report import broken_promises


@pytest.mark.qemu
@pytest.mark.skipif(
    not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")),
    reason="needs arm-none-eabi-gcc and qemu-system-arm",
)
@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4"])
@pytest.mark.parametrize("network", SHAPES)
def test_within_promise_and_baseline(network, core, record_property):
    compiler = compiler_id()
    deployment = reference(network)
    rows = [row for mode in ("speed", "size") for row in network_rows(network, deployment, MACHINES[core], mode)]
    assert broken_promises(rows) == []
    cost = {row.measure: row.instructions for row in rows if row.optimize == "speed"}
    assert cost["call_rejected"] <= cost["call_accepted"] / 2
    if not known(compiler):
        record_property("baselines", f"none for {compiler}")
    assert worse(rows, compiler) == []


@pytest.mark.host
def test_a_figure_over_two_per_cent_worse_is_named():
    compiler, figures = next(iter(json.loads(FILE.read_text()).items()))
    key, before = next(iter(figures.items()))
    row = Row(*key.split("/"), before * 1.03, 0, 0, 0)
    assert [line.split(":")[0] for line in worse([row], compiler)] == [key]
    assert worse([Row(*key.split("/"), before * 1.01, 0, 0, 0)], compiler) == []
    assert worse([row], "a compiler nobody knows") == []


@pytest.mark.host
@pytest.mark.parametrize("name", SHAPES)
def test_the_committed_networks_are_the_drawn_ones_and_hold_no_zero(name):
    committed, drawn = reference(name).net, draw_network(SHAPES[name])
    for before, after in zip(committed.operations, drawn.operations, strict=True):
        if hasattr(before, "weights"):
            assert (before.weights != 0).all() and (before.weights == after.weights).all()
            assert (before.bias == after.bias).all()
