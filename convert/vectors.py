"""Input codes on which every execution must agree, and fresh samples for the bench; written so that they repeat."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np

from axedge.artifacts.files import atomic_arrays
from axedge.convert import affine
from axedge.convert.qnet import Deployment
from axedge.convert.reference import Codes, run
from axedge.kernels.kernel import Kernel, Samples

VECTORS_FILE = "vectors.npz"
SAMPLES_FILE = "samples.npz"
VECTOR_COUNT = 1024
SAMPLE_COUNT = 50_000
_MAX_CORNERS = 256


def vector_codes(deployment: Deployment, x: np.ndarray, seed: int, count: int = VECTOR_COUNT) -> Codes:
    """Return input codes: corners of the code range and of the domain, real 0, then real inputs and random codes.

    Args:
        deployment: network and rules.
        x: inputs of the application, float32 of shape (N, n).
        seed: of the random codes.
        count: rows.
    """
    entry = deployment.net.activations[deployment.net.source]
    rng = np.random.default_rng(seed)
    box = np.array([[rule.minimum for rule in deployment.inputs], [rule.maximum for rule in deployment.inputs]])
    ends = affine.encode(deployment.inputs, entry, box.astype(np.float32))
    special = np.concatenate(
        [
            _corners(np.full(entry.size, entry.code_min), np.full(entry.size, entry.code_max), rng),
            _corners(ends[0], ends[1], rng),
            np.full((1, entry.size), entry.zero_point),
        ]
    )
    real = affine.encode(deployment.inputs, entry, x[: max(0, (count - len(special)) // 2)])
    rest = count - len(special) - len(real)
    random = rng.integers(entry.code_min, entry.code_max + 1, (max(rest, 0), entry.size))
    return np.concatenate([special, real, random]).astype(np.int8 if entry.bits == 8 else np.int16)


def write_vectors(path: Path, deployment: Deployment, codes: Codes) -> None:
    """Write inputs (N, n), and what the numpy reference answers: answer (N, m), logit (N,). It holds no time stamp."""
    answers, logits = run(deployment.net, codes)
    atomic_arrays(path, inputs=codes, answer=answers, logit=logits)


def write_samples(path: Path, kernel: Kernel, samples: Samples, seed: int) -> int:
    """Write x (N, n) and y (N, m), drawn for the bench alone, with how they were drawn; return N.

    Inputs without a finite result are left out.
    """
    usable = np.isfinite(samples.y).all(axis=1)
    samples = Samples(samples.x[usable], samples.y[usable])
    error = kernel.error
    atomic_arrays(
        path,
        x=samples.x,
        y=samples.y,
        seed=np.int64(seed),
        kernel=kernel.name,
        metric=error.metric,
        bound=np.float64(error.bound),
        floor=np.float64(error.floor),
    )
    return len(samples)


def _corners(low: np.ndarray, high: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return all corners between low and high, shape (C, n); where there are too many, both ends and random ones."""
    size = len(low)
    if 2**size <= _MAX_CORNERS:
        choice = np.array(list(itertools.product((False, True), repeat=size)))
    else:
        choice = rng.random((_MAX_CORNERS, size)) < 0.5
        choice[0], choice[1] = False, True
    return np.where(choice, high, low)
