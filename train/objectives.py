"""What a round of training minimises: a loss of every restart, made of train.losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from axedge.kernels.spec import ErrorSpec
from axedge.train import losses
from axedge.train.fit import LossFunction
from axedge.train.network import forward
from axedge.train.normalise import Affine
from axedge.train.recipes import Round
from axedge.train.runtime import tensorflow
from axedge.train.topology import Topology


def answer_loss(topology: Topology, error: ErrorSpec, outputs: Affine, part: Round) -> LossFunction:
    """Return the loss of a network that answers, and of its predictor where it has one.

    Columns 1 to 4 of the schedule (see train.rounds) are the share of the sigmoid loss, its tau, the weight of the
    selective loss and the price of a violation: rounds that differ in nothing else share one compiled loop.
    """
    if part.loss == "squared":
        return _squared_loss(topology, error, outputs, part)
    return _bound_loss(topology, error, outputs, part)


def label_loss(topology: Topology) -> LossFunction:
    """Return the cross-entropy of a plain classifier with one logit against labels [1, B], 1 for safe."""
    tf = tensorflow()

    def loss(flat: Any, x: Any, y: Any, row: Any) -> Any:
        logit, _ = forward(topology, flat, x)
        return tf.reduce_mean(losses.cross_entropy(logit[:, 0], tf.broadcast_to(y, tf.shape(logit[:, 0]))), axis=1)

    return loss


def _bound_loss(topology: Topology, error: ErrorSpec, outputs: Affine, part: Round) -> LossFunction:
    """Return the joint loss matched to the kernel's bound.

    The labels of the safe logit come from the answers of the same step. The selective part lets the gradient of the
    answers through too: what the predictor lets go, the approximator need not learn.

    Many results judged together (rmse) are learned from their squared error, and from the bound only in the rounds
    that select: on jpeg, seed 0, 0.88 against 0.84 invocation at 95 % precision.
    """
    tf = tensorflow()
    denormalise, squared = _denormalising(outputs), _squared_error(outputs)

    def loss(flat: Any, x: Any, y: Any, row: Any) -> Any:
        answer, logit = forward(topology, flat, x)
        answer = denormalise(answer)
        ratio = losses.squared_ratio(error, y, answer)
        soft = losses.sigmoid_loss(ratio, row[2])
        if error.metric == "rmse":
            bounded = row[1] * tf.cast(row[3] > 0.0, row.dtype)
            total = (1.0 - bounded) * squared(y, answer) + bounded * soft
        else:
            total = (1.0 - row[1]) * losses.log_loss(ratio) + row[1] * soft
        if logit is not None:
            total += part.cross_entropy * losses.cross_entropy(logit, losses.safe_labels(ratio))
            total += row[3] * losses.selective_loss(logit, soft, row[4])
        return tf.reduce_mean(total, axis=1)

    return loss


def _squared_loss(topology: Topology, error: ErrorSpec, outputs: Affine, part: Round) -> LossFunction:
    """Return the paper's joint loss: mean squared error of the normalised outputs plus cross-entropy."""
    tf = tensorflow()
    denormalise, squared = _denormalising(outputs), _squared_error(outputs)

    def loss(flat: Any, x: Any, y: Any, row: Any) -> Any:
        answer, logit = forward(topology, flat, x)
        answer = denormalise(answer)
        total = squared(y, answer)
        if logit is not None:
            labels = losses.safe_labels(losses.squared_ratio(error, y, answer))
            total += part.cross_entropy * losses.cross_entropy(logit, labels)
        return tf.reduce_mean(total, axis=1)

    return loss


def _squared_error(outputs: Affine) -> Callable[[Any, Any], Any]:
    """Return the mean squared error of the normalised outputs, [R, B], of results and answers in the kernel's units."""
    scale = tensorflow().constant(outputs.scale[:, np.newaxis], tensorflow().float32)
    return lambda y, answer: losses.squared_error(y / scale, answer / scale)


def _denormalising(outputs: Affine) -> Callable[[Any], Any]:
    tf = tensorflow()
    scale = tf.constant(outputs.scale[:, np.newaxis], tf.float32)
    offset = tf.constant(outputs.offset[:, np.newaxis], tf.float32)
    return lambda answer: answer * scale + offset
