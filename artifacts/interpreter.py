"""The desktop interpreter (tflite-runtime, or ai-edge-litert, its renamed successor), always in a child process.

In a process that has loaded TensorFlow the runtime cannot be loaded, so it is never loaded here. It runs without
default delegates: XNNPACK rounds differently again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.child import run_child
from axedge.artifacts.heads import choose_heads

_SCRIPT = Path(__file__).with_name("interpreter_child.py")

Codes = NDArray[np.int8] | NDArray[np.int16]


@dataclass(frozen=True)
class DesktopRun:
    """What a desktop interpreter answered.

    Attributes:
        name: distribution, `tflite-runtime` or `ai-edge-litert`.
        version: of that distribution.
        answer: answer codes, shape (N, m).
        logit: logit codes, shape (N,), or None for a network without a predictor.
    """

    name: str
    version: str
    answer: Codes
    logit: Codes | None


def run_desktop(tflite: bytes, codes: Codes) -> DesktopRun:
    """Execute a .tflite on input codes in a desktop interpreter.

    Args:
        tflite: the model.
        codes: int8 or int16 as the model's input, shape (N, n), N at least 1.

    Raises:
        ToolMissing: neither distribution is installed.
        ChildFailed: the interpreter cannot run the model.
        UnsupportedModel: its outputs are not y', or y' and a safe logit.
    """
    arrays = {"model": np.frombuffer(tflite, np.uint8), "codes": codes}
    answer = run_child(_SCRIPT, arrays, "a desktop interpreter (tflite-runtime or ai-edge-litert)")
    outputs = [answer[f"output_{position}"] for position in range(len(answer["names"]))]
    named = [(str(name), output.shape[1]) for name, output in zip(answer["names"], outputs, strict=True)]
    head, logit = choose_heads(named)
    return DesktopRun(
        name=str(answer["name"]),
        version=str(answer["version"]),
        answer=outputs[head],
        logit=None if logit is None else outputs[logit][:, 0],
    )
