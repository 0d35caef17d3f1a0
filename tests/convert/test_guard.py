"""The domain guard: bands that turn foreign points away and hardly any of the application's own."""

from __future__ import annotations

import numpy as np
import pytest

from axedge.convert.guard import Choice, band_of, choose_bands, coarse, inside

pytestmark = pytest.mark.host


def ring(rng, count):
    """Codes of three inputs: the first two on a ring, the third anything."""
    angle, radius = rng.uniform(0, np.pi, count), rng.uniform(80, 110, count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), rng.uniform(-128, 127, count)], 1).astype(np.int16)


def test_the_pair_that_matters_is_found_and_the_rest_of_the_box_turned_away():
    rng = np.random.default_rng(0)
    own, held_out, box = ring(rng, 30_000), ring(rng, 5_000), rng.integers(-128, 128, (20_000, 3)).astype(np.int16)
    radius = np.hypot(box[:, 0], box[:, 1])
    foreign = box[(radius < 75) | (radius > 115) | (box[:, 1] < -5)]
    choices = choose_bands(own, held_out, foreign)
    assert {choices[0].row, choices[0].column} == {0, 1}
    bands = [band_of(choice, own) for choice in choices]
    assert inside(bands, held_out).mean() > 0.995
    assert inside(bands, foreign).mean() < 0.02


def test_no_band_where_it_would_turn_the_application_away_or_nothing_is_foreign():
    rng = np.random.default_rng(1)
    few, box = rng.integers(-128, 128, (60, 2)).astype(np.int16), rng.integers(-128, 128, (5_000, 2)).astype(np.int16)
    assert choose_bands(few, rng.integers(-128, 128, (500, 2)).astype(np.int16), box) == ()
    assert choose_bands(box, box, box[:0]) == ()


def test_rows_and_ends_are_as_written():
    own = np.array([[-128, 5], [-128, 9], [127, -128]], np.int16)
    band = band_of(Choice(0, 1, 4), own)
    assert band.low[0] == 5 and band.high[0] == 9 and band.high[15] == -128
    assert (band.low[1:15] > band.high[1:15]).all()
    asked = np.array([[-113, 5], [-112, 5], [-120, 10], [112, -128], [111, -128]], np.int16)
    assert inside([band], asked).tolist() == [True, False, False, True, False]
    assert coarse(np.array([[-32768, 255, 256]]), 16).tolist() == [[-128, 0, 1]]
