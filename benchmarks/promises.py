"""How often promises break: calibrate, then measure, many times over, on a network that `axedge convert` made.

    python -m benchmarks.promises inversek2j bessel_jnu blackscholes --write

Each repetition draws samples and foreign points with a seed of its own, lets the calibration of `axedge convert`
(`convert.guarantee.propose_and_test`: grid, Bonferroni, half of delta for each of promise and limit where points of the
box are foreign) choose the gate of the converted network for a precision of 95 % with 95 % confidence, and measures on
200,000 fresh samples and 40,000 fresh foreign points. A promise is broken where more than 5 % of the answers used are
not safe, or more than 1 % of the foreign points are answered although the calibration said that they would not be. Of
100 promises at most 11 may break: the 99 % quantile of Binomial(100, 0.05). Beside it stands what a bound that is too
hopeful would do, the share of violations seen: it must be caught.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
from scipy.stats import binom

from axedge.artifacts.errors import ArtifactError
from axedge.artifacts.files import atomic_write
from axedge.artifacts.workspace import Workspace
from axedge.convert.deployment import answer, load_deployment
from axedge.convert.guarantee import Bound, Evidence, Tested, propose_and_test
from axedge.convert.guarantee import Foreign as Limited
from axedge.convert.promise import CALIBRATION_COUNT, FOREIGN_COUNT, PROPOSAL_COUNT
from axedge.convert.qnet import Deployment
from axedge.convert.task import FOREIGN_LIMIT, FOREIGN_POINTS
from axedge.kernels.foreign import Foreign
from axedge.kernels.kernel import Kernel, load_kernel
from axedge.kernels.metrics import clopper_pearson_upper, is_safe

EPS, DELTA = 0.05, 0.05
REPETITIONS = 100
#: Share of the samples that `axedge convert` takes: a promise from little evidence is where a wrong bound shows.
SHARE = 0.1
FRESH_COUNT, FRESH_FOREIGN = 200_000, 40_000
#: Far from the seeds that networks are made with.
_FIRST_SEED = 1_000
ROOT = Path(__file__).resolve().parent.parent
KEPT, PAGE = ROOT / "benchmarks" / "results" / "promises.json", ROOT / "docs" / "promises.md"
SCHEMA = 2


@dataclass(frozen=True)
class Count:
    """What became of the promises of one network.

    Attributes:
        kernel: its name.
        activations: int8 or int16.
        model_hash: of the network.
        repetitions: calibrations, each on samples of its own.
        made: how many of them could promise something.
        limited: how many of those promised the limit on foreign points, too.
        broken: how many of those made are broken, in whichever part.
        over_limit: how many of the limited let more foreign points through than they may.
        worst: largest violation rate on fresh samples.
        worst_foreign: largest share of fresh foreign points answered; None where there are none.
        fresh: samples on which each was measured.
        broken_by_hope: how many would be broken if the share seen were taken for the bound.
    """

    kernel: str
    activations: str
    model_hash: str
    repetitions: int
    made: int
    limited: int
    broken: int
    over_limit: int
    worst: float
    worst_foreign: float | None
    fresh: int
    broken_by_hope: int

    @property
    def allowed(self) -> int:
        """How many may be broken: the 99 % quantile."""
        return int(binom.ppf(0.99, self.repetitions, DELTA))


@dataclass(frozen=True)
class Outcome:
    """What one promise is found to be on fresh samples.

    Attributes:
        rate: violation rate.
        limited: whether it was promised that foreign points are within the limit.
        foreign: share of them answered; None where there are none.
    """

    rate: float
    limited: bool
    foreign: float | None

    @property
    def over_limit(self) -> bool:
        """Whether more foreign points are answered than was promised."""
        return self.limited and self.foreign is not None and self.foreign > FOREIGN_LIMIT

    @property
    def broken(self) -> bool:
        """Whether any part of the promise is broken."""
        return self.rate > EPS or self.over_limit


def hopeful(violations: int, invoked: int, confidence: float) -> float:
    """Return the share of violations seen: what a bound must not be."""
    return violations / max(invoked, 1)


def count(
    kernel: Kernel,
    deployment: Deployment,
    repetitions: int,
    fresh_count: int = FRESH_COUNT,
    fresh_foreign: int = FRESH_FOREIGN,
) -> Count:
    """Calibrate and measure again and again.

    Args:
        kernel: draws and labels the samples.
        deployment: the network.
        repetitions: how often.
        fresh_count: samples to measure on.
        fresh_foreign: foreign points to measure on.
    """
    exact: list[Outcome] = []
    by_hope: list[Outcome] = []
    bounds: list[tuple[list[Outcome], Bound]] = [(exact, clopper_pearson_upper), (by_hope, hopeful)]
    for proposal, test, fresh in _repetitions(kernel, deployment, repetitions, fresh_count, fresh_foreign):
        for outcomes, bound in bounds:
            chosen = propose_and_test(proposal, test, EPS, DELTA, bound).chosen
            if chosen is not None:
                outcomes.append(_outcome(chosen, fresh))
    foreign = [one.foreign for one in exact if one.foreign is not None]
    return Count(
        kernel=kernel.name,
        activations="int16" if deployment.net.bits == 16 else "int8",
        model_hash=deployment.model_hash,
        repetitions=repetitions,
        made=len(exact),
        limited=sum(one.limited for one in exact),
        broken=sum(one.broken for one in exact),
        over_limit=sum(one.over_limit for one in exact),
        worst=max((one.rate for one in exact), default=0.0),
        worst_foreign=max(foreign, default=None),
        fresh=fresh_count,
        broken_by_hope=sum(one.broken for one in by_hope),
    )


def _outcome(chosen: Tested, fresh: Evidence) -> Outcome:
    used = fresh.logits >= chosen.threshold
    rate = float(np.mean(~fresh.safe[used])) if used.any() else 0.0
    if fresh.foreign is None or not len(fresh.foreign.logits):
        return Outcome(rate, False, None)
    answered = float(np.mean(fresh.foreign.logits >= chosen.threshold))
    return Outcome(rate, chosen.foreign_bound <= FOREIGN_LIMIT, answered)


def _repetitions(
    kernel: Kernel, deployment: Deployment, repetitions: int, fresh_count: int, fresh_foreign: int
) -> Iterator[list[Evidence]]:
    """Yield, for each repetition, what proposes thresholds, what tests them, and what the promise is measured on.

    No purpose shares samples with another, since each has a stream of its own, nor a repetition with another, which
    has a seed of its own.
    """
    foreign = Foreign.of(kernel)

    def evidence(purpose: str, samples: int, strangers: int, seed: int) -> Evidence:
        drawn = kernel.draw(purpose, samples, seed)
        answers, logits = answer(deployment, drawn.x)
        codes = answer(deployment, foreign.draw(purpose, strangers, seed)[0])[1]
        return Evidence(is_safe(kernel.error, drawn.y, answers), logits, Limited(codes, FOREIGN_LIMIT))

    sizes = {
        "validation": (round(SHARE * PROPOSAL_COUNT), round(SHARE * FOREIGN_POINTS)),
        "calibration": (round(SHARE * CALIBRATION_COUNT), round(SHARE * FOREIGN_COUNT)),
        "fresh": (fresh_count, fresh_foreign),
    }
    for seed in range(_FIRST_SEED, _FIRST_SEED + repetitions):
        yield [evidence(purpose, *both, seed) for purpose, both in sizes.items()]


_HEAD = """\
# How often promises break

