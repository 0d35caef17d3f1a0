"""The search's own thinking, with trials that cost nothing."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import optuna
import pytest

from axedge import cli
from axedge.artifacts.errors import CheckFailed, UsageError
from axedge.artifacts.records.base import axedge_version
from axedge.artifacts.records.search import Outcome, SearchRecord, Shape, Width
from axedge.firmware.boards import load_board
from axedge.kernels.kernel import load_kernel
from axedge.kernels.scaffold import new_kernel
from axedge.searching.adopt import adopt
from axedge.searching.evaluate import Answer, Job, Parcel
from axedge.searching.forecast import Forecast
from axedge.searching.search import Wish, pareto, search, winner
from axedge.searching.space import WIDTHS, Space
from axedge.terminal import Terminal
from axedge.verbs_search import _show_choice, show_search

pytestmark = pytest.mark.host
cli._add_verbs()

OWN = Shape(approximator=(4,), predictor=(2,))  # of the kernel fft


def parameters(shape: Shape) -> int:
    return Space.of(load_kernel("fft")).parameters(shape)


def invented(shape: Shape) -> Outcome:
    """Return an outcome in which more units help, tanh predictors do not, and each parameter takes 12 bytes."""
    count = parameters(shape)
    worth = 1.0 - 1.0 / (1 + sum(shape.approximator)) - 0.1 * (shape.predictor_activation == "tanh")
    return Outcome(
        parameters=count, invocation=worth, flash_bytes=1500 + 12 * count, stack_bytes=64 + 4 * count, cost=9.0 * count
    )


class Inventors:
    """Workers that invent outcomes, and may stop in the middle."""

    size = 2

    def __init__(self, outcome: Callable[[Shape], Outcome] = invented, stop_after: int | None = None) -> None:
        self.outcome, self.stop_after, self.jobs, self.open = outcome, stop_after, [], []

    def submit(self, job: Job) -> None:
        self.open.append(job)
        self.jobs.append(job)

    def next(self) -> tuple[Job, Answer]:
        if self.stop_after is not None and len(self.jobs) - len(self.open) >= self.stop_after:
            raise KeyboardInterrupt
        job = self.open.pop(0)
        return job, Answer(self.outcome(job.shape), axedge_version())

    def close(self) -> None:
        self.open.clear()


def run(folder: Path, crew: Inventors, **wishes: object) -> SearchRecord:
    wish = Wish(**{"trials": 8, "finals": 2, **wishes})
    return search(load_kernel("fft"), load_board("microbit"), wish, folder, lambda: crew)


def test_the_best_within_the_budget_is_found_and_beats_the_present_network(tmp_path: Path) -> None:
    record = run(tmp_path, Inventors(), trials=20)
    chosen, own = winner(record), record.trials[record.own or 0]
    assert own.shape == OWN and own.rung == "full"
    assert record.budget_is == "own"
    assert chosen.outcome.flash_bytes <= record.flash_budget_bytes == own.outcome.flash_bytes
    assert chosen.outcome.invocation > own.outcome.invocation
    assert sum(one.rung == "short" for one in record.trials) == 20
    assert sum(one.rung == "full" for one in record.trials) == 3
    assert len({one.shape for one in record.trials if one.rung == "short"}) == 20
    assert (tmp_path / "pareto.png").read_bytes().startswith(b"\x89PNG")
    assert SearchRecord.load(tmp_path).is_whole(tmp_path)


def test_a_stack_budget_is_kept(tmp_path: Path) -> None:
    record = run(tmp_path, Inventors(), flash_bytes=1 << 20, stack_bytes=300)
    assert winner(record).outcome.stack_bytes <= 300
    assert any(one.outcome.stack_bytes > 300 and not one.fits for one in record.trials)


def test_latency_takes_the_cheapest(tmp_path: Path) -> None:
    record = run(tmp_path, Inventors(), objective="latency", flash_bytes=8192)
    full = [one.outcome.cost for one in record.trials if one.rung == "full" and one.fits]
    assert winner(record).outcome.cost == min(full)


def test_another_objective_uses_the_same_trials(tmp_path: Path) -> None:
    first = run(tmp_path, Inventors(), flash_bytes=8192)
    crew = Inventors()
    record = run(tmp_path, crew, objective="latency", flash_bytes=8192)
    assert not [job for job in crew.jobs if job.rung == "short"]
    assert {one.shape for one in first.trials} <= {one.shape for one in record.trials}
    assert winner(record).outcome.cost == min(one.outcome.cost for one in record.trials if one.rung == "full")


def test_a_search_that_is_stopped_goes_on_and_loses_nothing(tmp_path: Path) -> None:
    first = Inventors(stop_after=5)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, first)
    finished = [job.shape for job in first.jobs[:5] if job.rung == "short"]
    second = Inventors()
    record = run(tmp_path, second)
    again = [job.shape for job in second.jobs if job.rung == "short"]
    assert len(finished) == 4 and len(again) == 8 - 4 and not set(again) & set(finished)
    assert set(finished) <= {one.shape for one in record.trials}
    third = Inventors()
    assert run(tmp_path, third).trials == record.trials
    assert third.jobs == []


def test_a_search_that_ends_between_queue_and_trial_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, ask = itertools.count(1), optuna.Study.ask

    def ends_at_the_fourth(study: optuna.Study) -> optuna.Trial:
        if next(asked) == 4:
            raise KeyboardInterrupt
        return ask(study)

    with monkeypatch.context() as patched:
        patched.setattr(optuna.Study, "ask", ends_at_the_fourth)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, Inventors())
    assert [one.rung for one in run(tmp_path, Inventors()).trials].count("short") == 8


def test_another_budget_uses_the_same_trials(tmp_path: Path) -> None:
    run(tmp_path, Inventors(), flash_bytes=6000)
    crew = Inventors()
    record = run(tmp_path, crew, flash_bytes=2500)
    assert all(job.rung == "full" for job in crew.jobs)
    assert winner(record).outcome.flash_bytes <= 2500


def kind_to(width: Width) -> Callable[[Shape], Outcome]:
    """Return a maker of outcomes that are far better in one width."""

    def outcome_of(shape: Shape) -> Outcome:
        outcome = invented(shape)
        gain = 1.0 if shape.width == width else 0.0
        return outcome.model_copy(update={"invocation": 0.5 * ((outcome.invocation or 0.0) + gain)})

    return outcome_of


def test_short_trials_use_the_flash_and_all_widths_reach_the_end(tmp_path: Path) -> None:
    record = run(tmp_path, Inventors(kind_to("int16")), trials=9, finals=6, flash_bytes=3000)
    short, full = ([one for one in record.trials if one.rung == rung] for rung in ("short", "full"))
    assert {[one.shape.width for one in short].count(width) for width in WIDTHS} == {3}
    assert all(one.outcome.flash_bytes > 0.75 * 3000 for one in short[3:])  # once it is known what a network takes
    assert {one.shape.width for one in full[1:4]} == set(WIDTHS)


def test_the_present_network_is_tried_in_all_widths_that_fit(tmp_path: Path) -> None:
    every = {OWN.of_width(width) for width in WIDTHS}
    assert {job.shape for job in ran(tmp_path / "wide", flash_bytes=8192)[:3]} == every
    assert {job.shape for job in ran(tmp_path / "narrow", flash_bytes=600)[:3]} != every


def ran(folder: Path, **wishes: object) -> list[Job]:
    """Return the short trials of a search, in their order."""
    crew = Inventors()
    folder.mkdir()
    with suppress(CheckFailed):
        run(folder, crew, **wishes)
    return [job for job in crew.jobs if job.rung == "short"]


def test_two_byte_inputs_are_tried_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crew = Inventors(kind_to("two-byte"))
    record = run(tmp_path, crew, trials=9, flash_bytes=4000)
    assert winner(record).shape.width == "two-byte"
    assert {job.shape.activations for job in crew.jobs if job.shape.inputs == "two-byte"} == {"int8"}
    show_search(Terminal(), record, tmp_path)
    _show_choice(Terminal(), record, winner(record), "fft", applied=False)
    said = capsys.readouterr().out
    assert said.splitlines()[-1].endswith("--guarantee 0.95 --inputs two-byte") and "8, 2 codes" in said


def test_a_neighbour_differs_little_and_stays_within_the_space() -> None:
    space, rng = Space.of(load_kernel("fft")), np.random.default_rng(0)
    found = {space.near(OWN, rng) for _ in range(500)}
    assert len(found) > 50
    for shape in found:
        assert shape.width == OWN.width
        for sizes in (shape.approximator, shape.predictor):
            assert 1 <= len(sizes) <= space.layers and all(2 <= size <= space.widest for size in sizes)


def test_nothing_that_promises_is_said_plainly(tmp_path: Path) -> None:
    crew = Inventors(lambda shape: Outcome(parameters=parameters(shape), refused="nothing can be promised"))
    record = run(tmp_path, crew, flash_bytes=4096)
    assert record.chosen is None and record.front == ()
    with pytest.raises(CheckFailed, match="no network"):
        winner(record)


def test_two_searches_do_not_share_a_folder(tmp_path: Path) -> None:
    class Nosy(Inventors):
        def submit(self, job: Job) -> None:
            with pytest.raises(UsageError, match="another search"):
                run(tmp_path, Inventors())
            super().submit(job)

    run(tmp_path, Nosy(), trials=1, finals=1)


def test_the_front_holds_what_nothing_beats() -> None:
    points = [(2000, 0.5), (2500, 0.4), (3000, 0.7), (3000, 0.6), (2000, 0.45)]
    outcomes = [Outcome(parameters=1, flash_bytes=flash, invocation=share) for flash, share in points]
    assert pareto(enumerate(outcomes), "invocation") == (0, 2)


def test_the_forecast_learns_what_a_parameter_takes() -> None:
    space = Space.of(load_kernel("fft"))
    known = {shape: invented(shape) for shape in (OWN, Shape(approximator=(8,), predictor=(4,)))}
    forecast = Forecast.of(space, known, 4096)
    for shape in (*known, Shape(approximator=(6,), predictor=(3,))):
        assert forecast.flash_bytes(shape) == pytest.approx(invented(shape).flash_bytes, rel=0.1)
    assert not forecast.may_fit(Shape(approximator=(32, 32), predictor=(32,)))
    # Each of the input's two codes has a weight in the first layers of both heads.
    assert parameters(OWN.of_width("two-byte")) == parameters(OWN) + len(load_kernel("fft").inputs) * (4 + 2)


def test_the_forecast_knows_that_tanh_is_dear_in_16_bits() -> None:
    forecast = Forecast.of(Space.of(load_kernel("fft")), {})
    relu, mixed, tanh = (
        Shape(approximator=(4,), predictor=(2,), approximator_activation=one, predictor_activation=other)
        for one, other in (("relu", "relu"), ("relu", "tanh"), ("tanh", "tanh"))
    )
    eight = [forecast.flash_bytes(shape) for shape in (relu, mixed, tanh)]
    sixteen = [forecast.flash_bytes(shape.of_width("int16")) for shape in (relu, mixed, tanh)]
    assert np.diff(eight) == pytest.approx([250, 250])  # a table a layer
    assert np.diff(sixteen) == pytest.approx([1000, 0])  # one for all


def test_a_kernel_travels_whole(tmp_path: Path) -> None:
    kernel = load_kernel("fft")
    assert Parcel.of(kernel).unpack(tmp_path).digest() == kernel.digest()


def test_apply_changes_the_network_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    toml, _ = new_kernel(Path("dew"))
    before = toml.read_text()
    shape = Shape(approximator=(7, 3), predictor=(5,), predictor_activation="relu")
    assert adopt(load_kernel("./dew"), shape) == Path("dew/kernel.toml")
    network = load_kernel("./dew").network
    assert (network.approximator, network.predictor, network.predictor_activation) == ((7, 3), (5,), "relu")
    start = before.index("[network]")
    assert toml.read_text()[:start] == before[:start]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--flash", "4Q"], "'4Q' is no size"),
        (["--apply"], "comes with axedge"),
        (["--board", "native", "--objective", "latency"], "latency cannot be searched for"),
        (["--board", "native", "--stack", "512"], "the stack is the host's"),
    ],
)
def test_what_cannot_be_searched_for_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["search", "fft", *arguments]) == 2
    said = capsys.readouterr().err
    assert says in said and said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
