"""From trained candidates to the best network in whole numbers: equalise, train on quantised errors, choose, write.

Everything is judged as the device will execute it: in whole numbers, by the numpy reference, on the validation samples.
Fine-tuning is kept only where that says it helps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import CheckFailed, UnsupportedModel
from axedge.artifacts.progress import Progress, silent
from axedge.convert.equalise import equalise
from axedge.convert.export import patch_of
from axedge.convert.fakequant import Plan, fit_logit, forward, observe
from axedge.convert.patch import apply_patch
from axedge.convert.proof import prove
from axedge.convert.quantise import quantise
from axedge.convert.reader import read
from axedge.convert.task import FOREIGN_AIM, Task, Worth
from axedge.convert.two_byte import columns, widened
from axedge.train import losses
from axedge.train.fit import Batches, Loop, LossFunction, State, warm_up_and_cosine
from axedge.train.network import to_keras
from axedge.train.runtime import tensorflow
from axedge.train.topology import Topology

Array = NDArray[np.float32]
How = Literal["converted", "equalised", "fine-tuned"]

#: Samples whose activations set the starting ranges.
_RANGE_SAMPLES = 4_096
#: Samples whose largest logit ends its range.
_LOGIT_SAMPLES = 32_768
#: Quantiles at which its range may end (see `fakequant.fit_logit`).
_LOGIT_TOPS = (1.0, 0.7)
#: The sum before a TANH: beyond this the function is flat, and a wider range would cost resolution where it is not.
_TANH_RANGE = 3.0
#: Up to this many parameters a network gets all the steps.
_FULL_EFFORT_PARAMETERS = 100
#: Share of foreign points in what is trained on, where the predictor must learn all of them.
_FOREIGN_SHARE = 0.15
_FEWEST_STEPS = 2_000
#: Steps between two reports of progress.
_REPORT_EVERY = 2_000
#: A layer without biases would leave no room for them in the file.
_NO_BIAS = 1e-6


@dataclass(frozen=True)
class Stretch:
    """One stretch of fine-tuning: Adam over some networks side by side.

    Attributes:
        networks: the best so far, this many.
        steps: Adam steps.
        learning_rate: the highest one; it falls as half a cosine.
        tau_start: of the loss sigmoid(ln(e/b) / tau), at the first step.
        tau_end: at the last one; in between geometric.
        selection: weight of the selective loss (see train.losses).
        violation_price: how many useful answers one wrong one outweighs.
        batch: samples a step.
        paces: factors on the learning rate: each of the networks takes part once with each of them. Which rate is best
            depends on the network, and more tries are worth more than longer ones.
    """

    networks: int
    steps: int
    learning_rate: float
    tau_start: float
    tau_end: float
    selection: float = 0.0
    violation_price: float = 3.0
    batch: int = 256
    paces: tuple[float, ...] = (1.0,)

    @property
    def work(self) -> int:
        """Steps times networks."""
        return self.steps * self.networks * len(self.paces)


STRETCHES = (
    Stretch(
        networks=6,
        steps=10_000,
        learning_rate=1e-2,
        tau_start=0.3,
        tau_end=0.1,
        selection=1.0,
        paces=(1.0, 2.0, 3.0),
    ),
    Stretch(networks=4, steps=10_000, learning_rate=3e-3, tau_start=0.12, tau_end=0.08, selection=1.0),
)
#: Networks among which the final choice is made, on more samples: the best of many is partly the luckiest.
_FINALISTS = 6


@dataclass(frozen=True)
class Tuned:
    """A quantised network.

    Attributes:
        tflite: its file.
        candidate: position of the network it came from among those handed in.
        how: what was done to it.
        worth: its validation figures.
    """

    tflite: bytes
    candidate: int
    how: How
    worth: Worth


def tune(
    task: Task,
    topology: Topology,
    flat: Array,
    *,
    bits: int,
    fine_bits: int = 0,
    seed: int,
    stretches: Sequence[Stretch] = STRETCHES,
    progress: Progress = silent,
) -> Tuned:
    """Return the best quantised network that can be made of the candidates.

    Args:
        task: what they are for.
        topology: the candidates' shape, an AXNet.
        flat: their parameters [R, P], best first.
        bits: width of activations, 8 or 16.
        fine_bits: 0, or FINE_BITS for two-byte inputs.
        seed: of the order of the samples.
        stretches: of fine-tuning; none for equalisation alone.
        progress: called with the work done, the whole, and the best network's figures.
    """
    plan, u = Plan(topology, bits, fine_bits), task.maps.normalise(task.train.x)
    base, plain = (_converted(plan, one, u) for one in (with_biases(topology, flat[0]), flat[0]))
    found = [Tuned(plain, 0, "converted", task.judge(plain))]

    def write(rows: Array, origins: Iterable[int], how: How) -> list[Tuned]:
        ranged = [fit_logit(plan, rows, u[:_LOGIT_SAMPLES], top) for top in _LOGIT_TOPS]
        places = zip(*ranged, origins, strict=True)
        return [
            max((_written(task, base, plan, row, origin, how) for row in each), key=lambda one: one.worth.rank)
            for *each, origin in places
        ]

    rows = starting_point(plan, flat, u[:_RANGE_SAMPLES])
    written = write(rows, range(len(rows)), "equalised")
    stretches = [_for_size(stretch, topology.parameters) for stretch in stretches]
    work, done = float(sum(stretch.work for stretch in stretches)), 0.0
    for number, stretch in enumerate(stretches):
        found += written
        best = max(found, key=lambda one: one.worth.rank)
        order = np.argsort([-one.worth.rank for one in written], kind="stable")[: stretch.networks]
        order = np.tile(order, len(stretch.paces))
        rows, origins = rows[order], [written[place].candidate for place in order]
        note = f"invocation {best.worth.invocation:.3f} at {100 * task.precision:g} % precision, in whole numbers"
        report = _Report(progress, done, work, stretch.networks * len(stretch.paces), note)
        rows = _train(plan, task, rows, stretch, seed + number, report)
        written = write(rows, origins, "fine-tuned")
        done += stretch.work
    finalists = sorted([*found, *written], key=lambda one: -one.worth.rank)[:_FINALISTS]
    again = [replace(one, worth=task.judge(one.tflite, task.finals)) if one.tflite else one for one in finalists]
    return max(again, key=lambda one: one.worth.rank)


def _converted(plan: Plan, flat: Array, u: Array) -> bytes:
    """Return the .tflite of parameters [P] as TensorFlow's converter makes it, given normalised inputs [N, n]."""
    network, seen = (plan.topology, flat), u
    if plan.fine_bits:
        network, seen = widened(*network), columns(u)
    return quantise(to_keras(*network), seen, "int8" if plan.bits == 8 else "int16")


