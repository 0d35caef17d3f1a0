"""What the engine costs on emulated cores, against what was promised and what it cost before."""

import json
import shutil
import warnings
from dataclasses import replace

import pytest
from emit_nets import bands

from axedge.artifacts.errors import CheckFailed
from axedge.convert.emit import emit_aot
from axedge.kernels.kernel import load_kernel
from benchmarks.engine.baselines import FIGURES, FILE, known, unknown, worse
from benchmarks.engine.gated import bench_inputs, within_guard
from benchmarks.engine.harness import CALLS, MACHINES, Bench, Exact, compiler_id
from benchmarks.engine.measure import TRAINED, Row, gated_rows, network_rows
from benchmarks.engine.networks import FOLDER, SHAPES, draw_network, reference
from benchmarks.engine.report import GAIN, broken_promises
from benchmarks.engine.stored import read_deployment, write_deployment


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


@pytest.mark.qemu
def test_a_call_of_the_trained_network_keeps_the_promise_with_its_domain_guard():
    """On the M4F, where guard and float rules weigh most."""
    deployment, provenance = read_deployment(FOLDER / "inversek2j.json")
    assert deployment.guard
    inputs = within_guard(deployment, bench_inputs(load_kernel(provenance["kernel"])))
    rows = list(network_rows("inversek2j", deployment, MACHINES["cortex-m4"], "speed", inputs))
    assert broken_promises(rows) == []
    cost = {row.measure: row.instructions for row in rows}
    assert cost["call_rejected"] <= cost["call_accepted"] / 2
    assert worse(rows, compiler_id()) == []


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


@pytest.mark.qemu
@pytest.mark.parametrize("rounds", [35_000, 900_000])
def test_a_call_that_overruns_the_counter_is_counted_in_smaller_windows_or_refused(tmp_path, rounds):
    """125 calls of 70,000 instructions turn SysTick's 24 bits over on this machine, and 5 of 1,800,000."""
    source = tmp_path / "slow.c"
    loop = '__asm__ volatile("1: subs %0, #1\\n\\tbne 1b" : "+r"(rounds)::"cc");'
    source.write_text(
        "void slow(const float *in, float *out);\nvoid slow(const float *in, float *out)\n"
        f"{{\n    unsigned rounds = {rounds}u;\n    {loop}\n    *out = *in;\n}}\n"
    )
    machine = MACHINES["cortex-m55"]
    bench = Bench(tmp_path / "bench", reference("small"), machine, "speed", Exact("slow", source))
    if rounds > 100_000:
        with pytest.raises(CheckFailed, match="slow on mps3-an547: a call takes over 1,638,400 instructions"):
            bench.run("slow")
        return
    ticks = bench.run("slow").ticks - bench.run("empty_float").ticks
    assert machine.instructions(ticks) / CALLS == pytest.approx(2 * rounds, abs=16)


@pytest.mark.host
def test_a_stored_network_keeps_its_domain_guard(tmp_path):
    guarded = replace(reference("small"), guard=bands(3, 2, 2))
    write_deployment(tmp_path / "guarded.json", guarded, {"seed": 3})
    again, provenance = read_deployment(tmp_path / "guarded.json")
    assert provenance == {"seed": 3} and again.inputs == guarded.inputs
    assert emit_aot(again) == emit_aot(guarded) and "band1" in emit_aot(again)["axnet_bench.c"]
