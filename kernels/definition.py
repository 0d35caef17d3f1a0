"""What a kernel is once it is loaded: its exact function, and inputs drawn as its application's fall."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import KernelError, UsageError, did_you_mean
from axedge.artifacts.files import digest, digest_files
from axedge.kernels.hostcc import HostLibrary
from axedge.kernels.hostrun import Function
from axedge.kernels.recorded import PURPOSES, Recorded
from axedge.kernels.spec import ErrorSpec, InputPort, NetworkSpec, Port


@dataclass(frozen=True)
class Samples:
    """Inputs and their exact results.

    Attributes:
        x: float32, shape [N, n], within the kernel's box.
        y: float32, shape [N, m], finite.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Sampler:
    """The C function that turns uniform numbers into inputs of the application.

    Attributes:
        function: `void function(const float u[uniforms], float in[n])`, u uniform in [0, 1).
        uniforms: numbers that one input takes.
        source: its C file where that is not the kernel's own: then a board's build never sees it.
    """

    function: str
    uniforms: int
    source: Path | None = None


@dataclass(frozen=True, eq=False)
class Kernel:
    """The function to be approximated; made by `load_kernel` or `data_kernel`.

    Attributes:
        name: a C identifier, also the name of the C function.
        summary: one line for people.
        folder: where its files are.
        inputs: name, unit, minimum, maximum of each input.
        outputs: name, unit of each output.
        error: metric, bound and floor.
        network: the default topology.
        source: its C, None for a kernel of recorded data.
        sampler: how inputs are drawn, None for uniform over the box or for recorded inputs.
        recorded: recorded inputs (and results, without C), or None.
        files: everything that was read, for the digest.
        settings: what was said in place of a kernel.toml, for the digest.
    """

    name: str
    summary: str
    folder: Path
    inputs: tuple[InputPort, ...]
    outputs: tuple[Port, ...]
    error: ErrorSpec
    network: NetworkSpec
    source: Path | None = None
    sampler: Sampler | None = None
    recorded: Recorded | None = None
    files: tuple[Path, ...] = ()
    settings: str = ""

    @property
    def has_exact(self) -> bool:
        """Whether the kernel brings C: without it there is no fallback and no fresh result."""
        return self.source is not None

    @cached_property
    def minima(self) -> NDArray[np.float32]:
        """Lower corner of the box, float32 [n]."""
        return np.array([port.minimum for port in self.inputs], dtype=np.float32)

    @cached_property
    def maxima(self) -> NDArray[np.float32]:
        """Upper corner of the box, float32 [n]."""
        return np.array([port.maximum for port in self.inputs], dtype=np.float32)

    def sources(self) -> list[Path]:
        """Return the C files that a board's build compiles for the fallback."""
        return [] if self.source is None else [self.source]

    def include_dirs(self) -> list[Path]:
        """Return the folders in which the sources look for headers."""
        return [] if self.source is None else [self.source.parent]

    def digest(self) -> str:
        """Return a hash of all that the kernel was read from, headers included."""
        return digest(digest_files(self.files), self.settings)

    def exact(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the kernel's own C on this machine; not-a-number where it has no answer.

        Args:
            x: float32, shape [N, n].

        Returns:
            float32, shape [N, m].

        Raises:
            KernelError: the kernel brings recorded data and no C, or its C crashed or did not end; on which row.
            ToolMissing: there is no C compiler.
            BuildError: the C does not compile.
        """
        if self.source is None:
            raise KernelError(f"kernel {self.name} is recorded data without C, so it has no exact function.")
        return self._library.call(self.name, x)

    def draw(self, purpose: str, count: int, seed: int) -> Samples:
        """Draw inputs as the application's fall, with their exact results.

        Each purpose has a stream of its own, the first rows of which do not depend on `count`. An input without a
        finite result is left out and another one drawn. Recorded inputs are split between the purposes by a hash of the
        row, so that equal rows never serve two purposes; they are drawn without replacement, and where fewer than
        `count` belong to the purpose, all of them come, shuffled.

        Args:
            purpose: one of PURPOSES.
            count: rows, at least 1.
            seed: 0 or more.

        Raises:
            UsageError: no such purpose, or count or seed out of range.
            KernelError: most results are not finite, an input falls outside the box, no recorded row is left, or the
                kernel's C crashed or did not end; on which row.
            ToolMissing: there is no C compiler.
            BuildError: the C does not compile.
        """
        if purpose not in PURPOSES:
            raise UsageError(f"no sample purpose is called {purpose!r}.", did_you_mean(purpose, PURPOSES))
        rng = self._stream(purpose, count, seed)
        if self.recorded is not None:
            x, y = self.recorded.draw(self.name, purpose, count, rng)
            return Samples(x, y) if y is not None else self._with_results(x)
        drawn, kept, kept_count = 0, [], 0
        while kept_count < count:
            if drawn >= 2 * count + 1000:
                raise KernelError(
                    f"kernel {self.name}: {drawn - kept_count} of {drawn} drawn inputs have no finite result.",
                    "Draw inputs that the function is made for, or narrow min and max.",
                )
            part = self._finite(self._inputs_from(rng, count - kept_count))
            drawn += count - kept_count
            kept_count += len(part)
            kept.append(part)
        return Samples(np.concatenate([part.x for part in kept]), np.concatenate([part.y for part in kept]))

    def draw_box(self, purpose: str, count: int, seed: int) -> NDArray[np.float32]:
        """Draw inputs uniformly from the whole box, wherever the application's fall; the stream is not that of `draw`.

        Returns:
            float32, shape [count, n]; `exact` may have no finite result for some.

        Raises:
            UsageError: count or seed is out of range.
        """
        return self._uniform(self._stream(f"box {purpose}", count, seed), count)

    def draw_unfiltered(self, purpose: str, count: int, seed: int) -> Samples:
        """Draw as `draw` does, but keep inputs without a finite result; for kernels with C that are not recorded."""
        x = self._inputs_from(self._stream(purpose, count, seed), count)
        return Samples(x, self.exact(x))

    def library(self, flags: Sequence[str] = ()) -> HostLibrary:
        """Compile the kernel's C, and its sampler's, for this machine; for kernels with C.

        Raises:
            ToolMissing: there is no C compiler.
            BuildError: the C does not compile.
        """
        assert self.source is not None, "callers check has_exact"
        functions = [Function(self.name, len(self.inputs), len(self.outputs))]
        sources = [self.source]
        if self.sampler is not None:
            functions.append(Function(self.sampler.function, self.sampler.uniforms, len(self.inputs)))
            sources += [self.sampler.source] if self.sampler.source is not None else []
        return HostLibrary(sources, functions, [path.parent for path in sources], flags)

    @cached_property
    def _library(self) -> HostLibrary:
        return self.library()

    def _stream(self, purpose: str, count: int, seed: int) -> np.random.Generator:
        if count < 1 or not 0 <= seed < 1 << 63:
            raise UsageError(
                f"count must be at least 1 and seed at least 0, below 2^63. Received: count={count}, seed={seed}."
            )
        name = hashlib.sha256(f"{self.name}\0{purpose}".encode()).digest()
        words = np.frombuffer(name, dtype="<u4").tolist()
        return np.random.default_rng(np.random.SeedSequence([*words, seed]))

    def _uniform(self, rng: np.random.Generator, count: int) -> NDArray[np.float32]:
        u = rng.random((count, len(self.inputs)), dtype=np.float32).astype(np.float64)
        x = self.minima + u * (self.maxima.astype(np.float64) - self.minima)
        return np.clip(x.astype(np.float32), self.minima, self.maxima)

    def _inputs_from(self, rng: np.random.Generator, count: int) -> NDArray[np.float32]:
        if self.sampler is None:
            return self._uniform(rng, count)
        u = rng.random((count, self.sampler.uniforms), dtype=np.float32)
        x = self._library.call(self.sampler.function, u)
        outside = np.argwhere((x < self.minima) | (x > self.maxima))
        if len(outside):
            row, column = outside[0]
            port = self.inputs[column]
            raise KernelError(
                f"kernel {self.name}: {self.sampler.function} draws {port.name} = {x[row, column]:.9g}, outside "
                f"{port.minimum:g} to {port.maximum:g}.",
                f"Widen min and max of {port.name} in kernel.toml, or clamp it in the sampler.",
            )
        return x

    def _finite(self, x: NDArray[np.float32]) -> Samples:
        x = x[np.isfinite(x).all(axis=1)]
        y = self.exact(x)
        usable = np.isfinite(y).all(axis=1)
        return Samples(x[usable], y[usable])

    def _with_results(self, x: NDArray[np.float32]) -> Samples:
        samples = self._finite(x)
        if 2 * len(samples) < len(x):
            raise KernelError(
                f"kernel {self.name}: {len(x) - len(samples)} of {len(x)} recorded inputs have no finite result."
            )
        return samples
