"""What a network is worth: figures on samples, from answers and logits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.records.convert import Figures
from axedge.convert.deployment import TURNED_AWAY
from axedge.kernels.metrics import gate_figures, invocation_at_precision, is_safe, sample_error
from axedge.kernels.spec import ErrorSpec


def figures(
    error: ErrorSpec,
    y: NDArray[np.float32],
    answers: NDArray[np.float32],
    logits: NDArray[np.floating] | NDArray[np.integer],
    threshold: float,
) -> Figures:
    """Judge answers and their gate on samples that nothing was fitted to.

    Args:
        error: the kernel's metric and bound.
        y: exact outputs, shape (N, m).
        answers: the network's, shape (N, m).
        logits: shape (N,).
        threshold: the network is used iff logit >= threshold.
    """
    safe = is_safe(error, y, answers)
    gate = gate_figures(safe, logits >= threshold)
    margins = np.where(logits == TURNED_AWAY, np.nan, logits)
    return Figures(
        true_invocation=gate.true_invocation,
        invocation=gate.invocation,
        precision=gate.precision,
        useful_invocation=gate.useful_invocation,
        inv95=invocation_at_precision(safe, margins, 0.95),
        inv99=invocation_at_precision(safe, margins, 0.99),
        median_error=float(np.median(sample_error(error, y, answers))),
    )
