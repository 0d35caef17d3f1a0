import numpy as np
import pytest

from axedge.train import fit
from axedge.train.fit import Batches, Loop, State, warm_up_and_cosine
from axedge.train.network import forward
from axedge.train.runtime import tensorflow
from axedge.train.topology import Topology

pytestmark = pytest.mark.train


@pytest.fixture
def small():
    """A topology, a loss and batches: learn y = x0 * x1."""
    tf = tensorflow()
    topology = Topology(2, 1, (4,), (2,))
    x = np.random.default_rng(1).uniform(-1, 1, (640, 2)).astype(np.float32)

    def loss(flat, x, y, row):
        answer, logit = forward(topology, flat, x)
        return tf.reduce_mean(tf.square(answer[:, 0] - y) + 0.1 * tf.square(logit), axis=1)

    return topology, loss, Batches(x, x[:, :1] * x[:, 1:], 64, seed=0)


def constant_rate(steps, rate=0.01):
    return np.full((steps, 1), rate, np.float32)


def test_the_compiled_loop_takes_adams_steps(small):
    topology, loss, batches = small
    tf = tensorflow()
    start = topology.initial(2, seed=0)
    flat, mean, square = start.astype(float), 0.0, 0.0
    for step in range(1, 26):
        variable, batch = tf.Variable(flat.astype(np.float32)), (step - 1) % batches.count
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(loss(variable, batches.x[batch], batches.y[batch], None))
        gradient = tape.gradient(total, variable).numpy().astype(float)
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        flat -= 0.01 * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-7)
    state = Loop(loss, batches).run(State.start(start), constant_rate(25))
    assert state.steps == 25
    assert np.abs(state.flat - flat).max() < 5e-5
    assert np.abs(state.flat - start).max() > 0.05


def test_chunks_leave_no_seam(small, monkeypatch):
    topology, loss, batches = small
    start = State.start(topology.initial(2, seed=0))
    schedule = np.linspace(0.001, 0.01, 60, dtype=np.float32)[:, None]
    whole = Loop(loss, batches).run(start, schedule)
    monkeypatch.setattr(fit, "CHUNK", 25)
    loop = Loop(loss, batches)
    halves = loop.run(loop.run(start, schedule[:35]), schedule[35:], first_batch=35)
    assert np.allclose(whole.flat, halves.flat, atol=1e-6)


def test_restarts_do_not_disturb_each_other(small):
    topology, loss, batches = small
    flat = topology.initial(3, seed=0)
    together = Loop(loss, batches).run(State.start(flat), constant_rate(40))
    alone = Loop(loss, batches).run(State.start(flat[1:2]), constant_rate(40))
    assert np.allclose(together.flat[1], alone.flat[0], atol=1e-5)


def test_a_loop_is_compiled_once(small):
    topology, loss, batches = small
    loop = Loop(loss, batches)
    state = State.start(topology.initial(2, 0))
    traces = []
    counted = loop._chunk.python_function

    def counting(*arguments):
        traces.append(1)
        return counted(*arguments)

    loop._chunk = tensorflow().function(counting, jit_compile=True)
    for first in (0, 7, 1):
        state = loop.run(state, constant_rate(10 + first), first_batch=first)
    assert len(traces) == 1


def test_batches_hold_every_row_once(rng):
    x = np.arange(100, dtype=np.float32).reshape(50, 2)
    batches = Batches(x, x[:, :1] * 2, 8, seed=3)
    assert (batches.count, batches.size) == (6, 8)
    rows = batches.x.numpy().transpose(0, 2, 1).reshape(-1, 2)
    assert len(np.unique(rows[:, 0])) == 48
    assert np.array_equal(batches.y.numpy().transpose(0, 2, 1).reshape(-1), rows[:, 0] * 2)
    assert Batches(x, x, 4096, seed=0).size == 50


def test_the_rate_rises_then_falls():
    rate = warm_up_and_cosine(1000, 0.01, 100)
    assert rate[:100] == pytest.approx(0.01 * np.arange(1, 101) / 100)
    assert rate.argmax() in (99, 100)
    assert (np.diff(rate[100:]) <= 0).all()
    assert rate[-1] < 1e-7
    assert len(warm_up_and_cosine(5, 0.01, 100)) == 5


def test_a_pace_is_a_factor_on_the_rate(small):
    topology, loss, batches = small
    flat = np.repeat(topology.initial(1, seed=0), 2, axis=0)
    paced = Loop(loss, batches).run(State.start(flat, np.array([1.0, 0.5])), constant_rate(30))
    halved = Loop(loss, batches).run(State.start(flat), constant_rate(30, rate=0.005))
    assert np.allclose(paced.flat[1], halved.flat[1], atol=1e-6)
    assert not np.allclose(paced.flat[0], halved.flat[0], atol=1e-3)
