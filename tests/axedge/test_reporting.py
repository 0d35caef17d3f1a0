"""The arithmetic of the report: curves and maps against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axedge.artifacts.errors import ArtifactError
from axedge.artifacts.kept import TURNED_AWAY, Judged
from axedge.kernels.metrics import invocation_at_precision
from axedge.reporting.charts import Chart, precision_curve
from axedge.reporting.maps import MOST_INPUTS, maps_of
from axedge.reporting.page import script_data

pytestmark = pytest.mark.host


def judged(x: np.ndarray, error: np.ndarray, logit: np.ndarray) -> Judged:
    single = error.astype(np.float32)
    return Judged("m", x.astype(np.float32), single, single, single <= 1, single <= 1, logit, logit.astype(np.float32))


@given(st.lists(st.tuples(st.booleans(), st.integers(-5, 5)), min_size=1, max_size=60))
@settings(deadline=None)
def test_the_curve_holds_the_largest_invocation_at_a_precision(pairs: list[tuple[bool, int]]) -> None:
    safe, logit = (np.array(part) for part in zip(*pairs, strict=True))
    invocation, precision = precision_curve(safe, logit)
    for wanted in (0.5, 0.9, 1.0):
        reached = invocation[precision >= wanted - 1e-4]
        assert reached.max(initial=0.0) == pytest.approx(invocation_at_precision(safe, logit, wanted), abs=1e-3)


def test_the_curve_ends_where_the_domain_guard_turns_the_rest_away() -> None:
    logit = np.array([3, 2, TURNED_AWAY, TURNED_AWAY])
    invocation, precision = precision_curve(np.array([True, False, True, True]), logit)
    assert invocation.tolist() == [0.25, 0.5]
    assert precision.tolist() == [1.0, 0.5]


def test_a_map_counts_cell_by_cell() -> None:
    x = np.repeat(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), 10, axis=0)
    logit = np.repeat(np.array([5, 5, -5, 5]), 10)
    error = np.repeat(np.array([0.5, 2.0, 0.1, 0.25]), 10)
    error[10:15] = 0.5
    (found,) = maps_of(judged(x, error, logit), 0, 1.0)
    assert found.trusted[0, 0] == found.trusted[0, -1] == found.trusted[-1, -1] == 1.0
    assert found.trusted[-1, 0] == 0.0
    assert found.wrong[0, -1] == 0.5
    assert np.isnan(found.wrong[-1, 0])
    assert found.typical[-1, -1] == 0.25
    assert np.isnan(found.trusted[5, 5])


def test_a_single_input_gives_a_single_line() -> None:
    x = np.linspace(0, 1, 600)[:, np.newaxis]
    (found,) = maps_of(judged(x, np.zeros(600), np.where(x[:, 0] < 0.5, 1, -1)), 0, 1.0)
    assert found.trusted.shape == (60,)
    assert found.trusted[:29].tolist() == [1.0] * 29
    assert found.trusted[31:].tolist() == [0.0] * 29


def test_of_many_inputs_those_are_drawn_on_which_trust_depends() -> None:
    x = np.random.default_rng(0).random((4_000, 9))
    logit = np.where(x[:, 7] > 0.5, 1, -1)
    found = maps_of(judged(x, np.zeros(4_000), logit), 0, 1.0)
    assert len(found) == MOST_INPUTS * (MOST_INPUTS - 1) // 2
    assert all(len(one.columns) == 2 for one in found)
    assert any(7 in one.columns for one in found)


def test_data_cannot_end_its_script_element() -> None:
    text = script_data([Chart("a", "", "", {"": {"words": "</script><!-- & -->"}})])
    assert "<" not in text
    assert ">" not in text


def test_kept_arrays_are_read_back_for_what_they_belong_to_only(tmp_path) -> None:
    kept = judged(np.zeros((3, 2)), np.array([0.1, np.inf, 2.0]), np.array([1, 2, 3]))
    kept.save(tmp_path)
    first = (tmp_path / Judged.FILE).read_bytes()
    again = Judged.load(tmp_path, "m")
    np.testing.assert_array_equal(again.error, kept.error)
    again.save(tmp_path)
    assert (tmp_path / Judged.FILE).read_bytes() == first
    with pytest.raises(ArtifactError, match="another result"):
        Judged.load(tmp_path, "n")
    (tmp_path / Judged.FILE).write_bytes(first[:200])
    with pytest.raises(ArtifactError, match=r"damaged\. Run `axedge convert` again"):
        Judged.load(tmp_path, "m")
