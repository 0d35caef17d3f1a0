"""How often promises break: calibrate, then measure, many times over, on a network that `axedge convert` made.

    python -m benchmarks.promises inversek2j bessel_jnu blackscholes --write

Each repetition draws proposal and calibration samples with a seed of its own, calibrates the gate of the converted
network for a precision of 95 % with 95 % confidence, and counts the violations on 200,000 fresh samples. A promise is
broken where their rate is above 5 %. Of 100 promises at most 11 may break: the 99 % quantile of Binomial(100, 0.05).
Beside it stands what a bound that is too hopeful would do, the share of violations seen: it must be caught.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from axedge.artifacts.errors import ArtifactError
from axedge.artifacts.files import atomic_write
from axedge.artifacts.workspace import Workspace
from axedge.convert.deployment import answer, load_deployment
from axedge.convert.guarantee import Bound, calibrate, propose_thresholds
from axedge.convert.qnet import Deployment
from axedge.kernels.kernel import Kernel, load_kernel
from axedge.kernels.metrics import clopper_pearson_upper, is_safe

EPS, DELTA = 0.05, 0.05
REPETITIONS = 100
#: As `axedge convert` draws them, but fewer: a promise from little evidence is where a wrong bound shows.
PROPOSAL_COUNT, CALIBRATION_COUNT = 10_000, 20_000
FRESH_COUNT = 200_000
#: Far from the seeds that networks are made with.
_FIRST_SEED = 1_000
ROOT = Path(__file__).resolve().parent.parent
KEPT, PAGE = ROOT / "benchmarks" / "results" / "promises.json", ROOT / "docs" / "promises.md"


@dataclass(frozen=True)
class Count:
    """What became of the promises of one network.

    Attributes:
        kernel: its name.
        activations: int8 or int16.
        model_hash: of the network.
        repetitions: calibrations, each on samples of its own.
        made: how many of them could promise something.
        broken: how many of those are broken.
        worst: largest violation rate on fresh samples.
        fresh: samples on which each was measured.
        broken_by_hope: how many would be broken if the share seen were taken for the bound.
    """

    kernel: str
    activations: str
    model_hash: str
    repetitions: int
    made: int
    broken: int
    worst: float
    fresh: int
    broken_by_hope: int

    @property
    def allowed(self) -> int:
        """How many may be broken: the 99 % quantile."""
        return int(binom.ppf(0.99, self.repetitions, DELTA))


def hopeful(violations: int, invoked: int, confidence: float) -> float:
    """Return the share of violations seen: what a bound must not be."""
    return violations / max(invoked, 1)


def count(kernel: Kernel, deployment: Deployment, repetitions: int, fresh_count: int = FRESH_COUNT) -> Count:
    """Calibrate and measure again and again.

    Args:
        kernel: draws and labels the samples.
        deployment: the network.
        repetitions: how often.
        fresh_count: samples to measure on.
    """
    rates: dict[str, list[float]] = {"exact": [], "hopeful": []}
    bounds: dict[str, Bound] = {"exact": clopper_pearson_upper, "hopeful": hopeful}
    for judged in _repetitions(kernel, deployment, repetitions, fresh_count):
        thresholds = propose_thresholds(*judged[0], EPS)
        safe, logits = judged[2]
        for name, bound in bounds.items():
            chosen = calibrate(*judged[1], thresholds, EPS, DELTA, bound=bound).chosen
            if chosen is not None:
                used = logits >= chosen.threshold
                rates[name].append(float(np.mean(~safe[used])) if used.any() else 0.0)
    return Count(
        kernel=kernel.name,
        activations="int16" if deployment.net.bits == 16 else "int8",
        model_hash=deployment.model_hash,
        repetitions=repetitions,
        made=len(rates["exact"]),
        broken=sum(rate > EPS for rate in rates["exact"]),
        worst=max(rates["exact"], default=0.0),
        fresh=fresh_count,
        broken_by_hope=sum(rate > EPS for rate in rates["hopeful"]),
    )


_Judged = tuple[NDArray[np.bool_], NDArray[np.int64]]


def _repetitions(kernel: Kernel, deployment: Deployment, repetitions: int, fresh_count: int) -> Iterator[list[_Judged]]:
    """Yield, for each repetition, safety and logits of proposal, calibration and fresh samples.

    No purpose shares samples with another, since each has a stream of its own, nor a repetition with another, which
    has a seed of its own.
    """

    def judge(purpose: str, number: int, seed: int) -> _Judged:
        samples = kernel.draw(purpose, number, seed)
        answers, logits = answer(deployment, samples.x)
        return is_safe(kernel.error, samples.y, answers), logits

    for seed in range(_FIRST_SEED, _FIRST_SEED + repetitions):
        sizes = {"validation": PROPOSAL_COUNT, "calibration": CALIBRATION_COUNT, "fresh": fresh_count}
        yield [judge(purpose, size, seed) for purpose, size in sizes.items()]


_HEAD = """\
# How often promises break

Written by `python -m benchmarks.promises --write`; not by hand. A promise says: of the answers used, at most 5 % are
not safe, with 95 % confidence. Each row makes it {repetitions} times over for one converted network, every time on
proposal and calibration samples of its own (fixed seeds; 10,000 and 20,000 of them, a tenth of what `axedge convert`
takes, since little evidence is where a wrong bound shows), and measures it on fresh samples. It may break at most
{allowed} times: the 99 % quantile of Binomial({repetitions}, 0.05). The last column is a trap: how often it would break
if the share of violations seen were taken for the bound.

| kernel | activations | model | promises made | broken | highest violation rate | fresh samples | broken if hopeful |
|---|---|---|---|---|---|---|---|
"""


def page(counts: list[Count]) -> str:
    """Return the page."""
    rows = [
        f"| {c.kernel} | {c.activations} | {c.model_hash} | {c.made} of {c.repetitions} | {c.broken} | "
        f"{100 * c.worst:.2f} % | {c.fresh:,} | {c.broken_by_hope} |"
        for c in counts
    ]
    return _HEAD.format(repetitions=REPETITIONS, allowed=counts[0].allowed) + "\n".join(rows) + "\n"


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
        atomic_write(KEPT, json.dumps({"schema": 1, "counts": [asdict(one) for one in counts]}, indent=1) + "\n")
        atomic_write(PAGE, page(counts))
    if any(one.broken > one.allowed for one in counts):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
