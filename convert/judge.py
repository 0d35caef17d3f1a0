"""What a network is worth: figures on samples, from answers and logits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.kept import Judged
from axedge.artifacts.records.convert import Figures
from axedge.convert.deployment import TURNED_AWAY
from axedge.kernels.kernel import Samples
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


def judged(
    error: ErrorSpec,
    model_hash: str,
    samples: Samples,
    floats: tuple[NDArray[np.float32], NDArray[np.float32]],
    wholes: tuple[NDArray[np.float32], NDArray[np.integer]],
    count: int,
) -> Judged:
    """Return the first `count` samples with what the float and the quantised network made of each.

    Args:
        error: the kernel's metric and bound.
        model_hash: of the quantised network.
        samples: inputs and exact outputs.
        floats: the float network's answers (N, m) and logits (N,).
        wholes: the quantised network's.
        count: at most.
    """
    y = samples.y[:count]
    (float_answers, float_logits), (answers, logits) = ((part[:count] for part in pair) for pair in (floats, wholes))
    return Judged(
        identity=model_hash,
        x=samples.x[:count],
        error=sample_error(error, y, answers).astype(np.float32),
        float_error=sample_error(error, y, float_answers).astype(np.float32),
        safe=is_safe(error, y, answers),
        float_safe=is_safe(error, y, float_answers),
        logit=np.asarray(logits),
        float_logit=np.asarray(float_logits, np.float32),
    )
