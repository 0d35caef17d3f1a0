"""Run in a child process: executes a .tflite in TFLM's Python runtime. Imports neither axedge nor TensorFlow.

Reads from stdin an .npz with `model` (bytes), `codes` (N, n) and `task`, writes one to stdout: task "run" answers with
`output_<i>` (N, size) for each output in the file's order, "arena" with `arena_bytes`, both with `version`.
"""

from __future__ import annotations

import importlib.metadata
import io
import os
import sys
from typing import Any

import numpy as np

PACKAGE_MISSING = 77
ALIGNMENT = 16
LARGEST_ARENA = 64 << 20


def open_model(model: bytes, arena_bytes: int) -> Any:
    """Return TFLM's interpreter with an arena of this size; a short arena may end the process."""
    from tflite_micro.python.tflite_micro import runtime

    return runtime.Interpreter.from_bytes(model, arena_size=arena_bytes)


def execute(model: bytes, codes: np.ndarray, arena_bytes: int) -> list[np.ndarray]:
    """Run every row of the codes; return each output's rows."""
    interpreter = open_model(model, arena_bytes)
    shape = tuple(interpreter.get_input_details(0)["shape"])
    collected: list[list[np.ndarray]] = []
    for row in codes:
        interpreter.set_input(row.reshape(shape), 0)
        interpreter.invoke()
        outputs = _outputs(interpreter, len(collected) or None)
        collected = collected or [[] for _ in outputs]
        for rows, output in zip(collected, outputs, strict=True):
            rows.append(output.reshape(-1).copy())
    return [np.array(rows) for rows in collected]


def _outputs(interpreter: Any, count: int | None) -> list[np.ndarray]:
    """Return the outputs; their number is found by asking until there is no more."""
    if count is not None:
        return [interpreter.get_output(index) for index in range(count)]
    found: list[np.ndarray] = []
    while True:
        try:
            found.append(interpreter.get_output(len(found)))
        except (IndexError, ValueError):
            return found


def works(model: bytes, row: np.ndarray, arena_bytes: int) -> bool:
    """Return whether an inference runs in an arena of this size, tried in a process that may die of it."""
    child = os.fork()
    if child == 0:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        try:
            execute(model, row[None], arena_bytes)
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return status == 0


def smallest_arena(model: bytes, row: np.ndarray) -> int:
    """Return the smallest multiple of ALIGNMENT bytes in which an inference runs here."""
    high = 64
    while not works(model, row, high * ALIGNMENT):
        high *= 2
        if high * ALIGNMENT > LARGEST_ARENA:
            sys.exit(f"no arena of up to {LARGEST_ARENA >> 20} MiB is enough")
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        if works(model, row, middle * ALIGNMENT):
            high = middle
        else:
            low = middle
    return high * ALIGNMENT


def main() -> None:
    """Answer one request."""
    answer_to = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # What TFLM prints must not get among the arrays.
    try:
        import tflite_micro.python.tflite_micro.runtime  # noqa: F401
    except ImportError:
        sys.exit(PACKAGE_MISSING)
    with np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False) as request:
        model, codes, task = request["model"].tobytes(), request["codes"], str(request["task"])
    arrays: dict[str, Any] = {"version": importlib.metadata.version("tflite-micro")}
    try:
        if task == "arena":
            arrays["arena_bytes"] = smallest_arena(model, codes[0])
        else:
            outputs = execute(model, codes, max(1 << 20, 10 * len(model)))
            arrays |= {f"output_{index}": output for index, output in enumerate(outputs)}
    except (RuntimeError, ValueError) as error:
        sys.exit(" ".join(str(error).split()))
    reply = io.BytesIO()
    np.savez(reply, **arrays)
    answer_to.write(reply.getvalue())
    answer_to.close()


if __name__ == "__main__":
    main()
