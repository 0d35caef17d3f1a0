"""What a conversion's candidates are for: the samples that they learn from and are judged by, and the domain."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from axedge.convert import affine, guarantee
from axedge.convert.deployment import TURNED_AWAY, answer, deploy
from axedge.convert.envelope import Shape, choose_envelope, envelope_of
from axedge.convert.guard import Choice, band_of, choose_bands, coarse, inside
from axedge.convert.maps import Maps
from axedge.convert.qnet import Activation, Deployment
from axedge.kernels.foreign import Foreign
from axedge.kernels.kernel import Kernel, Samples
from axedge.kernels.metrics import invocation_at_precision, is_safe

TRAIN_SAMPLES = 131_072
VALIDATION_SAMPLES = 40_000
FINAL_SAMPLES = 200_000
FOREIGN_POINTS = 32_768
#: Held-out inputs of the application, by which the domain guard is chosen.
_HELD_OUT = 8_192
#: Largest share of the foreign points that may be answered by the network, as promised and as aimed at.
FOREIGN_LIMIT = 0.01
FOREIGN_AIM = 0.008
#: Share that the domain guard is to leave. Not all of the limit: in whole numbers, on other points, it comes out up to
#: 0.2 % higher, and a predictor of a few units can refuse the last few only with many of the application's inputs.
GUARD_AIM = 0.006
#: Codes of normalised inputs before a network has its own scale.
_NOMINAL = Activation("u", 1, 8, 2.0 / 255.0, 0)


@dataclass(frozen=True)
class Worth:
    """A network's validation figures in whole numbers.

    Attributes:
        true_invocation: share of safe answers.
        invocation: the largest at the wanted precision, with no more foreign points let through than aimed at.
    """

    true_invocation: float
    invocation: float

    @property
    def rank(self) -> float:
        """What is compared. True invocation counts a little, to tell predictors apart that are good for nothing yet."""
        return self.invocation + 0.1 * self.true_invocation


@dataclass(frozen=True)
class Outside:
    """The part of the box where the application never goes.

    Attributes:
        foreign: tells and draws foreign points.
        bands: which bands the domain guard gets.
        envelope: which envelope it gets beside them; None where none pays.
        train: foreign points that the guard lets through, float32 [K, n].
        passing: share of the foreign points that it lets through.
        validation: foreign points to choose by, let through or not, float32 [M, n].
    """

    foreign: Foreign
    bands: tuple[Choice, ...]
    envelope: Shape | None
    train: NDArray[np.float32]
    passing: float
    validation: NDArray[np.float32]


@dataclass(frozen=True)
class Task:
    """What the candidates are for.

    Attributes:
        kernel: what is approximated.
        maps: between the kernel's units and the network's.
        precision: at which invocation is to be largest.
        train: samples to train on.
        validation: samples to choose by.
        finals: more of them, for the last choice between the best.
        outside: the rest of the box.
    """

    kernel: Kernel
    maps: Maps
    precision: float
    train: Samples
    validation: Samples
    finals: Samples
    outside: Outside

    @classmethod
    def of(cls, kernel: Kernel, maps: Maps, precision: float, seed: int, *, units: int) -> Task:
        """Draw the samples, and choose the domain guard.

        Args:
            kernel: what is approximated.
            maps: between the kernel's units and the network's.
            precision: at which invocation is to be largest.
            seed: of the samples.
            units: of the last hidden layer of a predictor that learns to refuse foreign points; 0: none does.
        """
        train = kernel.draw("train", TRAIN_SAMPLES, seed)
        finals = kernel.draw("validation", FINAL_SAMPLES, seed)
        validation = Samples(finals.x[:VALIDATION_SAMPLES], finals.y[:VALIDATION_SAMPLES])
        outside = _outside(kernel, maps, train, validation, seed, units)
        return cls(kernel, maps, precision, train, validation, finals, outside)

    def deploy(self, tflite: bytes) -> Deployment:
        """Return a model's deployment with its domain guard, the gate as trained, and no promise."""
        bare = deploy(self.kernel, tflite, self.maps)
        outside = self.outside
        if not outside.bands and outside.envelope is None:
            return bare
        entry = bare.net.activations[bare.net.source]
        own = coarse(affine.encode(bare.inputs, entry, self.train.x), entry.bits)
        bands = tuple(band_of(choice, own) for choice in outside.bands)
        # All of them lie within their own bands.
        envelope = None
        if outside.envelope is not None:
            rounded = entry.bits == 8 and not bare.fine_bits
            envelope = envelope_of(outside.envelope, entry, own, rounded=rounded)
        return replace(bare, guard=bands, envelope=envelope)

    def judge(self, tflite: bytes, samples: Samples | None = None) -> Worth:
        """Return what a .tflite is worth, executed in whole numbers on the validation samples, or on others."""
        samples = samples or self.validation
        deployment = self.deploy(tflite)
        y, logits = answer(deployment, samples.x)
        safe = is_safe(self.kernel.error, samples.y, y)
        foreign = guarantee.Foreign(answer(deployment, self.outside.validation)[1], FOREIGN_AIM)
        least = foreign.least_threshold() if len(foreign.logits) else TURNED_AWAY + 1
        margins = np.where(logits >= least, logits, np.nan)
        return Worth(float(safe.mean()), invocation_at_precision(safe, margins, self.precision))


def _outside(kernel: Kernel, maps: Maps, train: Samples, validation: Samples, seed: int, units: int) -> Outside:
    """Choose the domain guard: bands first, and an envelope where these let too many foreign points through."""
    foreign = Foreign.of(kernel)
    points, judged = (foreign.draw(purpose, FOREIGN_POINTS, seed)[0] for purpose in ("train", "validation"))
    xs = (train.x, validation.x[:_HELD_OUT], points, judged)
    own, held_out, *strangers = (_nominal(maps, x) for x in xs)
    choices = choose_bands(own, held_out, strangers[0])
    bands = [band_of(choice, own) for choice in choices]
    within = [inside(bands, codes) for codes in (own, held_out, *strangers)]
    passing = float(within[2].mean()) if len(points) else 0.0
    parts = [maps.normalise(x)[kept] for x, kept in zip(xs, within, strict=True)]
    shape = choose_envelope(*parts, share=passing, aim=GUARD_AIM, units=units)
    if shape is not None:
        envelope = envelope_of(shape, _NOMINAL, own)
        within[2] = inside(bands, strangers[0], envelope)
        passing = float(within[2].mean())
    return Outside(foreign, choices, shape, points[within[2]], passing, judged)


def _nominal(maps: Maps, x: NDArray[np.float32]) -> NDArray[np.int16]:
    """Return codes of kernel inputs over the whole of [-1, 1]."""
    codes = np.rint(maps.normalise(x) / _NOMINAL.scale - 0.5)
    return np.clip(codes, _NOMINAL.code_min, _NOMINAL.code_max).astype(np.int16)
