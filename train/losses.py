"""The kernel's error and the losses matched to its bound, in TensorFlow.

Everything is a function of the squared ratio q = (e / bound)^2, which is smooth where e itself has a kink. A sample is
safe where q <= 1. Shapes: results y [m, B] in the kernel's units, answers [R, m, B], ratios and losses [R, B].
"""

from __future__ import annotations

from typing import Any

from axedge.kernels.spec import ErrorSpec
from axedge.train.runtime import tensorflow

# Below this ratio the logarithm is cut off: an error a million times smaller than the bound is as good as none.
_TINY = 1e-12
# Slope of ln(e / bound) against the margin of a decision, and the margin at which it is cut off.
_DECISION_SLOPE = 1.0
_DECISION_LIMIT = 8.0


def squared_ratio(error: ErrorSpec, y: Any, answer: Any) -> Any:
    """Return (e / bound)^2 by the kernel's metric, [R, B].

    A decision (mismatch) has no error between right and wrong. Its ratio is exp(-2 margin), margin the answer's
    distance from the decision boundary, positive on the right side: it passes 1 where the decision turns, and the
    losses below become the logistic ones.
    """
    tf = tensorflow()
    if error.metric == "mismatch":
        margin = tf.clip_by_value(_decision_margin(y, answer), -_DECISION_LIMIT, _DECISION_LIMIT)
        return tf.exp(-2.0 * _DECISION_SLOPE * margin)
    if error.metric == "relative":
        size = error.bound * tf.maximum(tf.abs(y), max(error.floor, _TINY))
        return tf.reduce_max(tf.square((y[tf.newaxis] - answer) / size[tf.newaxis]), axis=1)
    ratio = tf.square((y[tf.newaxis] - answer) / error.bound)
    return tf.reduce_mean(ratio, axis=1) if error.metric == "rmse" else tf.reduce_max(ratio, axis=1)


def log_loss(ratio: Any) -> Any:
    """Return log(1 + (e/b)^2): far-off samples still pull, though less the farther they are."""
    return tensorflow().math.log1p(ratio)


def sigmoid_loss(ratio: Any, tau: Any) -> Any:
    """Return sigmoid(ln(e/b) / tau): a soft count of the unsafe samples, the sharper the smaller tau."""
    tf = tensorflow()
    return tf.sigmoid(tf.math.log(ratio + _TINY) / (2.0 * tau))


def safe_labels(ratio: Any) -> Any:
    """Return 1 where the current answer is safe, else 0; no gradient flows through them."""
    tf = tensorflow()
    return tf.stop_gradient(tf.cast(ratio <= 1.0, ratio.dtype))


def cross_entropy(logit: Any, labels: Any) -> Any:
    """Return the safe logit's cross-entropy against the labels, [R, B]."""
    return tensorflow().nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logit)


def squared_error(y: Any, answer: Any) -> Any:
    """Return the mean over the outputs of the squared difference, [R, B] (the loss of the paper)."""
    tf = tensorflow()
    return tf.reduce_mean(tf.square(y[tf.newaxis] - answer), axis=1)


def _decision_margin(y: Any, answer: Any) -> Any:
    """Return by how much the answer is on the right side of the decision, [R, B] (see kernels.metrics.decision)."""
    tf = tensorflow()
    if y.shape[0] == 1:
        side = tf.where(y >= 0.5, tf.ones_like(y), -tf.ones_like(y))
        return (side[tf.newaxis] * (answer - 0.5))[:, 0]
    right = tf.one_hot(tf.argmax(y, axis=0), y.shape[0], axis=0, dtype=answer.dtype)[tf.newaxis]
    chosen = tf.reduce_sum(right * answer, axis=1)
    return chosen - tf.reduce_max(answer - 1e9 * right, axis=1)


def selective_loss(logit: Any, soft_unsafe: Any, violation_price: Any) -> Any:
    """Return -g + price * g * unsafe with g = sigmoid(logit): what is gained and lost by letting a sample through.

    Least where exactly the samples are let through whose chance to be unsafe is below 1 / price (the Lagrangian of "let
    through as many as possible at a given precision"; compare SelectiveNet, Geifman and El-Yaniv, ICML 2019).
    """
    gate = tensorflow().sigmoid(logit)
    return gate * (violation_price * soft_unsafe - 1.0)
