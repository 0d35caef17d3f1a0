import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axedge.kernels import metrics
from axedge.kernels.spec import ErrorSpec
from axedge.train import losses
from axedge.train.runtime import tensorflow

pytestmark = pytest.mark.train
METRICS = ["relative", "absolute", "rmse", "mismatch"]


def ratio_of(error, y, answer):
    """Squared ratios [N] of answers [N, m], in float64."""
    tf = tensorflow()
    return losses.squared_ratio(error, tf.constant(y.T), tf.constant(answer.T[None]))[0].numpy()


def combined(error, y, answer, logit, tau=0.4):
    """A sum of every loss, a function of answer [R, m, B] and logit [R, B]."""
    tf = tensorflow()
    ratio = losses.squared_ratio(error, y, answer)
    soft = losses.sigmoid_loss(ratio, tau)
    labels = losses.safe_labels(ratio)
    parts = [losses.log_loss(ratio), soft, losses.cross_entropy(logit, labels), losses.selective_loss(logit, soft, 3.0)]
    return tf.add_n([tf.reduce_sum(part * (index + 1.0)) for index, part in enumerate(parts)])


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("metric", METRICS)
def test_gradients_are_those_of_finite_differences(metric, outputs, errors, rng):
    tf = tensorflow()
    error = errors[metric]
    y = rng.uniform(0.2, 1.0, (outputs, 12))
    answer = y[None] + rng.normal(0, 0.08, (2, outputs, 12))
    logit = rng.normal(0, 1, (2, 12))
    places = [tf.constant(answer), tf.constant(logit)]
    with tf.GradientTape() as tape:
        tape.watch(places)
        total = combined(error, tf.constant(y), *places)
    found = tape.gradient(total, places)
    step = 1e-6
    for which, start in enumerate((answer, logit)):
        for index in list(np.ndindex(start.shape))[::5]:
            ends = []
            for sign in (1.0, -1.0):
                moved = [answer.copy(), logit.copy()]
                moved[which][index] += sign * step
                ends.append(float(combined(error, tf.constant(y), *(tf.constant(part) for part in moved))))
            slope = (ends[0] - ends[1]) / (2 * step)
            assert found[which].numpy()[index] == pytest.approx(slope, rel=1e-4, abs=1e-5)


numbers = st.floats(-2.0, 2.0, width=32)


@settings(max_examples=60, deadline=None)
@given(
    metric=st.sampled_from(["relative", "absolute", "rmse"]),
    rows=st.lists(st.tuples(numbers, numbers, numbers, numbers), min_size=1, max_size=20),
    bound=st.floats(1e-3, 0.5),
)
def test_the_ratio_is_the_kernels_error(metric, rows, bound):
    table = np.array(rows, np.float64)
    error = ErrorSpec(metric, bound, 0.01 if metric == "relative" else 0.0)
    wanted = metrics.sample_error(error, table[:, :2], table[:, 2:]) / bound
    assert np.allclose(np.sqrt(ratio_of(error, table[:, :2], table[:, 2:])), wanted, rtol=1e-6, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    outputs=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
def test_a_decision_is_safe_where_it_is_right(outputs, seed):
    rng = np.random.default_rng(seed)
    error = ErrorSpec("mismatch", 0.5)
    y, answer = rng.normal(0.5, 1, (2, 40, outputs))
    safe = metrics.is_safe(error, y, answer)
    assert np.array_equal(ratio_of(error, y, answer) <= 1.0, safe)
    assert 0 < safe.sum() < 40 or outputs > 1


def test_the_losses_are_the_formulas_they_are_named_after():
    tf = tensorflow()
    e_over_b = np.array([0.1, 1.0, 3.0])
    ratio = tf.constant(e_over_b**2)
    assert losses.log_loss(ratio).numpy() == pytest.approx(np.log(1 + e_over_b**2))
    assert losses.sigmoid_loss(ratio, 0.5).numpy() == pytest.approx(1 / (1 + np.exp(-np.log(e_over_b) / 0.5)))
    assert losses.safe_labels(ratio).numpy().tolist() == [1.0, 1.0, 0.0]
    gate = 1 / (1 + np.exp(-2.0))
    assert float(losses.selective_loss(tf.constant(2.0), 0.25, 3.0)) == pytest.approx(gate * (0.75 - 1))


def test_a_perfect_answer_has_finite_loss_and_gradient(errors):
    tf = tensorflow()
    for metric, error in errors.items():
        y = tf.constant([[0.0, 1.0, 0.3]])
        answer = tf.Variable(y[None])
        with tf.GradientTape() as tape:
            total = combined(error, y, answer, tf.zeros((1, 3)))
        assert np.isfinite(total.numpy()), metric
        assert np.isfinite(tape.gradient(total, answer).numpy()).all(), metric


def test_labels_follow_the_current_answers_and_carry_no_gradient(errors):
    tf = tensorflow()
    y = tf.constant([[1.0, 1.0]])
    logit = tf.Variable(tf.zeros((1, 2)))
    slopes = []
    for guess in ([1.0, 2.0], [2.0, 1.0]):
        answer = tf.Variable([[guess]])
        with tf.GradientTape() as tape:
            labels = losses.safe_labels(losses.squared_ratio(errors["relative"], y, answer))
            total = tf.reduce_sum(losses.cross_entropy(logit, labels))
        by_logit, by_answer = tape.gradient(total, [logit, answer])
        assert by_answer is None
        slopes.append(by_logit.numpy()[0])
    assert slopes[0] == pytest.approx([-0.5, 0.5])
    assert slopes[1] == pytest.approx([0.5, -0.5])
