"""The domain guard in C, in numpy and by its written rule: the same codes are turned away, whatever the guard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from emit_build import Pair
from emit_nets import axnet, bands, deploy
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from test_pair import APPROXIMATED, OUT_OF_DOMAIN, guarded

from axedge.convert.envelope import excess, largest_excess
from axedge.convert.guard import coarse, inside
from axedge.convert.qnet import FINE_BITS, Envelope

pytestmark = pytest.mark.cc

FORMS = {"int8": (8, 0), "two-byte": (8, FINE_BITS), "int16": (16, 0)}


def any_envelope(rng, inputs: int, count: int, rows) -> Envelope:
    """Return an envelope with all that the engines take: 16-bit sums, wide and empty intervals, any shift."""
    weights = rng.integers(-127, 128, (count, inputs))
    over = np.maximum(np.abs(weights).sum(axis=1), 255)[:, np.newaxis]
    weights = np.trunc(weights * 255 / over).astype(np.int8)
    weights[:, rng.random(inputs) < 0.1] = 0  # an input that does not matter
    middle, half = rng.integers(-30_000, 30_001, count), rng.integers(0, 40_000, count) * rng.integers(0, 2, count)
    bare = Envelope(weights, middle - half, middle + half, 0, 0)
    least = next(shift for shift in range(31) if largest_excess(replace(bare, shift=shift)) < 1 << 31)
    shifted = replace(bare, shift=least + int(rng.integers(0, 3)))
    # The limit is what one of the rows comes to, or just below it.
    limit = max(int(np.median(excess(shifted, rows))) - int(rng.integers(0, 2)), 0)
    return replace(shifted, limit=limit)


# Without shrinking: every try is a compilation.
@settings(max_examples=16, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    seed=st.integers(0, 2**32 - 1),
    form=st.sampled_from(sorted(FORMS)),
    mode=st.sampled_from(["speed", "balanced", "size"]),
    core=st.sampled_from(["generic", "cortex-m0", "cortex-m4"]),
    inputs=st.integers(2, 6),
    tables=st.integers(0, 2),
    projections=st.integers(0, 9),
)
def test_any_guard_turns_away_the_same_codes(tmp_path_factory, seed, form, mode, core, inputs, tables, projections):
    bits, fine_bits = FORMS[form]
    rng, ends = np.random.default_rng(seed), 1 << (bits - 1)
    codes = inputs * 2 if fine_bits else inputs
    deployment = deploy(axnet(1, inputs=codes, bits=bits), threshold=-ends, fine_bits=fine_bits)
    rows = rng.integers(-ends, ends, (201, codes))
    rows[:40, :inputs] = rng.choice([-ends, ends - 1], (40, inputs))
    upper = coarse(rows, bits)
    deployment = replace(deployment, guard=bands(seed, inputs, tables))
    if projections:
        deployment = replace(deployment, envelope=any_envelope(rng, inputs, projections, upper[:, :inputs]))
    wanted = [guarded(deployment, row) for row in rows.tolist()]
    assert inside(deployment.guard, upper, deployment.envelope).tolist() == wanted
    pair = Pair(tmp_path_factory.mktemp("guard"), deployment, mode, core)
    paths = [pair.quantised(row)[0] for row in rows]
    assert paths == [APPROXIMATED if own else OUT_OF_DOMAIN for own in wanted]
