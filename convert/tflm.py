"""TensorFlow Lite Micro's own kernels (PyPI tflite-micro), the truth for every other execution, in a child process.

There are wheels for x86-64 Linux only. Where the package is missing, each function returns None: not done here, which
is never the same as passed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.child import run_child
from axedge.artifacts.errors import ToolMissing
from axedge.convert.reader import parse
from axedge.convert.reference import Codes

_SCRIPT = Path(__file__).with_name("tflm_child.py")
_NAME = "TensorFlow Lite Micro's Python runtime (tflite-micro)"


@dataclass(frozen=True)
class TflmRun:
    """What TFLM answered.

    Attributes:
        version: of the tflite-micro package.
        answer: answer codes, shape (N, m).
        logit: logit codes, shape (N,); None for a network without a predictor.
    """

    version: str
    answer: Codes
    logit: Codes | None


def run_tflm(tflite: bytes, codes: Codes) -> TflmRun | None:
    """Execute a .tflite in TFLM on input codes of shape (N, n), N at least 1; None where TFLM is not installed.

    Raises:
        ArtifactError: the .tflite is damaged.
        UnsupportedModel: it holds what the engines cannot run.
        ChildFailed: TFLM refused the model.
    """
    parsed = parse(tflite)
    reply = _ask(tflite, codes, "run")
    if reply is None:
        return None
    logit = None if parsed.logit_position is None else reply[f"output_{parsed.logit_position}"][:, 0]
    return TflmRun(str(reply["version"]), reply[f"output_{parsed.answer_position}"], logit)


def smallest_arena_bytes(tflite: bytes) -> int | None:
    """Return the smallest tensor arena in which TFLM runs the model on this host; None where TFLM is not installed.

    Found by allocating and running in processes that may die of a short arena. On a 32-bit board pointers are half as
    wide as on this 64-bit host, so this is an upper bound there.

    Raises:
        ArtifactError, UnsupportedModel, ChildFailed: as `run_tflm`.
    """
    net = parse(tflite).net
    kind = np.int8 if net.bits == 8 else np.int16
    reply = _ask(tflite, np.zeros((1, net.activations[net.source].size), kind), "arena")
    return None if reply is None else int(reply["arena_bytes"])


def _ask(tflite: bytes, codes: Codes, task: str) -> dict[str, NDArray[Any]] | None:
    arrays = {"model": np.frombuffer(tflite, np.uint8), "codes": codes, "task": task}
    try:
        return run_child(_SCRIPT, arrays, _NAME)
    except ToolMissing:
        return None
