"""`python -m benchmarks.engine`: measure, tabulate, compare with the baselines."""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from pathlib import Path

from axedge.artifacts.errors import AxedgeError
from axedge.artifacts.files import atomic_write
from benchmarks.engine.baselines import store, unknown, worse
from benchmarks.engine.harness import compiler_id
from benchmarks.engine.measure import Row, reference_rows, trained_rows
from benchmarks.engine.report import broken_promises, engine_page

_ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Return the exit code: 0, 1 where a figure got worse, or as an error asks."""
    words = "Count what the generated engine costs."
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description=words)
    parser.add_argument("--update", action="store_true", help="make these figures the baselines")
    parser.add_argument("--out", type=Path, default=_ROOT / "out" / "engine.json")
    options = parser.parse_args()
    try:
        return _run(options)
    except AxedgeError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _run(options: argparse.Namespace) -> int:
    compiler = compiler_id()
    rows: list[Row] = []
    for row in itertools.chain(reference_rows(), trained_rows()):
        rows.append(row)
        print(f"{row.key:48} {row.instructions:9.1f} {row.flash_bytes:6} B {row.stack_bytes:4} B stack", flush=True)
    body = {"schema": 1, "compiler": compiler, "rows": [row.as_dict() for row in rows]}
    atomic_write(options.out, json.dumps(body, indent=1) + "\n")
    atomic_write(_ROOT / "docs" / "engine.md", engine_page(rows, compiler))
    if options.update:
        store(rows, compiler)
    if unknown(compiler):
        print(unknown(compiler), file=sys.stderr)
    complaints = [*broken_promises(rows), *worse(rows, compiler)]
    for line in complaints:
        print(line, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
