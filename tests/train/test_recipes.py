import numpy as np
import pytest

from axedge.artifacts.errors import UsageError
from axedge.kernels.kernel import load_kernel
from axedge.train.recipes import DEFAULT, PAPER, Recipe, Round, find_recipe
from axedge.train.rounds import schedule_of
from axedge.train.topology import Topology

pytestmark = pytest.mark.host


def test_the_papers_recipe_is_the_papers():
    (part,) = find_recipe("paper").rounds
    assert (part.restarts, part.steps, part.batch, part.learning_rate) == (1, 50_000, 128, 1e-4)
    assert (part.loss, PAPER.standardise, PAPER.spread) == ("squared", False, None)
    assert Topology.of_kernel(load_kernel("inversek2j"), PAPER.predictor_activation).predictor_activation == "relu"
    assert (schedule_of(part)[:, 0] == np.float32(1e-4)).all()


def test_scaling_keeps_the_shares():
    recipe = Recipe("two", (Round(restarts=20, steps=1000), Round(restarts=5, steps=3000)))
    scaled = recipe.scaled(steps=400, restarts=8)
    assert [(part.restarts, part.steps) for part in scaled.rounds] == [(8, 100), (2, 300)]
    assert recipe.scaled(None, None) == recipe
    assert [(part.restarts, part.steps) for part in recipe.scaled(1, 1).rounds] == [(1, 1), (1, 1)]


@pytest.mark.parametrize("parameters", [10, 60, 300, 1000, 3000, 30_000])
def test_a_larger_network_gets_fewer_restarts_and_a_lower_rate(parameters):
    sized, larger = DEFAULT.for_size(parameters), DEFAULT.for_size(2 * parameters)
    for one, other in zip(sized.rounds, larger.rounds, strict=True):
        assert 1 <= other.restarts <= one.restarts
        assert other.learning_rate <= one.learning_rate
    assert sized.rounds[0].restarts >= 2
    assert larger.train_samples >= sized.train_samples


def test_no_network_gets_more_than_a_few_times_the_work():
    def work(size):
        return sum(part.restarts * part.steps for part in DEFAULT.for_size(size).rounds) * max(size, 100)

    assert max(work(size) for size in range(10, 30_000, 97)) <= 10 * work(100)
    assert DEFAULT.for_size(60) == DEFAULT
    assert PAPER.for_size(3000).rounds == PAPER.rounds


def test_only_the_gates_of_a_very_large_network_start_open():
    assert [DEFAULT.for_size(size).gate_start for size in (60, 847, 1000, 1001)] == [0.0, 0.0, 0.0, 1.0]
    assert PAPER.for_size(3000).gate_start == 0.0


def test_the_schedule_goes_from_log_to_sigmoid_while_tau_falls():
    schedule = schedule_of(Round(restarts=1, steps=900, log_share=1 / 3, tau_start=1.0, tau_end=0.1))
    assert schedule[:300, 1].sum() == 0
    assert (schedule[300:, 1] == 1).all()
    assert schedule[:301, 2] == pytest.approx(1.0)
    assert schedule[600, 2] == pytest.approx(0.1**0.5, rel=0.01)
    assert schedule[-1, 2] == pytest.approx(0.1)
    selective = schedule_of(Round(restarts=1, steps=3, selection=0.5, violation_price=7.0))
    assert selective[:, 3:].tolist() == [[0.5, 7.0]] * 3


def test_an_unknown_recipe_names_the_near_one():
    with pytest.raises(UsageError, match="no recipe is called 'defualt'. Did you mean default"):
        find_recipe("defualt")
