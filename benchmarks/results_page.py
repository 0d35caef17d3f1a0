"""docs/results.md from the rows that `axedge compare` left: what was run, what was not, who won and who lost.

    python -m benchmarks.results_page

takes the rows of out/results.json into benchmarks/results/, one file a kernel, draws a figure for each kernel that has
a trained network in out/, and writes the page from the files. Rows that are not there are named as missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from axedge.artifacts.files import atomic_write
from axedge.artifacts.records.results import ResultRow, Results, Spread
from axedge.kernels.kernel import kernel_names
from axedge.train.compare import AS_PUBLISHED, EQUAL_EFFORT, PLAN

ROOT = Path(__file__).parents[1]
ROWS, FIGURES, PAGE = ROOT / "benchmarks" / "results", ROOT / "docs" / "figures", ROOT / "docs" / "results.md"
SCHEMA = 1

# inversek2j_double is left out: the same function, computed in double.
KERNELS = (
    "inversek2j",
    "bessel_jnu",
    "blackscholes",
    "fft",
    "sobel",
    "kmeans",
    "jpeg",
    "jmeint",
    "wetbulb",
    "sunpos",
)
SEEDS = 5
BASELINES = ("one-pass", "iterative")
# A kernel on which iterative training invokes this much at 95 % precision leaves nothing to be won.
SATURATED = 0.95

_HEAD = """\
# Results

Written by `make results`; not by hand. All figures are of float networks on fresh samples of each kernel's own
distribution, as mean ± standard deviation over seeds (mean alone for one seed). The methods are trained at one budget
of weights and biases, by the same code; docs/architecture.md explains the words. *at 95 %* is the largest share of
inputs that a threshold on the predictor lets through with at least 95 % of them safe. *CPU s* is the processor time of
one training, whatever else the machine was doing; of one-pass and iterative it holds both splits of the budget at which
they are tried. It includes compiling the loop: once for axnet, once for each network
and pass of the baselines, which is sixteen times for iterative. On inversek2j that is 1.5 s for axnet and 16 times 0.65
s, two thirds of the whole, for iterative as published: measured by their steps alone, it is axnet that takes longer.

`axnet` is AXNet by axedge's recipe, `axnet-paper` by its paper's. In *as published*, one-pass and iterative are trained
as their papers have it; in *equal effort*, with the losses, restarts and steps that axnet gets.

What is left of these networks in int8 and in 16 bits, at a guarantee, stands in [guarantees.md](guarantees.md).
"""
_COLUMNS = "kernel|method|parameters|seeds|true|predicted|useful|precision|at 95 %|at 99 %|median error|CPU s"
# Figure, what it is called in a sentence, and whether more is better.
_JUDGED = (
    ("inv95", "invocation at 95 % precision", True),
    ("inv99", "invocation at 99 % precision", True),
    ("useful_invocation", "useful invocation", True),
    ("precision", "precision", True),
    ("median_error", "median error", False),
    ("cpu_seconds", "CPU seconds", False),
)


def keep_rows(results: Results, folder: Path) -> None:
    """Write the rows into one file a kernel, in place of those of the same method and block."""
    for kernel in dict.fromkeys(row.kernel for row in results.rows):
        path = folder / f"{kernel}.json"
        before = read_rows([path]) if path.is_file() else []
        table = {(row.block, row.method): row for row in [*before, *results.rows] if row.kernel == kernel}
        rows = [json.loads(table[key].model_dump_json()) for key in sorted(table)]
        body = {"schema": SCHEMA, "axedge": results.axedge, "rows": rows}
        atomic_write(path, json.dumps(body, indent=2) + "\n")


def kept_files() -> list[Path]:
    """Return the files of rows that are kept; other results lie beside them."""
    return [path for kernel in KERNELS if (path := ROWS / f"{kernel}.json").is_file()]


def read_rows(paths: Iterable[Path]) -> list[ResultRow]:
    """Return the rows of these files, in the order of KERNELS and of the comparison's plan."""
    rows = [ResultRow.model_validate(row) for path in paths for row in json.loads(path.read_text("utf-8"))["rows"]]
    order = {(block, method): place for place, (block, method, _) in enumerate(PLAN)}
    kernels = {kernel: place for place, kernel in enumerate(KERNELS)}
    return sorted(
        rows, key=lambda row: (kernels.get(row.kernel, len(kernels)), row.kernel, order[row.block, row.method])
    )


def missing(rows: Sequence[ResultRow]) -> list[str]:
    """Return a line for each kernel of which not every method was trained with every seed."""
    seeds = {(row.kernel, row.block, row.method): row.seeds for row in rows}
    lines = []
    for kernel in KERNELS:
        done = {(block, method): seeds.get((kernel, block, method), 0) for block, method, _ in PLAN}
        lacking = [(*row, SEEDS - count) for row, count in done.items() if count < SEEDS]
        if not any(done.values()):
            lines.append(f"- {kernel}: not run.")
        elif len(lacking) == len(PLAN) and len(set(done.values())) == 1:
            lines.append(f"- {kernel}: {lacking[0][2]} of {SEEDS} seeds of every method.")
        elif lacking:
            words = "; ".join(f"{method} ({block}) {count} of {SEEDS} seeds" for block, method, count in lacking)
            lines.append(f"- {kernel}: {words}.")
    return lines


