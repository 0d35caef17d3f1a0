"""The quantised network in other hands: TensorFlow Lite Micro, which must agree, and a desktop interpreter."""

from __future__ import annotations

import numpy as np

from axedge.artifacts.child import ChildFailed
from axedge.artifacts.errors import CheckFailed, ToolMissing
from axedge.artifacts.interpreter import run_desktop
from axedge.artifacts.records.convert import Desktop, TflmCheck
from axedge.convert.qnet import QNet
from axedge.convert.reference import Codes, run
from axedge.convert.tflm import run_tflm


def check_tflm(tflite: bytes, net: QNet, codes: Codes) -> TflmCheck:
    """Compare the numpy reference with TFLM, bit for bit.

    Raises:
        CheckFailed: they differ.
    """
    truth = run_tflm(tflite, codes)
    if truth is None:
        return TflmCheck(result="not done here", count=0, version=None)
    answers, logits = run(net, codes)
    wrong = (truth.answer != answers).any(axis=1)
    if truth.logit is not None:
        wrong |= truth.logit != logits
    if wrong.any():
        row = codes[int(np.argmax(wrong))].tolist()
        raise CheckFailed(
            f"the numpy reference differs from TensorFlow Lite Micro {truth.version} on {int(wrong.sum())} of "
            f"{len(codes)} inputs, first on codes {row}.",
            "This is a defect in axedge, or in this version of tflite-micro.",
        )
    return TflmCheck(result="passed", count=len(codes), version=truth.version)


def compare_desktop(tflite: bytes, net: QNet, codes: Codes) -> Desktop | None:
    """Say how far a desktop interpreter strays; None where there is none that can run the model."""
    try:
        other = run_desktop(tflite, codes)
    except (ToolMissing, ChildFailed):
        return None
    answers, logits = run(net, codes)
    steps = np.abs(other.answer.astype(np.int64) - answers).ravel()
    if other.logit is not None:
        steps = np.concatenate([steps, np.abs(other.logit.astype(np.int64) - logits)])
    return Desktop(
        name=other.name,
        version=other.version,
        outputs=len(steps),
        differing=int(np.count_nonzero(steps)),
        max_steps=int(steps.max()),
    )
