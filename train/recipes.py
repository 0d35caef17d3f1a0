"""How to train, as data: rounds in which fewer and fewer networks are trained for longer and longer."""

from __future__ import annotations

from dataclasses import dataclass, replace

from axedge.artifacts.errors import UsageError, did_you_mean


@dataclass(frozen=True)
class Round:
    """Adam over some networks side by side.

    Attributes:
        restarts: networks that take part: the best so far, or in the first round, fresh ones.
        steps: Adam steps.
        batch: samples a step.
        learning_rate: the highest one.
        warm_up: steps of a linear rise to it.
        cosine: fall from it as half a cosine to 0; without, warm_up means nothing and the rate is constant.
        loss: "bound" (see train.losses) or "squared" (the paper's mean squared error).
        log_share: share of the steps under log(1 + (e/b)^2), before sigmoid(ln(e/b) / tau).
        tau_start: of the sigmoid, at its first step.
        tau_end: at its last one; in between geometric.
        cross_entropy: weight of the safe logit's cross-entropy.
        selection: weight of the selective loss: minus the share let through, plus violation_price times the share
            let through and unsafe.
        violation_price: how many useful answers one wrong one outweighs.
    """

    restarts: int
    steps: int
    batch: int = 256
    learning_rate: float = 1e-2
    warm_up: int = 200
    cosine: bool = True
    loss: str = "bound"
    log_share: float = 0.0
    tau_start: float = 1.0
    tau_end: float = 0.3
    cross_entropy: float = 1.0
    selection: float = 0.0
    violation_price: float = 3.0


@dataclass(frozen=True)
class Recipe:
    """A way to train.

    Attributes:
        name: for --recipe.
        rounds: one after the other; each starts from the best of the one before.
        paces: factors on the learning rate, dealt out to the networks of the first round in turn: which rate is best
            depends on the kernel, and the validation samples tell.
        train_samples: drawn once.
        validation_samples: for choosing between networks; the report never uses them.
        standardise: inputs to zero mean and unit variance; folded into the first layers afterwards.
        spread: factor on the starting weights; None: 0.1 for all of them, as the paper has it.
        gate_start: starting bias of the gates. At 1 an AXNet starts as its approximator without gates.
        predictor_activation: instead of the kernel's; None: the kernel's.
        bias_to_precision: shift the safe logit so that 0 is where the validation precision is this; None: leave it.
        keep: candidates that are handed on.
    """

    name: str
    rounds: tuple[Round, ...]
    paces: tuple[float, ...] = (1.0,)
    train_samples: int = 262_144
    validation_samples: int = 20_000
    standardise: bool = True
    spread: float | None = 1.0
    gate_start: float = 0.0
    predictor_activation: str | None = None
    bias_to_precision: float | None = 0.95
    keep: int = 6

    @property
    def steps(self) -> int:
        """Adam steps from the first round to the last."""
        return sum(part.steps for part in self.rounds)

    def scaled(self, steps: int | None, restarts: int | None) -> Recipe:
        """Return the recipe with another number of steps in all, or of restarts in the first round.

        Later rounds keep their share of both; each keeps at least one step and one network.
        """
        first = self.rounds[0].restarts
        rounds = tuple(
            replace(
                part,
                steps=part.steps if steps is None else max(1, round(part.steps * steps / self.steps)),
                restarts=part.restarts if restarts is None else max(1, round(part.restarts * restarts / first)),
            )
            for part in self.rounds
        )
        return replace(self, rounds=rounds)

    def for_size(self, parameters: int) -> Recipe:
        """Return the recipe for a network of this many parameters.

        A larger network gets fewer restarts, because it depends less on luck and costs more, but a longer first round;
        a lower learning rate; more samples; and, when it is very large, gates that start open. One that is trained
        without restarts keeps its numbers.
        """
        excess = max(1.0, parameters / _FULL_EFFORT_PARAMETERS)
        last = len(self.rounds) - 1
        rounds = []
        for number, part in enumerate(self.rounds):
            fewest = min(part.restarts, 1 if number == last else _FEWEST_RESTARTS)
            own = replace(part, restarts=max(fewest, round(part.restarts / excess)))
            if part.restarts > 1:
                longer = 1.0 if number == last else min(excess**0.5, _LONGEST)
                steps = round(part.steps * longer / max(1.0, parameters / _ALL_STEPS_PARAMETERS))
                own = replace(own, steps=steps, learning_rate=part.learning_rate / excess**0.5)
            rounds.append(own)
        samples = max(self.train_samples, min(_SAMPLES_PER_PARAMETER * parameters, _MOST_SAMPLES))
        open_gates = parameters > _OPEN_GATES_PARAMETERS and self.rounds[0].restarts > 1
        gate_start = 1.0 if open_gates else self.gate_start
        return replace(self, rounds=tuple(rounds), train_samples=samples, gate_start=gate_start)


