"""`make search`: what `axedge search` finds for the bundled kernels at the flash of their hand-chosen networks.

Runs the searches, keeps what they found in benchmarks/results/search.json, and writes docs/search.md from that file.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from axedge import search
from axedge.artifacts.files import atomic_write
from axedge.artifacts.records.search import SearchRecord, SearchTrial
from axedge.searching.search import sizes_of
from axedge.terminal import Terminal

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "search.json"
PAGE = ROOT / "docs" / "search.md"

HOW = """# A better topology within a budget: axedge search

<!-- tested by: tests/end_to_end/test_search.py -->
```sh
axedge search ./dewpoint --flash 4K --guarantee 0.95
```

looks for the hidden layers of both heads (one or two each), their activations (ReLU, tanh) and the width of the numbers
between the layers (8 or 16 bits) with which the network may be used most often under the guarantee, within a budget of
flash and, with `--stack`, of stack. `--objective latency` looks for the lowest mean cost of a gated call instead,
fallbacks included. Flash is what the network takes over the same firmware without one; without `--flash`, the budget is
what the present network takes.

1. `--trials` networks are trained for a moment ({steps:,} steps, {restarts} restarts, no fine-tuning), converted under
   the guarantee, built for `--board`, and run in its emulator. [Optuna](https://optuna.org)'s multi-objective TPE
   sampler proposes them, of objective against flash; what a network will take is forecast from those already built, and
   one that cannot fit is not tried.
2. The best `--finals` of them, and the present network, are trained in full, as `axedge run` does (`--effort` scales
   it). The best of those within the budget is chosen. Its lines for kernel.toml are printed; `--apply` writes them
   there.

Every finished trial stands in `out/<kernel>/search/trials.db`: stopped, killed, or asked with another budget, the
search goes on with what it has. `pareto.png` beside it shows all that was tried.

Trials run in `--jobs` processes here. `--ray auto` (`pip install 'axedge[ray]'`) spreads the same search over a
[Ray](https://ray.io) cluster that was started with `ray start`; its machines need axedge and the board's compiler and
emulator, and get the kernel's files with each trial. `--ray local` starts a cluster on this machine alone.
"""


def page(records: list[SearchRecord]) -> str:
    """Return docs/search.md."""
    from axedge.searching.evaluate import SHORT_RESTARTS, SHORT_STEPS

    first = records[0]
    lines = [HOW.format(steps=SHORT_STEPS, restarts=SHORT_RESTARTS)]
    lines += [
        "## Against the hand-chosen networks",
        "",
        f"At the flash that the network in each kernel.toml takes on {first.board}, at {100 * first.guarantee:g} % "
        f"guaranteed precision; both trained at effort {first.effort:g}, so that neither is what full training gives."
        " Used: share of fresh inputs on which the network is used.",
        "",
        "| kernel | hand-chosen | used | flash B | found | used | flash B | gain | CPU min |",
        "|---|---|---:|---:|---|---:|---:|---|---:|",
    ]
    gains: list[str] = []
    for record in records:
        own = None if record.own is None else record.trials[record.own]
        found = None if record.chosen is None else record.trials[record.chosen]
        gain = _verdict(found, own)
        gains.append(gain)
        lines.append(f"| {record.kernel} | {_cells(own)} | {_cells(found)} | {gain} | {record.cpu_seconds / 60:.1f} |")
    lines += [
        "",
        f"Of {len(records)} kernels the search beat the hand-chosen network in invocation for "
        f"{gains.count('used more')}, and matched it from less flash for {gains.count('less flash')}. Tried for each: "
        f"{_shorts(first)} short trials and {_fulls(first)} full ones, the hand-chosen network's included. Relu/tanh: "
        "activations of approximator and predictor.",
        "",
        "Written by `make search` from benchmarks/results/search.json.",
    ]
    return "\n".join(lines) + "\n"


def _verdict(found: SearchTrial | None, own: SearchTrial | None) -> str:
    """Return what was gained: used on more inputs; on as many, from less flash; or nothing."""
    if found is None or found is own:
        return "no"
    if own is None or (found.outcome.invocation or 0.0) > (own.outcome.invocation or 0.0):
        return "used more"
    is_smaller = (found.outcome.flash_bytes or 0) < (own.outcome.flash_bytes or 0)
    return "less flash" if is_smaller and found.outcome.invocation == own.outcome.invocation else "no"


def _cells(one: SearchTrial | None) -> str:
    if one is None:
        return "none | |"
    shape, outcome = one.shape, one.outcome
    name = f"{sizes_of(shape).replace('|', '/')} {shape.approximator_activation}/{shape.predictor_activation}"
    return f"{name} {shape.activations} | {100 * (outcome.invocation or 0.0):.2f} % | {outcome.flash_bytes:,}"


def _shorts(record: SearchRecord) -> int:
    return sum(one.rung == "short" for one in record.trials)


def _fulls(record: SearchRecord) -> int:
    return sum(one.rung == "full" for one in record.trials)


def main() -> None:
    """Search, unless only the page is wanted; write results and page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kernels", nargs="*", help="to search for; none: write the page again")
    parser.add_argument("--board", default="microbit")
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--finals", type=int, default=2)
    parser.add_argument("--effort", type=float, default=0.2)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("out"))
    given = parser.parse_args()
    kept = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    wishes = {"trials": given.trials, "finals": given.finals, "effort": given.effort}
    for kernel in given.kernels:
        record = search(kernel, given.board, jobs=given.jobs, out=given.out, terminal=Terminal(), **wishes)
        kept[kernel] = json.loads(record.model_dump_json(by_alias=True))
        for trial in kept[kernel]["trials"]:
            trial["outcome"]["worker"] = ""  # whose machine it was is nobody's business
        atomic_write(RESULTS, json.dumps(kept, indent=1) + "\n")
    atomic_write(PAGE, page([SearchRecord.model_validate(one) for _, one in sorted(kept.items())]))


if __name__ == "__main__":
    main()
