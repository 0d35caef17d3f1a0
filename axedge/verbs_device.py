"""The verbs that touch a board: flash, bench, ports, and run, which walks the whole way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from axedge.artifacts.workspace import Workspace
from axedge.both import bench_both, build_both
from axedge.options import (
    arena_option,
    bench_engine_option,
    board_option,
    convert_options,
    engine_option,
    example,
    find_board,
    find_kernel,
    force_option,
    given_convert_options,
    json_option,
    kernel_argument,
    name_kernel,
    optimize_option,
    out_option,
    port_option,
    samples_option,
    tflm_option,
)
from axedge.pipeline import BenchChoice, Choice, Pipeline, image_folder
from axedge.terminal import Terminal
from axedge.verbs_report import report_of_run

if TYPE_CHECKING:
    from axedge.artifacts.records.alternatives import AlternativesRecord
    from axedge.artifacts.records.bench import BenchRecord
    from axedge.host.against import Against
    from axedge.host.link import Trace
    from axedge.host.samples import Samples

trace_option = click.option(
    "--trace", type=click.Path(path_type=Path, dir_okay=False), help="Write every frame, decoded, to this file."
)


@click.command()
@kernel_argument
@board_option
@port_option
@click.option("--method", metavar="METHOD", help="How: emulator, openocd, pyocd, drive, ... (default: what serves).")
@click.option("--probe", metavar="SERIAL", help="Serial number of the debug probe.")
@click.option("--dry-run", is_flag=True, help="Print the exact command, and do nothing.")
@trace_option
@engine_option
@out_option
@click.pass_obj
@example("axedge flash inversek2j --board microbit --dry-run --method openocd")
def flash(
    terminal: Terminal,
    kernel: str | None,
    board: str | None,
    port: str | None,
    method: str | None,
    probe: str | None,
    dry_run: bool,
    trace: Path | None,
    engine: str,
    out: Path,
) -> None:
    """Put the built image onto the board, and verify it.

    Done only when the board, asked, answers with the image's build id.
    """
    from axedge.host.flash import flash as put

    workspace, target = Workspace(out), find_board(board)
    folder = image_folder(workspace, name_kernel(kernel, workspace), target, engine)
    with _tracing(trace) as tracer:
        done = put(
            folder,
            target,
            workspace=workspace,
            method=method,
            port=port,
            probe=probe,
            dry_run=dry_run,
            say=terminal.say,
            detail=terminal.say if dry_run else terminal.detail,
            trace=tracer,
        )
    if dry_run:
        terminal.result(done.command)
    else:
        terminal.result(f"{target.name} runs build {done.build_id}, put there by {done.method}.")


@click.command()
@kernel_argument
@board_option
@port_option
@samples_option
@click.option("--seed", type=click.IntRange(min=0), help="Draw the samples with this seed.  [default: the first ones]")
@click.option("--fresh", is_flag=True, help="Draw new inputs from the kernel itself, not the stored ones.")
@click.option(
    "--inputs",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Run your own inputs: an .npz with x, or lines of numbers.",
)
@click.option("--resume", is_flag=True, help="Go on with what an interrupted bench kept.")
@click.option(
    "--against",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="BENCH.JSON",
    help="Say what changed since this bench; exit 1 where a figure is worse.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=0.02,
    show_default=True,
    help="With --against: by which share a figure may be worse.",
)
@trace_option
@bench_engine_option
@out_option
@json_option
@click.pass_obj
@example(
    "axedge bench inversek2j --board microbit --samples 1000",
    "axedge bench inversek2j --board microbit --engine both",
    "axedge bench inversek2j --board microbit --against kept/bench.json",
)
def bench(
    terminal: Terminal,
    kernel: str | None,
    board: str | None,
    port: str | None,
    samples: int | None,
    seed: int | None,
    fresh: bool,
    inputs: Path | None,
    resume: bool,
    against: Path | None,
    tolerance: float,
    trace: Path | None,
    engine: str,
    out: Path,
    as_json: bool,
) -> None:
    """Measure use, error and cost on the board.

    How often the network is used, how wrong it is, what it costs. Needs neither TensorFlow nor a compiler nor the
    kernel's source. The stored vectors are run first, bit for bit. --engine both flashes and benches the images of both
    engines.
    """
    from axedge.host import against as earlier
    from axedge.host.bench import bench as measure
    from axedge.host.connection import Connection

    if fresh and inputs is not None:
        raise click.UsageError("--fresh and --inputs exclude each other.")
    if inputs is not None and seed is not None and samples is None:
        raise click.UsageError("--seed draws some of your inputs: say how many with --samples.")
    if resume and engine == "both":
        raise click.UsageError("--resume goes on with one engine's bench; name it with --engine.")
    if against is not None and engine == "both":
        raise click.UsageError("--against compares one engine's bench; name it with --engine.")
    workspace, target = Workspace(out), find_board(board)
    name = name_kernel(kernel, workspace)
    # Read first: it may be the very file that this bench replaces.
    before = None if against is None else earlier.load_previous(against, name, target.name)
    own = _own_samples(kernel or name, name, workspace, fresh=fresh, inputs=inputs, count=samples, seed=seed)
    chosen = {"samples": None if own else samples, "seed": None if own else seed, "own": own}
    if engine == "both":
        with _tracing(trace) as tracer:
            connection = Connection(target, workspace, port, trace=tracer)
            bench_both(terminal, name, workspace, connection, chosen, as_json)
        return
    with _tracing(trace) as tracer, terminal.stage("bench") as progress:
        record = measure(
            workspace.convert(name),
            image_folder(workspace, name, target, engine),
            connection=Connection(target, workspace, port, trace=tracer),
            resume=resume,
            progress=progress,
            say=terminal.say,
            **chosen,
        )
    compared = None if before is None else earlier.compare(before, record, tolerance, against.name)
    _finish(terminal, record, as_json, against=compared)


@click.command()
@click.option("--probe", is_flag=True, help="Ask each port with a USB id whether an axedge board answers.")
@json_option
@click.pass_obj
@example("axedge ports --probe")
def ports(terminal: Terminal, probe: bool, as_json: bool) -> None:
    """List serial ports, and with --probe who answers."""
    from axedge.host.ports import find_ports, probe_ports
    from axedge.show import show_ports

    found = find_ports()
    show_ports(terminal, probe_ports(found) if probe else found, probe, as_json)


@click.command()
@kernel_argument
@board_option
@port_option
@samples_option
@click.option("--seed", type=click.IntRange(min=0), help="Random seed of the training.  [default: 0, or the last one]")
@convert_options
@bench_engine_option
@tflm_option
@arena_option
@optimize_option
@trace_option
@out_option
@force_option
@json_option
@click.pass_obj
@example("axedge run inversek2j --board microbit")
def run(
    terminal: Terminal,
    kernel: str | None,
    board: str | None,
    port: str | None,
    samples: int | None,
    seed: int | None,
    engine: str,
    tflm: Path | None,
    arena: int | None,
    optimize: str,
    trace: Path | None,
    out: Path,
    force: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Do all of it: train, convert, build, flash, bench, report.

    What is up to date is not done again. On an emulated board, a table and a polynomial are set beside the network. A
    stage that was run before keeps the options that it was last given. `--engine both` builds and
    benches both engines.
    """
    from axedge.host.connection import Connection

    workspace, target = Workspace(out), find_board(board)
    chosen = {} if seed is None else {"seed": seed}
    converted = given_convert_options(**options) | chosen
    choice = Choice(chosen, converted, engine, tflm, arena, optimize, force)
    found = find_kernel(kernel, workspace)
    if engine == "both":
        build_both(found, workspace, terminal, choice, target)
        with _tracing(trace) as tracer:
            connection = Connection(target, workspace, port, trace=tracer)
            bench_both(terminal, found.name, workspace, connection, {"samples": samples}, as_json)
        return
    pipeline = Pipeline(found, workspace, terminal, choice)
    pipeline.check_engine(target)
    pipeline.train()
    pipeline.convert()
    pipeline.build(target)
    pipeline.flash(target, port)
    with _tracing(trace) as tracer:
        record = pipeline.bench(target, BenchChoice(port, samples, trace=tracer))
    # On a real board it would mean to flash it three times more: there the user has to ask for it.
    weighed = pipeline.alternatives(target) if port is None and record.seed is not None else None
    page = report_of_run(terminal, workspace, record, pipeline.image_folder(target))
    _finish(terminal, record, as_json, weighed)
    if page is not None and not as_json:
        terminal.say(f"\nThe same with maps and charts: {page}")


