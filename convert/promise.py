"""From a calibration to what is promised: the gate's threshold, the words in the header, the record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import CheckFailed
from axedge.artifacts.records.convert import AtGuarantee, ConvertOptions, ForeignCheck, Guarantee, Moved
from axedge.convert.application import Application
from axedge.convert.clusters import design_effect
from axedge.convert.deployment import TURNED_AWAY, answer
from axedge.convert.guarantee import Calibration, Evidence, Foreign, propose_and_test
from axedge.convert.qnet import Deployment
from axedge.convert.task import FOREIGN_LIMIT, Task
from axedge.kernels.foreign import Foreign as ForeignPoints
from axedge.kernels.kernel import Kernel, Samples
from axedge.kernels.metrics import clopper_pearson_upper, is_safe

CALIBRATION_COUNT = 200_000
PROPOSAL_COUNT = 50_000
FOREIGN_COUNT = 40_000
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
        at_guarantee: invocation that could be promised, for the kernel's own distribution.
        moved: how far recorded inputs moved the promise; None without.
        distribution: for which inputs it holds, in words.
        foreign: what happens to foreign points; None where there are none.
        threshold: logit code that goes with the guarantee.
    """

    guarantee: Guarantee | None
    at_guarantee: AtGuarantee
    moved: Moved | None
    distribution: str
    foreign: ForeignCheck | None
    threshold: int

    def applied(self, deployment: Deployment) -> Deployment:
        """Return the deployment with the promised gate."""
        notes, gated = deployment.notes, deployment.net.logit is not None
        if self.guarantee is not None:
            words = (
                f"Promise: of the answers used, at most {100 * self.guarantee.eps:g} % are not safe, with "
                f"{100 * (1 - self.guarantee.delta):g} % confidence, for those inputs; calibrated on "
                f"{self.guarantee.calibration_count:,} of them."
            )
            deployment = replace(
                deployment,
                threshold=self.threshold if gated else deployment.threshold,
                eps=self.guarantee.eps,
                delta=self.guarantee.delta,
                calibration_count=self.guarantee.calibration_count,
            )
            notes = (*notes, words)
        return replace(deployment, notes=notes if self.foreign is None else (*notes, foreign_words(self.foreign)))


def promise_for(
    task: Task,
    deployment: Deployment,
    network: FloatNetwork,
    options: ConvertOptions,
    application: Application | None = None,
) -> Promise:
    """Calibrate the gate.

    Args:
        task: gives the samples, metric and bound, and foreign points.
        deployment: the quantised network.
        network: the float one that it came from, for comparison.
        options: seed, guarantee and confidence.
        application: recorded inputs to promise for, None for the kernel's own distribution.

    Raises:
        CheckFailed: the user asked for a guarantee, and nothing can be promised.
    """
    kernel = task.kernel
    eps, delta = USUAL
    if options.guarantee is not None:
        eps, delta = round(1.0 - options.guarantee, 9), round(1.0 - options.confidence, 9)
    samples = [
        kernel.draw("validation", PROPOSAL_COUNT, options.seed),
        kernel.draw("calibration", CALIBRATION_COUNT, options.seed),
    ]
    strangers, share_of_box = task.outside.foreign.draw("calibration", FOREIGN_COUNT, options.seed)
    logits = [answer(deployment, x)[1] for x in (task.outside.validation, strangers)]
    foreign = [Foreign(one, FOREIGN_LIMIT) for one in logits]
    run = partial(answer, deployment)
    usual = whole = _calibrated(kernel, samples, run, eps, delta, foreign)
    as_float = _calibrated(kernel, samples, _whole_logits(network), eps, delta)
    reached = AtGuarantee(eps=eps, delta=delta, float_invocation=as_float.invocation, invocation=usual.invocation)
    words = distribution(kernel)
    check = partial(_checked, share_of_box, task.outside.foreign, logits[1])
    if options.guarantee is None:
        invoked = int((logits[1] >= deployment.threshold).sum())
        bound = clopper_pearson_upper(invoked, len(strangers), 1.0 - delta)
        return Promise(None, reached, None, words, check(invoked, bound, None), deployment.threshold)
    moved = None
    if application is not None:
        words = f"Inputs: as recorded in {application.name}, equal rows counted once; {application.split}."
        parts = [application.proposal, application.calibration]
        whole = _calibrated(kernel, parts, run, eps, delta, foreign, application.clusters)
        moved = _moved(kernel, application, run, usual, whole)
    chosen = whole.chosen
    if chosen is None:
        raise _impossible(kernel, whole, options.activations)
    guarantee = Guarantee(
        eps=eps,
        delta=delta,
        calibration_count=whole.count,
        invoked=chosen.invoked,
        violations=chosen.violations,
        thresholds=whole.thresholds,
        distribution=words,
        recorded=application.name if application else "",
    )
    without = whole.unlimited.invoked / whole.count if whole.unlimited else None
    checked = check(chosen.foreign_invoked, chosen.foreign_bound, without)
    return Promise(guarantee, reached, moved, words, checked, chosen.threshold)