Written by `python -m benchmarks.promises --write`; not by hand. A promise says: of the answers used, at most 5 % are
not safe, and at most 1 % of the foreign points of the box are answered, together with 95 % confidence (convert.md).
Each row makes it {repetitions} times over for one converted network, by the calibration that `axedge convert` does,
every time on samples and foreign points of its own (fixed seeds; a tenth of what `axedge convert` takes, since little
evidence is where a wrong bound shows), and measures it on fresh ones. It may break, in whichever part, at most
{allowed} times: the 99 % quantile of Binomial({repetitions}, 0.05). The last column is a trap: how often it would break
if the shares seen were taken for the bounds.
"""
_COLUMNS = (
    "kernel",
    "activations",
    "model",
    "promises made",
    "broken",
    "highest violation rate",
    "fresh samples",
    "promise the limit too",
    "above the limit",
    "most foreign points answered",
    "broken if hopeful",
)


def page(counts: list[Count]) -> str:
    """Return the page."""
    head = _HEAD.format(repetitions=REPETITIONS, allowed=counts[0].allowed)
    table = (_row(_COLUMNS), _row(["---"] * len(_COLUMNS)), *map(_line, counts))
    return f"{head}\n{''.join(table)}"


def _line(one: Count) -> str:
    limit = ["none foreign", "-", "-"]
    if one.worst_foreign is not None:
        limit = [f"{one.limited} of {one.made}", str(one.over_limit), f"{100 * one.worst_foreign:.2f} %"]
    made, worst = f"{one.made} of {one.repetitions}", f"{100 * one.worst:.2f} %"
    parts = [one.kernel, one.activations, one.model_hash, made, str(one.broken), worst, f"{one.fresh:,}", *limit]
    return _row([*parts, str(one.broken_by_hope)])


def _row(parts: Sequence[str]) -> str:
    return f"| {' | '.join(parts)} |\n"


@click.command()
@click.argument("kernels", nargs=-1, required=True)
@click.option("--repetitions", type=click.IntRange(min=1), default=REPETITIONS, show_default=True)
@click.option("-o", "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("out"), show_default=True)
@click.option("--write", is_flag=True, help="Write benchmarks/results/promises.json and docs/promises.md.")
def main(kernels: tuple[str, ...], repetitions: int, out: Path, write: bool) -> None:
    """Count broken promises of networks that stand in --out; exit 1 where one breaks too often."""
    counts = []
    for name in kernels:
        try:
            deployment = load_deployment(Workspace(out).convert(name))
        except ArtifactError as missing:
            raise click.ClickException(str(missing)) from None
        one = count(load_kernel(name), deployment, repetitions)
        counts.append(one)
        click.echo(
            f"{name}: {one.broken} of {one.made} promises broken (at most {one.allowed}), highest violation rate "
            f"{100 * one.worst:.2f} %; {one.broken_by_hope} if the share seen were the bound"
        )
    if write:
        atomic_write(KEPT, json.dumps({"schema": SCHEMA, "counts": [asdict(one) for one in counts]}, indent=1) + "\n")
        atomic_write(PAGE, page(counts))
    if any(one.broken > one.allowed for one in counts):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
