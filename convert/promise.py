"""From a calibration to what is promised: the gate's threshold, the words in the header, the record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import CheckFailed
from axedge.artifacts.records.convert import AtGuarantee, ConvertOptions, Guarantee
from axedge.convert.deployment import answer
from axedge.convert.guarantee import Calibration, calibrate, propose_thresholds
from axedge.convert.qnet import Deployment
from axedge.kernels.kernel import Kernel, Samples
from axedge.kernels.metrics import is_safe

CALIBRATION_COUNT = 200_000
PROPOSAL_COUNT = 50_000
#: What is calibrated for the record where the user asks for no promise.
USUAL = (0.05, 0.05)
#: Float logits as whole numbers, so that one calibration serves both.
_LOGIT_STEPS = 1e4

#: From kernel inputs (N, n) to answers (N, m) and logits (N,).
FloatNetwork = Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]]
_Whole = Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.int64]]]


@dataclass(frozen=True)
class Promise:
    """What can be promised.

    Attributes:
        guarantee: what is promised, None where the user asked for nothing.
        at_guarantee: invocation that could be promised.
        threshold: logit code that goes with the guarantee.
    """

    guarantee: Guarantee | None
    at_guarantee: AtGuarantee
    threshold: int

    def applied(self, deployment: Deployment) -> Deployment:
        """Return the deployment with the promised gate."""
        if self.guarantee is None:
            return deployment
        words = (
            f"Promise: of the answers used, at most {100 * self.guarantee.eps:g} % are not safe, with "
            f"{100 * (1 - self.guarantee.delta):g} % confidence, for those inputs; calibrated on "
            f"{self.guarantee.calibration_count} of them."
        )
        return replace(
            deployment,
            threshold=self.threshold,
            eps=self.guarantee.eps,
            delta=self.guarantee.delta,
            notes=(*deployment.notes, words),
        )


def promise_for(kernel: Kernel, deployment: Deployment, network: FloatNetwork, options: ConvertOptions) -> Promise:
    """Calibrate the gate.

    Args:
        kernel: gives the samples, metric and bound.
        deployment: the quantised network.
        network: the float one that it came from, for comparison.
        options: seed, guarantee and confidence.

    Raises:
        CheckFailed: the user asked for a guarantee, and nothing can be promised.
    """
    eps, delta = USUAL
    if options.guarantee is not None:
        eps, delta = round(1.0 - options.guarantee, 9), round(1.0 - options.confidence, 9)
    proposal = kernel.draw("validation", PROPOSAL_COUNT, options.seed)
    fresh = kernel.draw("calibration", CALIBRATION_COUNT, options.seed)
    whole = _calibrated(kernel, proposal, fresh, lambda x: answer(deployment, x), eps, delta)
    as_float = _calibrated(kernel, proposal, fresh, _whole_logits(network), eps, delta)
    reached = AtGuarantee(eps=eps, delta=delta, float_invocation=as_float.invocation, invocation=whole.invocation)
    if options.guarantee is None:
        return Promise(None, reached, deployment.threshold)
    if whole.chosen is None:
        best = whole.best
        raise CheckFailed(
            f"no gate keeps the violation rate of {kernel.name} within {100 * eps:g} % with "
            f"{100 * options.confidence:g} % confidence; the best that could be promised is {100 * best.bound:.3g} %, "
            f"using the network on {100 * best.invoked / whole.count:.3g} % of the inputs.",
            "Ask for less with --guarantee, widen the bound, or give the kernel a larger network.",
        )
    guarantee = Guarantee(
        eps=eps,
        delta=delta,
        calibration_count=whole.count,
        invoked=whole.chosen.invoked,
        violations=whole.chosen.violations,
        thresholds=whole.thresholds,
        distribution=distribution(kernel),
    )
    return Promise(guarantee, reached, whole.chosen.threshold)


def distribution(kernel: Kernel) -> str:
    """Return in words for which inputs figures and promises hold."""
    if kernel.recorded is not None:
        return "Inputs: as recorded in the kernel's data files."
    if kernel.sampler is not None:
        return f"Inputs: as {kernel.sampler.function} of the kernel draws them."
    return "Inputs: uniform over the trained box."


def _calibrated(
    kernel: Kernel, proposal: Samples, fresh: Samples, run: _Whole, eps: float, delta: float
) -> Calibration:
    judged = []
    for samples in (proposal, fresh):
        answers, logits = run(samples.x)
        judged.append((is_safe(kernel.error, samples.y, answers), logits))
    thresholds = propose_thresholds(*judged[0], eps)
    return calibrate(*judged[1], thresholds, eps, delta)


def _whole_logits(network: FloatNetwork) -> _Whole:
    def run(x: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        answers, logits = network(x)
        return answers, np.round(np.nan_to_num(logits.astype(np.float64)) * _LOGIT_STEPS).astype(np.int64)

    return run