def _written(task: Task, base: bytes, plan: Plan, row: Array, origin: int, how: How) -> Tuned:
    """Return one network in whole numbers; one that no engine can run (training can wreck it) is worth nothing."""
    try:
        tflite = apply_patch(base, patch_of(plan, row))
        prove(read(tflite))
        return Tuned(tflite, origin, how, task.judge(tflite))
    except (UnsupportedModel, CheckFailed):
        return Tuned(b"", origin, how, Worth(-1.0, -1.0))


def with_biases(topology: Topology, flat: Array) -> Array:
    """Return parameters [P] in which no layer's biases are all zero: the converter leaves such biases out."""
    layers = dict(topology.split(flat[np.newaxis]))
    for name, (kernel, bias) in layers.items():
        if not np.any(bias):
            layers[name] = (kernel, bias + np.float32(_NO_BIAS))
    return topology.join(layers)[0]


def starting_point(plan: Plan, flat: Array, u: Array) -> Array:
    """Return fake-quantised parameters [R, plan.parameters] of trained ones [R, P]: equalised, ranges as seen on u."""
    seen = observe(plan, flat, u)
    flat = equalise(plan.topology, flat, {name: np.abs(value).max(axis=2) for name, value in seen.items()})
    ranges = {}
    for name, value in observe(plan, flat, u).items():
        low, high = value.min(axis=(1, 2)), value.max(axis=(1, 2))
        if name.endswith("_sum"):
            low, high = np.maximum(low, -_TANH_RANGE), np.minimum(high, _TANH_RANGE)
        ranges[name] = (np.minimum(low, 0.0), np.maximum(high, 1e-3))
    ranges["u"] = (np.full(len(flat), -1.0), np.full(len(flat), 1.0))
    return plan.join(flat, ranges)


