"""`make search`: what `axedge search` finds for the bundled kernels at the flash of their hand-chosen networks.

Runs the searches, keeps what they found in benchmarks/results/search.json, and writes docs/search.md from that file.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from axedge import search
from axedge.artifacts.files import atomic_write
from axedge.artifacts.records.base import Part
from axedge.artifacts.records.search import Outcome, SearchRecord, SearchTrial, Shape
from axedge.kernels.kernel import load_kernel
from axedge.searching.crew import LocalCrew
from axedge.searching.evaluate import Job, Parcel
from axedge.searching.search import sizes_of
from axedge.terminal import Terminal

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "search.json"
PAGE = ROOT / "docs" / "search.md"
AGAIN = 1
"""Seed with which the hand-chosen network and the one found are trained once more."""
_MORE, _OVER = "used more", "used more, but over the budget with the other seed"
_ALIKE = 0.0005
"""Shares that differ by less are the same."""

HOW = """# A better topology within a budget: axedge search

<!-- tested by: tests/end_to_end/test_search.py -->
```sh
axedge search ./dewpoint --flash 4K --guarantee 0.95
```

looks for the hidden layers of both heads (one or two each), their activations (ReLU, tanh) and the width of the numbers
(8 bits, 8 with [two-byte inputs](convert.md#two-byte-inputs), or 16) with which the network may be used most often
under the guarantee, within a budget of flash and, with `--stack`, of stack. `--objective latency` looks for the lowest
mean cost of a gated call instead, fallbacks included. Flash is what the network takes over the same firmware without
one; without `--flash`, the budget is what the present network takes.

1. The present network is trained in full, as `axedge run` does (`--effort` scales it): it is what is to be beaten.
2. `--trials` networks are trained for a moment ({steps:,} steps, {restarts} restarts, no fine-tuning), converted under
   the guarantee, built for `--board`, and run in its emulator. Every second one is a neighbour of the best so far, of
   each width in turn, that makes use of the flash; the others, once there are a few to learn from, are proposed by
   [Optuna](https://optuna.org)'s multi-objective TPE sampler, of objective against flash. What a network will take is
   forecast from those already built, and one that cannot fit is not tried.
3. The best `--finals` of them, of each width in turn, are trained in full too, and the best of those within the
   budget is chosen. How often each is used is then counted again, on {fresh:,} fresh inputs by which nothing was
   chosen. The chosen one's lines for kernel.toml are printed; `--apply` writes them there.

Every finished trial stands in `out/<kernel>/search/trials.db`: stopped, killed, or asked with another budget or
objective, the search goes on with what it has. `pareto.png` beside it shows all that was tried.

Trials run in `--jobs` processes here; one takes half a gigabyte of memory. Across machines they are spread by
[Ray](https://ray.io) (`pip install 'axedge[ray]'` on each, and the board's compiler and emulator; the kernel's files
travel with each trial):

<!-- not run: needs several machines; tests/end_to_end/test_search.py does it on a cluster of two workers here -->
```sh
ray start --head                           # on one machine; it prints its address
ray start --address 192.168.1.10:6379      # on each of the others
axedge search ./dewpoint --flash 4K --ray auto          # on a machine of the cluster, or --ray 192.168.1.10:6379
```

Where `ray start` says that token authentication is on, set `RAY_AUTH_MODE=token` for these commands, and copy the token
as Ray's documentation says. `--ray local` starts a cluster on this machine alone, for as long as the search runs.
"""


class Found(Part):
    """What a search found for one kernel.

    Attributes:
        search: its search.json.
        again: the hand-chosen network and the one found, trained once more with another seed; null where either is.
    """

    search: SearchRecord
    again: tuple[Outcome, Outcome] | None

    @property
    def own(self) -> SearchTrial | None:
        """The hand-chosen network."""
        return None if self.search.own is None else self.search.trials[self.search.own]

    @property
    def chosen(self) -> SearchTrial | None:
        """The network found; None where there is none, or none better."""
        return None if self.search.chosen in (None, self.search.own) else self.search.trials[self.search.chosen]


def page(founds: list[Found]) -> str:
    """Return docs/search.md."""
    from axedge.searching.evaluate import FRESH_SAMPLES, SHORT_RESTARTS, SHORT_STEPS

    first = founds[0].search
    gains = [_gain(found) for found in founds]
    lines = [
        HOW.format(steps=SHORT_STEPS, restarts=SHORT_RESTARTS, fresh=FRESH_SAMPLES),
        "## Against the hand-chosen networks",
        "",
        f"At the flash that the network in each kernel.toml takes on {first.board}, at {100 * first.guarantee:g} % "
        "guaranteed precision; both trained and converted at the same effort (1: as `axedge run` does). *Used*: share "
        f"of {FRESH_SAMPLES:,} fresh inputs on which the network is used, with the seed of the search; where a second "
        f"figure stands, trained again with seed {AGAIN}, of which the search knew nothing. Flash, in bytes, "
        "with either; the stack is of the first. *Tried*: short trials and full ones, the hand-chosen network's "
        "included. A star marks an earlier search, counted on the samples by which it chose.",
        "",
        "| kernel | effort | hand-chosen | used | flash | stack | found | used | flash | stack | gain | tried |",
        "|---|---:|---|---:|---:|---:|---|---:|---:|---:|---|---:|",
    ]
    for found, gain in zip(founds, gains, strict=True):
        own, other = found.again or (None, None)
        cells = f"{_cells(found.own, own)} | {_cells(found.chosen, other)} | {gain}"
        lines.append(f"| {found.search.kernel} | {found.search.effort:g} | {cells} | {_tried(found.search)} |")
    lines += [
        "",
        f"Of {len(founds)} kernels the search beat the hand-chosen network in invocation for {gains.count(_MORE)}; for "
        f"{gains.count(_OVER)} more it did, but trained with the other seed the network found is over the budget; for "
        f"{gains.count('less flash')} it matched the hand-chosen network from less flash. "
        f"{_promises(founds)} Relu/tanh: activations of approximator and predictor.",
        "",
        "Written by `make search` from benchmarks/results/search.json.",
    ]
    return "\n".join(lines) + "\n"


def _gain(found: Found) -> str:
    """Return what was gained: used on more inputs; on as many, from less flash; or nothing."""
    own, chosen = found.own, found.chosen
    if chosen is None:
        return "no"
    if own is None:
        return _MORE
    pairs = [(own.outcome, chosen.outcome), *([found.again] if found.again else [])]
    steps = [_used(two) - _used(one) for one, two in pairs]
    if all(abs(step) < _ALIKE for step in steps):
        return "less flash" if (chosen.outcome.flash_bytes or 0) < (own.outcome.flash_bytes or 0) else "no"
    if all(step > 0.0 for step in steps):
        return _MORE if all(_fits(found, other) for _, other in pairs) else _OVER
    return "with one seed only" if steps[0] > 0.0 else "no"


def _fits(found: Found, outcome: Outcome) -> bool:
    return (outcome.flash_bytes or 0) <= found.search.flash_budget_bytes


def _cells(one: SearchTrial | None, again: Outcome | None) -> str:
    if one is None:
        return "none | | |"
    shape, outcome = one.shape, one.outcome
    name = f"{sizes_of(shape).replace('|', '/')} {shape.approximator_activation}/{shape.predictor_activation}"
    used = "; ".join(f"{100 * _used(each):.1f} %" for each in (outcome, again) if each is not None)
    used += " *" if outcome.fresh_invocation is None else ""
    flash = "; ".join(f"{each.flash_bytes or 0:,}" for each in (outcome, again) if each is not None)
    return f"{name} {shape.width} | {used} | {flash} | {outcome.stack_bytes or 0:,}"


def _used(outcome: Outcome) -> float:
    return (outcome.invocation if outcome.fresh_invocation is None else outcome.fresh_invocation) or 0.0


def _promises(founds: list[Found]) -> str:
    """Return the sentence on whether what was promised held on the fresh inputs."""
    wanted = founds[0].search.guarantee
    outcomes = [one.outcome for found in founds for one in (found.own, found.chosen) if one is not None]
    outcomes += [outcome for found in founds for outcome in found.again or ()]
    precisions = [outcome.fresh_precision for outcome in outcomes if outcome.fresh_precision is not None]
    kept = sum(precision >= wanted for precision in precisions)
    return f"Of the {len(precisions)} networks counted on fresh inputs {kept} keep the promise of {100 * wanted:g} %."


def _tried(record: SearchRecord) -> str:
    rungs = [one.rung for one in record.trials]
    return f"{rungs.count('short')} and {rungs.count('full')}"


def main() -> None:
    """Search, unless only the page is wanted; write results and page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kernels", nargs="*", help="to search for; none: write the page again")
    parser.add_argument("--board", default="microbit")
    parser.add_argument("--trials", type=int, default=7)
    parser.add_argument("--finals", type=int, default=3)
    parser.add_argument("--effort", type=float, default=1.0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("out"))
    given = parser.parse_args()
    kept = load()
    wishes = {"trials": given.trials, "finals": given.finals, "effort": given.effort}
    for kernel in given.kernels:
        record = search(kernel, given.board, jobs=given.jobs, out=given.out, terminal=Terminal(), **wishes)
        present = kept.get(kernel)
        is_known = present is not None and present.again is not None and present.search == _bare(record)
        again = present.again if is_known else _trained_again(record, given.jobs)
        kept[kernel] = Found(search=_bare(record), again=again)
        body = {name: json.loads(found.model_dump_json(by_alias=True)) for name, found in kept.items()}
        atomic_write(RESULTS, json.dumps(body, indent=1) + "\n")
    atomic_write(PAGE, page([found for _, found in sorted(kept.items())]))


def load() -> dict[str, Found]:
    """Return what was found so far, by kernel."""
    kept = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    return {name: Found.model_validate(found) for name, found in kept.items()}


def _bare(record: SearchRecord) -> SearchRecord:
    """Return the record without the name of the machine."""
    bare = [one.model_copy(update={"outcome": one.outcome.model_copy(update={"worker": ""})}) for one in record.trials]
    return record.model_copy(update={"trials": tuple(bare)})


def _trained_again(record: SearchRecord, jobs: int) -> tuple[Outcome, Outcome] | None:
    """Train the hand-chosen network and the one found with another seed."""
    if None in (record.own, record.chosen) or record.own == record.chosen:
        return None
    crew, shapes = LocalCrew(jobs), [record.trials[number].shape for number in (record.own, record.chosen)]
    try:
        for shape in shapes:
            crew.submit(_again(record, shape))
        found = {job.shape: answer.outcome for job, answer in (crew.next(), crew.next())}
    finally:
        crew.close()
    own, chosen = (found[shape].model_copy(update={"worker": ""}) for shape in shapes)
    return own, chosen


def _again(record: SearchRecord, shape: Shape) -> Job:
    """Return the full training of a network with another seed."""
    return Job(
        rung="full",
        shape=shape,
        kernel=Parcel.of(load_kernel(record.kernel)),
        board=record.board,
        guarantee=record.guarantee,
        confidence=record.confidence,
        effort=record.effort,
        seed=AGAIN,
    )


if __name__ == "__main__":
    main()
