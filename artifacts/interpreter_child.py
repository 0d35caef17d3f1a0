"""Run in a child process: executes a .tflite in a desktop interpreter. Imports neither axedge nor TensorFlow.

Reads from stdin an .npz with `model` (bytes) and `codes` (N, n); writes one to stdout with `name`, `version`, `names`
of the outputs as in the signature, sorted, and for each of them `output_<i>` (N, size).
"""

from __future__ import annotations

import importlib.metadata
import io
import os
import sys
from typing import Any

import numpy as np

PACKAGE_MISSING = 77


def load_interpreter() -> tuple[str, Any, Any]:
    """Return (distribution, Interpreter class, op resolver without delegates), or end with PACKAGE_MISSING."""
    try:
        from tflite_runtime.interpreter import Interpreter, OpResolverType

        return "tflite-runtime", Interpreter, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    except ImportError:
        pass
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType  # type: ignore[import-not-found,no-redef]

        return "ai-edge-litert", Interpreter, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    except ImportError:
        sys.exit(PACKAGE_MISSING)


def output_names(interpreter: Any) -> dict[int, str]:
    """Return the outputs' names by tensor index. The signature's runner must not outlive this: it blocks `invoke`."""
    signatures = interpreter.get_signature_list()
    if len(signatures) == 1:
        runner = interpreter.get_signature_runner(next(iter(signatures)))
        return {detail["index"]: name for name, detail in runner.get_output_details().items()}
    return {detail["index"]: detail["name"] for detail in interpreter.get_output_details()}


def execute(interpreter: Any, codes: np.ndarray) -> dict[str, np.ndarray]:
    """Run every row of the codes; return the outputs by their names in the signature, or by tensor name without one."""
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]
    if entry["dtype"] != codes.dtype:
        sys.exit(f"the model's input is {np.dtype(entry['dtype']).name}, the codes are {codes.dtype.name}")
    names = output_names(interpreter)
    collected: dict[int, list[np.ndarray]] = {index: [] for index in names}
    shape = tuple(entry["shape"])
    for row in codes:
        interpreter.set_tensor(entry["index"], row.reshape(shape))
        interpreter.invoke()
        for index, rows in collected.items():
            rows.append(interpreter.get_tensor(index).reshape(-1))
    return {names[index]: np.array(rows) for index, rows in collected.items()}


def main() -> None:
    """Answer one request."""
    answer_to = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # What the interpreter prints must not get among the arrays.
    name, interpreter_class, resolver = load_interpreter()
    with np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False) as request:
        model, codes = request["model"].tobytes(), request["codes"]
    try:
        interpreter = interpreter_class(model_content=model, experimental_op_resolver_type=resolver, num_threads=1)
        outputs = execute(interpreter, codes)
    except (RuntimeError, ValueError) as error:
        sys.exit(" ".join(str(error).split()))
    ordered = sorted(outputs)
    arrays = {f"output_{position}": outputs[name_] for position, name_ in enumerate(ordered)}
    reply = io.BytesIO()
    np.savez(reply, name=name, version=importlib.metadata.version(name), names=np.array(ordered), **arrays)
    answer_to.write(reply.getvalue())
    answer_to.close()


if __name__ == "__main__":
    main()