def _moved(kernel: Kernel, application: Application, run: _Whole, usual: Calibration, whole: Calibration) -> Moved:
    """Compare the usual calibration with that for recorded inputs, on the inputs that tested the latter."""
    answers, logits = run(application.calibration.x)
    safe = is_safe(kernel.error, application.calibration.y, answers)
    before = usual.chosen.threshold if usual.chosen else None
    used = np.zeros(len(safe), bool) if before is None else logits >= before
    now = logits >= whole.chosen.threshold if whole.chosen else np.ones(len(safe), bool)
    return Moved(
        rows=application.rows,
        split=application.split,
        design_effect=design_effect(now, ~safe, application.clusters),
        out_of_domain=float(np.mean(logits == TURNED_AWAY)),
        threshold_before=before,
        invocation_before=usual.invocation,
        invocation_there=float(used.mean()),
        violation_rate_there=float(np.mean(~safe[used])) if used.any() else None,
        invocation=whole.invocation,
    )


def foreign_words(foreign: ForeignCheck) -> str:
    """Return in words what happens to foreign points."""
    share = f"{100 * foreign.share_of_box:.3g} % of the box is foreign: points where the application never goes"
    found = f"the network is used on {100 * foreign.invoked / foreign.count:.2g} % of {foreign.count:,} of them"
    return f"{share}; {found}, at most {100 * foreign.bound:.2g} % with confidence."


def _checked(
    share_of_box: float,
    foreign: ForeignPoints,
    logits: NDArray[np.int64],
    invoked: int,
    bound: float,
    without: float | None,
) -> ForeignCheck | None:
    """Return the record of a check on foreign points with these logits, None where there are none."""
    if not len(logits):
        return None
    return ForeignCheck(
        share_of_box=share_of_box,
        reach=None if foreign.neighbours is None else foreign.reach,
        count=len(logits),
        past_guard=float(np.mean(logits > TURNED_AWAY)),
        invoked=invoked,
        bound=bound,
        limit=FOREIGN_LIMIT,
        held=bound <= FOREIGN_LIMIT,
        invocation_without=without,
    )


def _impossible(kernel: Kernel, whole: Calibration, activations: str) -> CheckFailed:
    best, bound = whole.best, _above(whole.eps, whole.best.bound)
    if not best.invoked:
        return CheckFailed(
            f"the domain guard turns away nearly all of the inputs: nothing can be promised for {kernel.name}.",
            "Are they in the kernel's units, and within min and max of kernel.toml?",
        )
    return CheckFailed(
        f"no gate keeps the violation rate of {kernel.name} within {100 * whole.eps:g} % with "
        f"{100 * (1 - whole.delta):g} % confidence; the best that could be promised is {bound} %, "
        f"using the network on {100 * best.invoked / whole.count:.3g} % of the inputs.",
        ("Compute in 16 bits with --activations int16, ask" if activations == "int8" else "Ask")
        + " for less with --guarantee, widen the bound, or give the kernel a larger network.",
    )


def _above(eps: float, bound: float) -> str:
    """Return a bound in percent, with as many digits as it takes to tell it from what was wanted."""
    texts = (f"{100 * bound:.{digits}g}" for digits in range(3, 10))
    return next((text for text in texts if float(text) > 100 * eps), f"{100 * bound:g}")


def distribution(kernel: Kernel) -> str:
    """Return in words for which inputs figures and promises hold."""
    if kernel.recorded is not None:
        return "Inputs: as recorded in the kernel's data files, equal rows counted once."
    if kernel.sampler is not None:
        return f"Inputs: as {kernel.sampler.function} of the kernel draws them."
    return "Inputs: uniform over the trained box."


def _calibrated(
    kernel: Kernel,
    samples: Sequence[Samples],
    run: _Whole,
    eps: float,
    delta: float,
    foreign: Sequence[Foreign | None] = (None, None),
    clusters: NDArray[np.integer] | None = None,
) -> Calibration:
    """Calibrate a network's gate; of `samples` and `foreign` the first propose thresholds, the second test them."""
    evidence = []
    for part, strangers, groups in zip(samples, foreign, (None, clusters), strict=True):
        answers, logits = run(part.x)
        evidence.append(Evidence(is_safe(kernel.error, part.y, answers), logits, strangers, groups))
    return propose_and_test(*evidence, eps, delta)


def _whole_logits(network: FloatNetwork) -> _Whole:
    def run(x: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        answers, logits = network(x)
        return answers, np.round(np.nan_to_num(logits.astype(np.float64)) * _LOGIT_STEPS).astype(np.int64)

    return run
