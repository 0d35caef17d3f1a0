"""Promises of a real, small network: a hundred of them, no more broken than allowed; hope alone is caught."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import promises
from benchmarks.promises import Outcome, count, page

pytestmark = [pytest.mark.train, pytest.mark.cc]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A barely trained network, and a bound that it keeps often enough to be promised something."""
    from axedge.convert.deployment import load_deployment
    from axedge.convert.stage import convert_kernel
    from axedge.kernels.kernel import load_kernel
    from axedge.train.stage import train_kernel

    kernel = load_kernel("inversek2j")
    kernel = replace(kernel, error=replace(kernel.error, metric="absolute", bound=0.1, floor=0.0))
    folder = tmp_path_factory.mktemp("promises")
    train_kernel(kernel, folder / "train", steps=1_000, restarts=4)
    convert_kernel(kernel, folder / "train", folder / "convert", effort=0.0)
    return kernel, load_deployment(folder / "convert")


def test_a_hundred_promises_break_no_more_often_than_allowed_and_hope_is_caught(network, monkeypatch):
    monkeypatch.setattr(promises, "SHARE", 0.05)
    found = count(*network, 100, fresh_count=30_000, fresh_foreign=10_000)
    assert found.allowed == 11 and found.made >= 90 and found.limited >= 90
    assert found.over_limit <= found.broken <= found.allowed, f"{found.broken} of {found.made} promises broken"
    assert found.broken_by_hope > found.allowed
    assert np.isfinite(found.worst) and 0.0 < found.worst_foreign < 0.02
    assert found.model_hash in page([found]) and "none foreign" not in page([found])


def test_each_part_of_a_promise_can_break_it():
    assert not Outcome(rate=0.05, limited=True, foreign=0.01).broken
    assert Outcome(rate=0.051, limited=False, foreign=None).broken
    assert Outcome(rate=0.0, limited=True, foreign=0.011).broken
    assert not Outcome(rate=0.0, limited=False, foreign=0.5).broken, "the limit was never promised"
