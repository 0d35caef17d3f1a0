"""Which networks a search may try, as Optuna asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from axedge.artifacts.records.search import Shape, Width
from axedge.kernels.kernel import Kernel, NetworkSpec

if TYPE_CHECKING:
    from optuna import Trial

_SMALLEST, _WIDEST, _LAYERS = 2, 32, 2
_HEADS = ("approximator", "predictor")
_ACTIVATIONS = ("relu", "tanh")
WIDTHS: tuple[Width, ...] = get_args(Width)


@dataclass(frozen=True)
class Space:
    """Hidden layers from 2 units to 32, one or two a head; more of both where kernel.toml's own network has more.

    Attributes:
        inputs: of the kernel.
        outputs: of the kernel.
        widest: units of a hidden layer.
        layers: hidden layers a head.
        own: the network of kernel.toml.
    """

    inputs: int
    outputs: int
    widest: int
    layers: int
    own: Shape

    @classmethod
    def of(cls, kernel: Kernel) -> Space:
        """Return the space around a kernel's own network."""
        network = kernel.network
        own = Shape(
            approximator=network.approximator,
            predictor=network.predictor,
            approximator_activation=network.approximator_activation,
            predictor_activation=network.predictor_activation,
        )
        sizes = (*network.approximator, *network.predictor)
        layers = max(_LAYERS, len(network.approximator), len(network.predictor))
        return cls(len(kernel.inputs), len(kernel.outputs), max(_WIDEST, 2 * max(sizes)), layers, own)

    def parameters(self, shape: Shape) -> int:
        """Return the weights and biases that take flash, a byte at least; with two-byte inputs the first have two."""
        codes = 2 * self.inputs if shape.width == "two-byte" else self.inputs
        return NetworkSpec(**shape.network).parameters(codes, self.outputs)

    def suggest(self, trial: Trial) -> Shape:
        """Return the network that Optuna wants tried."""
        found: dict[str, Any] = {}
        for head in _HEADS:
            layers = trial.suggest_int(f"{head}_layers", 1, self.layers)
            found[head] = tuple(
                trial.suggest_int(f"{head}_{index}", min(_SMALLEST, *getattr(self.own, head)), self.widest, log=True)
                for index in range(layers)
            )
            found[f"{head}_activation"] = trial.suggest_categorical(f"{head}_activation", _ACTIVATIONS)
        found["activations"] = trial.suggest_categorical("activations", ("int8", "int16"))
        if found["activations"] == "int8":
            found["inputs"] = trial.suggest_categorical("inputs", ("plain", "two-byte"))
        return Shape(**found)

    def draw(self, rng: np.random.Generator) -> Shape:
        """Return any network, all sizes alike on a logarithmic scale."""
        found: dict[str, Any] = {}
        for head in _HEADS:
            smallest = min(_SMALLEST, *getattr(self.own, head))
            sizes = np.exp(rng.uniform(np.log(smallest), np.log(self.widest + 1), rng.integers(1, self.layers + 1)))
            found[head] = tuple(int(size) for size in sizes)
            found[f"{head}_activation"] = _ACTIVATIONS[rng.integers(2)]
        return Shape(**found).of_width(WIDTHS[rng.integers(len(WIDTHS))])

    def near(self, shape: Shape, rng: np.random.Generator) -> Shape:
        """Return one like another, of the same width: up to three changes of sizes, layers or activations."""
        found = shape.model_dump()
        for _ in range(rng.integers(1, 4)):
            head = _HEADS[rng.integers(len(_HEADS))]
            sizes, change = list(found[head]), rng.random()
            if change < 0.2:
                name = f"{head}_activation"
                found[name] = _ACTIVATIONS[1 - _ACTIVATIONS.index(found[name])]
            elif change < 0.35 and len(sizes) > 1:
                del sizes[rng.integers(len(sizes))]
            elif change < 0.35 and self.layers > 1:
                sizes.insert(int(rng.integers(len(sizes) + 1)), int(rng.choice(sizes)))
            else:
                which, factor = rng.integers(len(sizes)), np.exp(0.4 * rng.standard_normal())
                step = 1 if factor > 1 else -1
                size = sizes[which] + step * max(1, round(abs(sizes[which] * (factor - 1))))
                sizes[which] = int(np.clip(size, min(_SMALLEST, *getattr(self.own, head)), self.widest))
            found[head] = tuple(sizes)
        return Shape(**found)

    def parameters_of(self, shape: Shape) -> dict[str, Any]:
        """Return what Optuna calls the parameters of a network: the inverse of `suggest`."""
        said: dict[str, Any] = {"activations": shape.activations}
        if shape.activations == "int8":
            said["inputs"] = shape.inputs
        for head in _HEADS:
            sizes = getattr(shape, head)
            said |= {f"{head}_layers": len(sizes), f"{head}_activation": getattr(shape, f"{head}_activation")}
            said |= {f"{head}_{index}": size for index, size in enumerate(sizes)}
        return said
