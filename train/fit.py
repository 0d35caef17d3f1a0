"""The training loop: many steps in one compiled call, all restarts at once, the data on the device.

`Model.fit` spends nearly all its time between the steps when a network has 60 parameters. Here a whole chunk of steps
is one XLA program: batches are cut from device memory, the gradient of every restart comes from one backward pass (the
loss is a sum over restarts, which share no parameter), and Adam updates one flat matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from axedge.train.network import forward
from axedge.train.runtime import tensorflow
from axedge.train.topology import Topology

Array = NDArray[np.float32]
# Loss of every restart, [R], given parameters [R, P], inputs [n, B], results [m, B] and one row of the schedule.
LossFunction = Callable[[Any, Any, Any, Any], Any]

CHUNK = 500
_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-7


@dataclass(frozen=True)
class State:
    """What training carries from chunk to chunk.

    Attributes:
        flat: parameters [R, P].
        mean: Adam's running mean of the gradient, [R, P].
        square: Adam's running mean of its square, [R, P].
        pace: factor on the learning rate, [R].
        steps: Adam steps made since the running means were zero.
    """

    flat: Array
    mean: Array
    square: Array
    pace: Array
    steps: int = 0

    @classmethod
    def start(cls, flat: Array, pace: Array | None = None) -> State:
        """Return a state with fresh running means; without a pace, that of the schedule."""
        own = np.ones(len(flat), np.float32) if pace is None else pace.astype(np.float32)
        return cls(flat, np.zeros_like(flat), np.zeros_like(flat), own)


class Batches:
    """Samples on the device, cut into batches of equal size; what does not fill a last batch is left out.

    Args:
        x: inputs as the network takes them, float32 [N, n].
        y: results in the kernel's units, float32 [N, m].
        size: samples a batch; no larger than N.
        seed: of the order.
    """

    def __init__(self, x: Array, y: Array, size: int, seed: int) -> None:
        tf = tensorflow()
        size = min(size, len(x))
        self.size, self.count = size, len(x) // size
        order = np.random.default_rng([seed, 0xBA7C]).permutation(len(x))[: self.count * size]
        self.x = tf.constant(self._cut(x[order]))
        self.y = tf.constant(self._cut(y[order]))

    def _cut(self, rows: Array) -> Array:
        """Return [batches, columns, size]."""
        return np.ascontiguousarray(rows.reshape(self.count, self.size, -1).transpose(0, 2, 1))


class Loop:
    """A compiled loop of training steps for one loss; compiles anew for another number of restarts.

    Args:
        loss: see LossFunction. Column 0 of the schedule is the learning rate, the others are the loss's own.
        batches: the training data, taken in turn.
    """

    def __init__(self, loss: LossFunction, batches: Batches) -> None:
        self._batches = batches
        self._chunk = self._compile(loss)

    def run(self, state: State, schedule: Array, first_batch: int = 0) -> State:
        """Make one step a row of the schedule.

        Args:
            state: where to start.
            schedule: float32 [steps, columns].
            first_batch: number of the first batch; counted round.
        """
        tf = tensorflow()
        for start in range(0, len(schedule), CHUNK):
            rows = schedule[start : start + CHUNK]
            padded = np.zeros((CHUNK, schedule.shape[1]), np.float32)
            padded[: len(rows)] = rows
            flat, mean, square = self._chunk(
                *(tf.constant(part) for part in (state.flat, state.mean, state.square, state.pace, padded)),
                tf.constant([len(rows), state.steps, first_batch + start], tf.int32),
                self._batches.x,
                self._batches.y,
            )
            moved = {"flat": flat.numpy(), "mean": mean.numpy(), "square": square.numpy()}
            state = replace(state, **moved, steps=state.steps + len(rows))
        return state

    def _compile(self, loss: LossFunction) -> Callable[..., Any]:
        tf = tensorflow()
        batch_count = self._batches.count

        @tf.function(jit_compile=True, reduce_retracing=False)
        def chunk(flat: Any, mean: Any, square: Any, pace: Any, schedule: Any, numbers: Any, xs: Any, ys: Any) -> Any:
            # Plain arguments may become compile-time constants, and each new value would compile the loop again;
            # a gathered batch and numbers read from a tensor inside the loop do not.
            def body(i: Any, flat: Any, mean: Any, square: Any) -> Any:
                batch = (numbers[2] + i) % batch_count
                row = tf.gather(schedule, i)
                gradient = _gradient(loss, flat, tf.gather(xs, batch), tf.gather(ys, batch), row)
                rate = row[0] * pace[:, tf.newaxis]
                step = tf.cast(numbers[1] + i + 1, tf.float32)
                return i + 1, *_adam(flat, mean, square, gradient, rate, step)

            zero = tf.constant(0)
            return tf.while_loop(lambda i, *_: i < numbers[0], body, (zero, flat, mean, square))[1:]

        return chunk


def _gradient(loss: LossFunction, flat: Any, x: Any, y: Any, row: Any) -> Any:
    tf = tensorflow()
    with tf.GradientTape() as tape:
        tape.watch(flat)
        total = tf.reduce_sum(loss(flat, x, y, row))
    return tape.gradient(total, flat)


def _adam(flat: Any, mean: Any, square: Any, gradient: Any, rate: Any, step: Any) -> tuple[Any, Any, Any]:
    """Return parameters and running means after one step (Kingma and Ba, ICLR 2015, algorithm 1)."""
    tf = tensorflow()
    mean = _BETA1 * mean + (1.0 - _BETA1) * gradient
    square = _BETA2 * square + (1.0 - _BETA2) * tf.square(gradient)
    unbiased_mean = -mean / tf.math.expm1(step * np.log(_BETA1))
    unbiased_square = -square / tf.math.expm1(step * np.log(_BETA2))
    return flat - rate * unbiased_mean / (tf.sqrt(unbiased_square) + _EPSILON), mean, square


def warm_up_and_cosine(steps: int, peak: float, warm_up: int, end: float = 0.0) -> Array:
    """Return learning rates [steps]: linear from near 0 to peak, then half a cosine down to end * peak."""
    warm_up = min(warm_up, steps)
    rise = (np.arange(warm_up) + 1.0) / max(warm_up, 1)
    fall = 0.5 * (1.0 + np.cos(np.pi * np.arange(steps - warm_up) / max(steps - warm_up, 1)))
    return (peak * np.concatenate([rise, end + (1.0 - end) * fall])).astype(np.float32)


class Runner:
    """Runs many networks over many samples.

    Args:
        topology: the networks' shape.
        x: inputs as the networks take them, float32 [N, n].
    """

    def __init__(self, topology: Topology, x: Array) -> None:
        tf = tensorflow()
        self._x = tf.constant(np.ascontiguousarray(x.T))
        self._run = tf.function(lambda flat, x: forward(topology, flat, x), jit_compile=True)

    def __call__(self, flat: Array) -> tuple[Array, Array | None]:
        """Return answers [R, N, m] and safe logits [R, N] (None without a predictor)."""
        answer, logit = self._run(tensorflow().constant(flat), self._x)
        return answer.numpy().transpose(0, 2, 1), None if logit is None else logit.numpy()
