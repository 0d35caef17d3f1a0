"""The domain guard's envelope: what no band tells is turned away, in whole numbers that cannot overflow."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from axedge.artifacts.errors import CheckFailed
from axedge.convert.envelope import choose_envelope, envelope_of, excess, largest_excess
from axedge.convert.guard import coarse, inside
from axedge.convert.proof import prove
from axedge.convert.qnet import Activation, Envelope, QNet

pytestmark = pytest.mark.host


def windows(rng, count):
    """Five neighbours in a row, alike but for a slope: no pair of them has a band that tells anything."""
    level, slope = rng.uniform(-0.9, 0.9, count), rng.normal(0, 0.08, count)
    noise = rng.normal(0, 0.05, (count, 5))
    return np.clip(level[:, None] + slope[:, None] * np.arange(-2, 3) + noise, -1, 1).astype(np.float32)


def noise(rng, count):
    return rng.uniform(-1, 1, (count, 5)).astype(np.float32)


@pytest.fixture(scope="module")
def chosen():
    rng = np.random.default_rng(0)
    own = windows(rng, 20_000)
    return own, choose_envelope(own, windows(rng, 8_000), noise(rng, 8_000), noise(rng, 8_000), 1.0, 0.008)


@pytest.mark.parametrize(("bits", "scale", "zero"), [(8, 2 / 255, 0), (8, 1.6 / 255, -7), (16, 1 / 32767, 0)])
def test_noise_is_turned_away_and_smooth_windows_are_not(chosen, bits, scale, zero):
    own, shape = chosen
    entry = Activation("u", 5, bits, scale, zero)

    def codes(u):
        return coarse(np.clip(np.rint(u / scale) + zero, entry.code_min, entry.code_max).astype(int), bits)

    envelope, rng = envelope_of(shape, entry, codes(own), rounded=bits == 8), np.random.default_rng(1)
    assert inside((), codes(windows(rng, 20_000)), envelope).mean() > 0.99
    assert inside((), codes(noise(rng, 20_000)), envelope).mean() < 0.012
    assert largest_excess(envelope) < 2**31 and envelope.limit > 0


def test_none_where_bands_do_or_nothing_is_known_of_foreign_points_or_none_tells():
    rng = np.random.default_rng(2)
    own, others, strangers = windows(rng, 4_000), windows(rng, 2_000), noise(rng, 2_000)
    assert choose_envelope(own, others, strangers, strangers, 0.008, 0.008) is None
    assert choose_envelope(own, others, strangers[:100], strangers, 1.0, 0.008) is None
    assert choose_envelope(own, others, windows(rng, 2_000), windows(rng, 2_000), 1.0, 0.008) is None


def test_a_predictor_of_many_units_is_left_what_only_a_costly_guard_tells():
    """Foreign points at the application's border: turning most of them away costs 5 % of its inputs."""
    rng = np.random.default_rng(3)
    own, others = rng.uniform(-0.95, 0.95, (20_000, 3)), rng.uniform(-0.95, 0.95, (8_000, 3))
    box = rng.uniform(-1, 1, (200_000, 3))
    strangers = box[np.abs(box).max(axis=1) > 0.92]
    parts = (own, others, strangers[:8_000], strangers[8_000:16_000], 1.0, 0.006)
    few, many = choose_envelope(*parts, units=3), choose_envelope(*parts, units=60)
    assert few is not None and few.lost > 0.02 and many is None


def test_where_no_predictor_learns_the_guard_alone_reaches_the_aim_if_it_can():
    rng = np.random.default_rng(4)
    own, others = rng.uniform(-0.95, 0.95, (20_000, 3)), rng.uniform(-0.95, 0.95, (8_000, 3))
    box = rng.uniform(-1, 1, (400_000, 3))
    strangers = box[np.abs(box).max(axis=1) > 0.92]
    known, judged = strangers[:8_000], strangers[8_000:16_000]

    def left(shape, x):
        return float((shape.distances(x) <= np.quantile(shape.distances(own), 1.0 - shape.lost)).mean())

    for share in (0.04, 0.1):
        some, alone = (choose_envelope(own, others, known, judged, share, 0.006, units=units) for units in (3, 0))
        assert share * left(alone, judged) <= 0.006 < share * left(some, judged)
        assert some.lost < alone.lost
    # For what it cannot reach, half of them lying where the application goes, it turns no more away than it pays.
    mixed = [np.concatenate([x[:4_000], rng.uniform(-0.95, 0.95, (4_000, 3))]) for x in (known, judged)]
    assert choose_envelope(own, others, *mixed, 0.05, 0.006, units=0).lost < 0.08


def envelopes():
    """Envelopes of two to four inputs: any weights, intervals of no width, of some, or open at an end."""
    numbers = st.tuples(st.integers(-127, 127), st.integers(-40_000, 40_000), st.integers(0, 60_000))
    return st.integers(2, 4).flatmap(
        lambda inputs: st.lists(
            st.tuples(st.lists(st.integers(-127, 127), min_size=inputs, max_size=inputs), numbers),
            min_size=1,
            max_size=4,
        )
    )


def make(parts, shift):
    low = np.array([ends[1] for _, ends in parts])
    high = low + np.array([ends[2] for _, ends in parts])
    return Envelope(np.array([weights for weights, _ in parts], np.int8), low, high, shift, 0)


@given(envelopes(), st.integers(0, 4), st.integers(0, 2**32 - 1))
def test_the_sum_is_as_written_and_within_its_bound(parts, shift, seed):
    envelope = make(parts, shift)
    inputs = envelope.weights.shape[1]
    rows = [*itertools.product((-128, 127), repeat=inputs)]
    rows += np.random.default_rng(seed).integers(-128, 128, (8, inputs)).tolist()
    found = excess(envelope, np.array(rows, np.int16)).tolist()
    for row, total in zip(rows, found, strict=True):
        wanted = 0
        for weights, low, high in zip(envelope.weights.tolist(), envelope.low, envelope.high, strict=True):
            z = sum(weight * code for weight, code in zip(weights, row, strict=True))
            wanted += (max(int(low) - z, z - int(high), 0) // 2**shift) ** 2
        assert total == wanted <= largest_excess(envelope)


def test_the_limit_itself_is_inside():
    envelope = Envelope(np.array([[1, 0], [0, 2]], np.int8), np.array([0, 0]), np.array([0, 10]), 0, 25)
    asked = np.array([[3, 7], [-3, 7], [3, -2], [3, 8], [5, 5], [5, 6]], np.int16)
    assert excess(envelope, asked).tolist() == [25, 25, 25, 45, 25, 29]
    assert inside((), asked, envelope).tolist() == [True, True, True, False, True, False]


def test_the_proof_holds_the_guards_bound_and_refuses_one_that_could_overflow():
    net = QNet({"u": Activation("u", 2, 8, 1.0, 0)}, (), "u", "u", None)
    weights, zeros = np.array([[127, -127]], np.int8), np.zeros(1, np.int64)
    (bound,) = prove(net, Envelope(weights, zeros, zeros, 0, 5))
    assert (bound.layer, bound.low, bound.high) == ("domain guard", -127 * 255, 127 * 255)
    assert bound.magnitude == (127 * 255) ** 2
    with pytest.raises(CheckFailed, match="domain guard may overflow"):
        prove(net, Envelope(weights.repeat(3, axis=0), zeros.repeat(3), zeros.repeat(3), 0, 5))
