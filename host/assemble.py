"""Puts a bench's answers together into its record. No input, no output: answers in, figures out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import CheckFailed
from axedge.artifacts.kept import Calls
from axedge.artifacts.records.bench import (
    BenchRecord,
    DesktopComparison,
    FootprintFigures,
    GuaranteeCheck,
    Inputs,
    LinkFigures,
    PathCounts,
    Speedup,
    Ticks,
    VectorCheck,
    ViolationRate,
)
from axedge.artifacts.records.build import BuildRecord
from axedge.artifacts.records.convert import ConvertRecord
from axedge.host import figures
from axedge.host.messages import Hello, Mode, Path
from axedge.host.partial import Answers
from axedge.host.samples import Samples
from axedge.host.verdict import Findings, verdict
from axedge.kernels.metrics import gate_figures, is_safe, sample_error
from axedge.kernels.spec import ErrorSpec


@dataclass(frozen=True)
class Measured:
    """What came from the board.

    Attributes:
        hello: who it is.
        icount_shift: QEMU's, None on anything else.
        core_hz: rate of the timer that counts the core's cycles.
        answers: possibly partial.
        vectors: the check that came first.
        desktop: the comparison, None without an interpreter.
        link: the line's figures.
    """

    hello: Hello
    icount_shift: int | None
    core_hz: int
    answers: Answers
    vectors: VectorCheck
    desktop: DesktopComparison | None
    link: LinkFigures


@dataclass(frozen=True)
class _Table:
    """The samples answered in both modes, one array a column, shape (n,) or (n, outputs)."""

    path: NDArray[np.uint8]
    approximate: NDArray[np.float32]
    exact: NDArray[np.floating]
    approximate_ticks: NDArray[np.uint32]
    exact_ticks: NDArray[np.uint32] | None
    gated_ticks: NDArray[np.uint32]


def assemble(
    convert: ConvertRecord,
    build: BuildRecord,
    samples: Samples,
    measured: Measured,
    *,
    inputs: Inputs,
    complete: bool,
    version: str,
    inputs_digest: str,
) -> BenchRecord:
    """Return the record of a bench.

    Args:
        convert: the network's record: metric, promise.
        build: the image's record: footprint.
        samples: inputs and, where known, exact outputs.
        measured: what came from the board; at least one sample answered in both modes.
        inputs: where the samples are from; nothing was promised for the user's own.
        complete: whether all samples were answered.
        version: of axedge.
        inputs_digest: hash of all that was read.

    Raises:
        CheckFailed: the gated answers contradict the network's or the exact function's.
    """
    table = _table(samples, measured.answers)
    rule = ErrorSpec(convert.error.metric, convert.error.bound, convert.error.floor)
    used = table.path == Path.APPROXIMATED
    gate = gate_figures(is_safe(rule, table.exact, table.approximate), used)
    rate = figures.violation_rate(gate)
    guarantee = _guarantee(convert, rate, own=_other_inputs(convert, inputs) or gate.invoked == 0)
    ticks, gain, even = _costs(measured, table, gate.invocation)
    footprint = build.footprint.model_dump(include=set(FootprintFigures.model_fields))
    return BenchRecord(
        axedge=version,
        inputs_digest=inputs_digest,
        kernel=build.kernel,
        board=build.board,
        engine=build.engine,
        activations=build.activations,
        model_hash=build.model_hash,
        build_id=build.build_id,
        inputs=inputs,
        seed=samples.seed,
        samples=len(table.path),
        samples_wanted=len(samples.x),
        complete=complete,
        exact_from="board" if measured.hello.has_exact else "samples.npz",
        paths=_paths(table.path),
        guarantee=guarantee,
        foreign_invocation=convert.foreign.invoked / convert.foreign.count if convert.foreign else None,
        vectors=measured.vectors,
        invocation=gate.invocation,
        precision=gate.precision,
        violation_rate=rate,
        useful_invocation=gate.useful_invocation,
        true_invocation=gate.true_invocation,
        error=figures.error_figures(sample_error(rule, table.exact[used], table.approximate[used])),
        ticks=ticks,
        speedup=gain,
        break_even_invocation=even,
        desktop_interpreter=measured.desktop,
        footprint=FootprintFigures(**footprint),
        link=measured.link,
        verdict=verdict(
            Findings(
                board=build.board,
                samples=len(table.path),
                ticks=ticks,
                speedup=gain,
                invocation=gate.invocation,
                precision=gate.precision,
                violation_rate=rate,
                guarantee=guarantee,
            )
        ),
    )


def calls_of(convert: ConvertRecord, samples: Samples, measured: Measured, identity: str) -> Calls:
    """Return what every single call cost, and its error.

    Args:
        convert: the network's record: metric.
        samples: inputs and, where known, exact outputs.
        measured: what came from the board.
        identity: the bench's `inputs_digest`.
    """
    table = _table(samples, measured.answers)
    unit = figures.tick_unit(measured.hello, measured.icount_shift, measured.core_hz)
    rule = ErrorSpec(convert.error.metric, convert.error.bound, convert.error.floor)
    inside, nothing = table.path != Path.OUT_OF_DOMAIN, np.float32(np.nan)
    errors = np.where(inside, sample_error(rule, table.exact, table.approximate), np.inf)
    exact = np.full(len(table.path), nothing) if table.exact_ticks is None else unit.cost(table.exact_ticks)
    return Calls(
        identity=identity,
        path=table.path.copy(),
        error=errors.astype(np.float32),
        approximate=np.where(inside, unit.cost(table.approximate_ticks), nothing).astype(np.float32),
        exact=exact.astype(np.float32),
        gated=unit.cost(table.gated_ticks).astype(np.float32),
    )


def _table(samples: Samples, answers: Answers) -> _Table:
    """Take the samples answered in both modes, and check that the modes agree.

    Raises:
        CheckFailed: they do not.
    """
    done = answers.done
    network, gated = answers.network.records[done], answers.gated.records[done]
    both = answers.network.mode == Mode.BOTH
    table = _Table(
        path=network["path"],
        approximate=network["approximate" if both else "outputs"],
        exact=network["exact"] if both else np.asarray(samples.y)[done],
        approximate_ticks=network["ticks_approximate" if both else "ticks"],
        exact_ticks=network["ticks_exact"] if both else None,
        gated_ticks=gated["ticks"],
    )
    used = (table.path == Path.APPROXIMATED)[:, None]
    fallback = table.exact if both else np.full_like(table.approximate, np.nan)
    expected = np.where(used, table.approximate, fallback)
    same = (gated["path"] == table.path) & (_same(gated["outputs"], expected)).all(axis=1)
    if not same.all():
        worst = int(np.flatnonzero(done)[np.argmin(same)])
        raise CheckFailed(
            f"the board answers {int((~same).sum())} of {len(same)} inputs otherwise in a gated call than alone; "
            f"the first is sample {worst}: {samples.x[worst].tolist()}.",
            "The image is faulty: build and flash again.",
        )
    return table


def _same(left: NDArray[np.floating], right: NDArray[np.floating]) -> NDArray[np.bool_]:
    return (left == right) | (np.isnan(left) & np.isnan(right))


def _paths(path: NDArray[np.uint8]) -> PathCounts:
    approximated, unsafe, outside = np.bincount(path, minlength=len(Path)).tolist()
    return PathCounts(approximated=approximated, unsafe=unsafe, out_of_domain=outside)


def _costs(measured: Measured, table: _Table, invocation: float) -> tuple[Ticks, Speedup, float | None]:
    """Return what calls cost, what the network gains, and the invocation at which it breaks even."""
    unit = figures.tick_unit(measured.hello, measured.icount_shift, measured.core_hz)
    inside = table.path != Path.OUT_OF_DOMAIN
    approximate, gated = unit.cost(table.approximate_ticks[inside]), unit.cost(table.gated_ticks)
    exact = None if table.exact_ticks is None else unit.cost(table.exact_ticks)
    gated_spread = figures.spread(gated)
    assert gated_spread is not None
    ticks = Ticks(
        unit=unit.name,
        source=measured.hello.tick_source_name,
        hz=measured.hello.tick_hz,
        icount_shift=measured.icount_shift,
        timer_overhead=unit.overhead * unit.per_tick,
        approximate=figures.spread(approximate),
        exact=None if exact is None else figures.spread(exact),
        gated=gated_spread,
    )
    gain = figures.speedup(unit.name, gated, exact, invocation)
    return ticks, gain, figures.break_even(table.path, gated, approximate, exact)


def _other_inputs(convert: ConvertRecord, inputs: str) -> bool:
    """Whether the samples fall otherwise than those that the promise is for."""
    return inputs == "own" or (inputs == "fresh" and convert.guarantee is not None and bool(convert.guarantee.recorded))


def _guarantee(convert: ConvertRecord, rate: ViolationRate, *, own: bool) -> GuaranteeCheck | None:
    if convert.guarantee is None:
        return None
    return GuaranteeCheck(
        eps=convert.guarantee.eps,
        delta=convert.guarantee.delta,
        threshold=convert.threshold,
        calibration_count=convert.guarantee.calibration_count,
        held=None if own else rate.low <= convert.guarantee.eps,
    )