def quantised_loss(plan: Plan, task: Task, stretch: Stretch) -> LossFunction:
    """Return the loss of each network on its quantised answers; column 1 of the schedule is tau.

    A soft count of the unsafe answers, the safe logit's cross-entropy against the quantised errors, and the selective
    loss. The last row of y is 1 for foreign points, whose answers do not matter and are never safe.
    """
    tf = tensorflow()
    offset, scale = np.array(task.maps.outputs, np.float32).T[:, np.newaxis, :, np.newaxis]

    def loss(flat: Any, x: Any, y: Any, row: Any) -> Any:
        v, logit = forward(plan, flat, x)
        exact, foreign = y[:-1], y[-1]
        ratio = losses.squared_ratio(task.kernel.error, exact, v * scale + offset)
        unsafe = losses.sigmoid_loss(ratio, row[1])
        total = (1.0 - foreign) * unsafe
        total += losses.cross_entropy(logit, losses.safe_labels(ratio) * (1.0 - foreign))
        if stretch.selection:
            used = (1.0 - foreign) * losses.selective_loss(logit, unsafe, stretch.violation_price)
            total += stretch.selection * (used + foreign * stretch.violation_price * tf.sigmoid(logit))
        return tf.reduce_mean(total, axis=1)

    return loss


def training_rows(task: Task, seed: int) -> tuple[Array, Array]:
    """Return normalised inputs [N, n], and results with a last column that is 1 for foreign points [N, m + 1].

    The more foreign points get past the domain guard, the more of them are mixed in.
    """
    outside = task.outside
    to_learn = max(0.0, 1.0 - FOREIGN_AIM / outside.passing) if outside.passing else 0.0
    count = round(len(task.train) * _FOREIGN_SHARE * to_learn)
    rows = np.random.default_rng([seed, 0xF0]).integers(len(outside.train), size=count) if count else []
    x = np.concatenate([task.train.x, outside.train[rows]]) if count else task.train.x
    # Any result will do where it does not matter, if only the loss is finite.
    y = np.concatenate([task.train.y, np.broadcast_to(task.train.y[:1], (count, task.train.y.shape[1]))])
    flag = np.repeat([0.0, 1.0], [len(task.train), count])[:, np.newaxis]
    return task.maps.normalise(x), np.concatenate([y, flag], axis=1).astype(np.float32)


class _Report:
    """Turns steps of one stretch into progress of the whole."""

    def __init__(self, progress: Progress, done: float, work: float, networks: int, note: str) -> None:
        self._progress, self._done, self._work, self._networks, self._note = progress, done, work, networks, note

    def __call__(self, steps: int) -> None:
        self._progress(self._done + steps * self._networks, self._work, self._note)


def _train(plan: Plan, task: Task, rows: Array, stretch: Stretch, seed: int, report: Callable[[int], None]) -> Array:
    """Return the networks after one stretch."""
    loop = Loop(quantised_loss(plan, task, stretch), Batches(*training_rows(task, seed), stretch.batch, seed))
    tau = np.geomspace(stretch.tau_start, stretch.tau_end, stretch.steps)
    rate = warm_up_and_cosine(stretch.steps, stretch.learning_rate, 200)
    schedule = np.stack([rate, tau], axis=1).astype(np.float32)
    state = State.start(rows, np.repeat(stretch.paces, len(rows) // len(stretch.paces)))
    for start in range(0, stretch.steps, _REPORT_EVERY):
        report(start)
        state = loop.run(state, schedule[start : start + _REPORT_EVERY], first_batch=start)
    return np.where(np.isfinite(state.flat).all(axis=1, keepdims=True), state.flat, rows)


def _for_size(stretch: Stretch, parameters: int) -> Stretch:
    """Return the stretch for a network of this size, so that all sizes take about the same time."""
    excess = max(1.0, parameters / _FULL_EFFORT_PARAMETERS)
    return replace(stretch, steps=max(min(stretch.steps, _FEWEST_STEPS), round(stretch.steps / excess)))