def _finish(
    terminal: Terminal,
    record: BenchRecord,
    as_json: bool,
    weighed: AlternativesRecord | None = None,
    against: Against | None = None,
) -> None:
    """Show the result; leave with 1 when a promise was broken, or a figure is worse than it may be."""
    from axedge.artifacts.errors import CheckFailed
    from axedge.show import show_alternatives, show_bench

    show_bench(terminal, record, as_json, against)
    if weighed is not None and not as_json:
        show_alternatives(terminal, weighed, as_json)
    promise = record.guarantee
    if promise is not None and promise.held is False:
        low = 100 * record.violation_rate.low
        raise CheckFailed(
            f"the guarantee is broken: at most {100 * promise.eps:g} % violations were promised, "
            f"and there are at least {low:.2f} % (lower end of the 95 % interval).",
            "Are these samples drawn as the calibration's were?",
        )
    if against is not None and against.worse:
        names = "; ".join(one.name for one in against.worse)
        raise CheckFailed(
            f"worse than {against.name} by more than {100 * against.tolerance:g} %: {names}.",
            "If that is meant, keep the new bench.json as the one to compare with.",
        )


def _own_samples(
    kernel: str,
    name: str,
    workspace: Workspace,
    *,
    fresh: bool,
    inputs: Path | None,
    count: int | None,
    seed: int | None,
) -> Samples | None:
    from axedge.artifacts.errors import UsageError
    from axedge.artifacts.records.convert import ConvertRecord
    from axedge.host.samples import Samples, load_own

    if inputs is not None:
        rules = ConvertRecord.load(workspace.convert(name))
        own = load_own(inputs, len(rules.inputs), len(rules.outputs))
        return own.take(count, seed) if count else own
    if fresh:
        found = find_kernel(kernel, workspace)
        if found.digest() != ConvertRecord.load(workspace.convert(name)).kernel_digest:
            raise UsageError(
                f"the kernel {name} has changed since it was converted: fresh inputs would be another function's.",
                f"Run `axedge run {name}` again, or bench the stored ones.",
            )
        drawn = found.draw("fresh", count or 5000, seed or 0)
        return Samples(drawn.x, drawn.y, seed or 0)
    return None


@contextmanager
def _tracing(path: Path | None) -> Iterator[Trace | None]:
    if path is None:
        yield None
        return
    from axedge.artifacts.errors import ArtifactError
    from axedge.host.trace import tracer

    try:
        with path.open("w", encoding="utf-8") as stream:
            yield tracer(stream)
    except OSError as error:
        if error.filename not in (None, str(path)):
            raise
        reason = (error.strerror or "unknown reason").lower()
        raise ArtifactError(f"cannot write {path}: {reason}.", "Choose another file with --trace.") from error


COMMANDS = (flash, bench, run, ports)