# Up to this size a network gets all the restarts of its recipe, and up to that one all its steps.
_FULL_EFFORT_PARAMETERS = 100
_ALL_STEPS_PARAMETERS = 5_000
_FEWEST_RESTARTS = 2
_LONGEST = 1.75
_SAMPLES_PER_PARAMETER = 200
_MOST_SAMPLES = 524_288
# Above this size the gates start open. Invocation at 95 % precision, mean of five seeds, gates that start around 0
# against 1: jpeg 0.887 and 0.898, jmeint 0.679 and 0.686; but around 0 against 2: inversek2j 0.874 and 0.871,
# blackscholes 0.991 and 0.980, and of sunpos (847 parameters) at 99 % precision 0.983 and 0.870.
_OPEN_GATES_PARAMETERS = 1_000

# Measured on inversek2j, five seeds. How networks rank once the rate has fallen tells how they rank after another round
# (correlation 0.95), before it has fallen it does not: so the first round runs to its end, and the second takes four.
# 0.875 invocation at 95 % precision and 0.848 true invocation; with 36 networks of 8,000 steps and a warmer second
# round, at the same cost, 0.855 and 0.828. A pace of 0.5 costs 0.015 there, and is kept for kernels that need it.
# Batches of 128 and of 64, at the same cost, are worse by 0.01; a price of 5 in the second round gives 0.006 more
# at 99 % precision and 0.006 less at 95 %.
DEFAULT = Recipe(
    name="default",
    rounds=(
        Round(restarts=24, steps=14_000, learning_rate=4e-2, log_share=1 / 3, tau_start=1.0, tau_end=0.08),
        Round(restarts=4, steps=24_000, learning_rate=1e-2, tau_start=0.15, tau_end=0.06, selection=1.0),
    ),
    paces=(1.0, 1.0, 1.0, 0.5),
)

# Peng et al. (ICCAD 2018), as their published code has it.
PAPER = Recipe(
    name="paper",
    rounds=(Round(restarts=1, steps=50_000, batch=128, learning_rate=1e-4, cosine=False, loss="squared"),),
    standardise=False,
    spread=None,
    predictor_activation="relu",
    bias_to_precision=None,
    keep=1,
)

# The baselines as their papers train them, one network at a time on mean squared error, but with the learning rate,
# schedule and inputs with which they do best.
PUBLISHED_BASELINE = Recipe(
    name="published baseline",
    rounds=(Round(restarts=1, steps=20_000, batch=128, loss="squared"),),
    bias_to_precision=None,
    keep=1,
)

_RECIPES = {recipe.name: recipe for recipe in (DEFAULT, PAPER)}


def find_recipe(name: str) -> Recipe:
    """Return a recipe by name.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in _RECIPES:
        raise UsageError(f"no recipe is called {name!r}.", did_you_mean(name, _RECIPES))
    return _RECIPES[name]