def losses(rows: Sequence[ResultRow]) -> list[str]:
    """Return a line for each figure in which AXNet's mean is worse than the best baseline's of the same block."""
    lines = []
    for ours in (row for row in rows if row.method == "axnet"):
        rivals = [row for row in rows if (row.kernel, row.block) == (ours.kernel, ours.block)]
        rivals = [row for row in rivals if row.method in BASELINES]
        for name, words, more_is_better in _JUDGED:
            sign = 1.0 if more_is_better else -1.0
            known = [row for row in rivals if getattr(row, name) is not None]
            best = max(known, key=lambda row: sign * getattr(row, name).mean, default=None)
            mine = getattr(ours, name)
            if best is None or (mine is not None and sign * mine.mean >= sign * getattr(best, name).mean):
                continue
            theirs = _number(name, getattr(best, name), best.seeds)
            own = _number(name, mine, ours.seeds)
            lines.append(f"- {ours.kernel}, {ours.block}: {words} {own}, {best.method} {theirs}.")
    return lines


def drawn_figures() -> set[str]:
    """Return the kernels that have a figure; other pages keep theirs in the same folder."""
    return {path.stem for path in FIGURES.glob("*.png")} & set(kernel_names())


def page(rows: Sequence[ResultRow], drawn: Iterable[str] = ()) -> str:
    """Return docs/results.md.

    Args:
        rows: all there are.
        drawn: kernels that have a figure in docs/figures/.
    """
    parts = [_HEAD]
    lacking = missing(rows)
    if lacking:
        parts.append(f"## Not run yet\nOf {len(KERNELS)} kernels, {SEEDS} seeds each:\n\n" + "\n".join(lacking) + "\n")
    for block in (AS_PUBLISHED, EQUAL_EFFORT):
        mine = [row for row in rows if row.block == block]
        if mine:
            parts.append(f"## {block.capitalize()}\n{_table(mine)}\n\n{_ratios(mine)}")
    worse = losses(rows)
    if worse:
        parts.append("## Where AXNet loses\nBy the means, against the better baseline:\n\n" + "\n".join(worse) + "\n")
    elif any(row.method == "axnet" for row in rows):
        parts.append("## Where AXNet loses\nIn none of the rows above, by the means.\n")
    names = sorted(drawn)
    if names:
        words = (
            "Left: where the network is trusted, in the two inputs that its trust depends on most. Right: precision"
            " against invocation of axnet, seed 0, and each method of the tables at its own threshold, at 95 % and at"
            " 99 %."
        )
        images = [
            f"### {name}\n![{name}: trust, and precision against invocation](figures/{name}.png)" for name in names
        ]
        parts.append(f"## Figures\n{words}\n\n" + "\n\n".join(images) + "\n")
    return "\n".join(parts)


def _table(rows: Sequence[ResultRow]) -> str:
    columns = _COLUMNS.split("|")
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    shares = ("true_invocation", "invocation", "useful_invocation", "precision", "inv95", "inv99")
    for row in rows:
        cells = [row.kernel, row.method, f"{row.parameters:.0f}", str(row.seeds)]
        cells += [_number(name, getattr(row, name), row.seeds) for name in (*shares, "median_error", "cpu_seconds")]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _ratios(rows: Sequence[ResultRow]) -> str:
    """Return AXNet's invocation at 95 % precision and training time, divided by those of the baselines."""
    of = {(row.kernel, row.method): row for row in rows}
    lines = ["| axnet's share of | at 95 %, one-pass | at 95 %, iterative | CPU s, iterative |", "|---|---|---|---|"]
    fair: list[tuple[ResultRow, ResultRow]] = []
    for kernel in dict.fromkeys(row.kernel for row in rows):
        ours, one_pass, iterative = (of.get((kernel, method)) for method in ("axnet", *BASELINES))
        if ours is None or (one_pass is None and iterative is None):
            continue
        saturated = iterative is not None and iterative.inv95.mean >= SATURATED
        if iterative is not None and not saturated:
            fair.append((ours, iterative))
        cells = [
            _share(ours, one_pass, "inv95"),
            _share(ours, iterative, "inv95"),
            _share(ours, iterative, "cpu_seconds"),
        ]
        lines.append(f"| {kernel}{' (saturated)' if saturated else ''} | {' | '.join(cells)} |")
    if len(lines) == 2:
        return ""
    if len(fair) > 1:
        total = [
            sum(getattr(pair[0], name).mean for pair in fair) / sum(getattr(pair[1], name).mean for pair in fair)
            for name in ("inv95", "cpu_seconds")
        ]
        lines.append(f"| all {len(fair)} that are not saturated, by their means | | {total[0]:.2f} | {total[1]:.2f} |")
    return "\n".join(lines) + f"\n\nSaturated: iterative training reaches {SATURATED:g} or more.\n"


def _share(ours: ResultRow, theirs: ResultRow | None, name: str) -> str:
    if theirs is None:
        return "not run"
    rival = getattr(theirs, name).mean
    if rival < 0.01:  # divided by next to nothing, a ratio says nothing
        return f"theirs is {rival:.3f}"
    return f"{getattr(ours, name).mean / rival:.2f}"


def _number(name: str, value: Spread | None, seeds: int) -> str:
    if value is None:
        return "none: never says safe"
    form = {"cpu_seconds": ".0f", "median_error": ".2g"}.get(name, ".3f")
    return f"{value.mean:{form}}" + (f" ± {value.sd:{form}}" if seeds > 1 else "")


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "out", help="What axedge compare wrote to.")
def main(out: Path) -> None:
    """Take the rows in, draw the figures, write the page."""
    from axedge.artifacts.workspace import Workspace
    from benchmarks.results_figures import draw_figure

    keep_rows(Results.load(out), ROWS)
    rows = read_rows(kept_files())
    for kernel in dict.fromkeys(row.kernel for row in rows):
        mine = [row for row in rows if row.kernel == kernel]
        said = draw_figure(kernel, Workspace(out).train(kernel), mine, FIGURES / f"{kernel}.png")
        click.echo(f"{kernel}: {said}")
    atomic_write(PAGE, page(rows, drawn_figures()))


if __name__ == "__main__":
    main()
