"""Builds the fuzz target, seeds its corpus and runs it: `python tests/fuzz/run.py --runs 10000000`."""

from __future__ import annotations

import argparse
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIRMWARE = HERE.parents[1] / "firmware"
MAX_BYTES = 512
FLAGS = ("-std=c99", "-g", "-O2", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all")

sys.path.insert(0, str(HERE.parent / "firmware"))

from client import HELLO, MORE, RUN, VECTORS, frame  # noqa: E402
from harness import BUILD  # noqa: E402


def seeds() -> dict[str, bytes]:
    """Return corpus entries by name: every request, windows, and damage."""
    run = struct.pack("<BB4f", 0, 2, 0.5, 0.25, -1.0, 2.0)
    requests = {
        "hello": (HELLO, b""),
        "vectors": (VECTORS, bytes([2, 1, 2, 3, 4])),
        "vectors16": (VECTORS, struct.pack("<B2h", 1, 300, -300)),
        **{f"run{mode}": (RUN, bytes([mode]) + run[1:]) for mode in range(5)},
    }
    choices = bytes([0, 0x11, 4, 2])
    made = {name: choices + frame(kind, 1, BUILD, payload) for name, (kind, payload) in requests.items()}
    made["window"] = choices + b"".join(
        frame(kind | (MORE if i < len(requests) - 1 else 0), i, BUILD, payload)
        for i, (kind, payload) in enumerate(requests.values())
    )
    made["damage"] = choices + b"\xff" * 300 + b"\0" + made["run0"][4:-4] + b"\0\0\0" + made["hello"][4:]
    for name, (kind, payload) in requests.items():
        for engine in range(16):
            body = struct.pack("<BHI", kind, 1, 0) + payload
            made[f"framed-{name}-{engine}"] = bytes([3, 0x11, engine, 2, len(body)]) + body
    for mode in range(4):
        for count in range(1, 13):
            body = struct.pack("<BHI", RUN, 1, 0) + bytes([mode, count]) + struct.pack(f"<{count}f", *[1.0] * count)
            made[f"batch-{mode}-{count}"] = bytes([3, 0x30, 4, 0, len(body)]) + body
    return made


def build(folder: Path) -> Path:
    """Compile the target; return the program."""
    target = folder / "fuzz_device"
    sources = [HERE / "fuzz_device.c", *sorted((FIRMWARE / "core").glob("*.c"))]
    includes = [f"-I{FIRMWARE / 'include'}", f"-I{FIRMWARE / 'core'}"]
    subprocess.run(["clang", *FLAGS, *includes, *map(str, sources), "-o", str(target)], check=True)
    return target


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=-1, help="executions, -1 without end")
    parser.add_argument("--seconds", type=int, default=0, help="at most so long, 0 without end")
    parser.add_argument("--corpus", type=Path, help="a folder that keeps what was found interesting")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if shutil.which("clang") is None:
        print("clang is not installed. Install it: apt-get install clang", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="axedge-fuzz-") as scratch:
        folder = Path(scratch)
        corpus = options.corpus or folder / "corpus"
        corpus.mkdir(parents=True, exist_ok=True)
        for name, content in seeds().items():
            (corpus / name).write_bytes(content)
        crash = f"-artifact_prefix={corpus}/"
        limits = [f"-runs={options.runs}", f"-max_total_time={options.seconds}", f"-seed={options.seed}"]
        quiet = ["-print_final_stats=1", "-verbosity=0"]
        return subprocess.run(
            [str(build(folder)), *limits, *quiet, f"-max_len={MAX_BYTES}", crash, str(corpus)]
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
