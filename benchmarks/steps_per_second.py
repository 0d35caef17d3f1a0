"""Steps a second of axedge's training loop and of plain `Model.fit`, same network and batch size, in one run.

    python benchmarks/steps_per_second.py

Both train the AXNet of inversek2j on the same samples, one network, mean squared error and cross-entropy, Adam.
Compiling is not counted on either side. The third figure is the loop with 24 networks at once, in steps of one network.
"""

from __future__ import annotations

import sys
import time

import click
import numpy as np

from axedge.kernels.kernel import load_kernel
from axedge.train.axnet import Units, initial_weights
from axedge.train.fit import CHUNK, Batches, Loop, State
from axedge.train.network import to_keras
from axedge.train.objectives import answer_loss
from axedge.train.recipes import PAPER
from axedge.train.runtime import tensorflow
from axedge.train.split import Split, draw_split
from axedge.train.topology import Topology

SAMPLES = 131_072


def loop_speed(split: Split, units: Units, topology: Topology, error, restarts: int, batch: int, steps: int) -> float:
    """Return steps a second of axedge's loop."""
    batches = Batches(units.network_inputs(split.train.x), split.train.y, batch, seed=0)
    loop = Loop(answer_loss(topology, error, units.outputs, PAPER.rounds[0]), batches)
    schedule = np.full((steps, 3), 1e-3, np.float32)
    state = loop.run(State.start(initial_weights(topology, PAPER, restarts, seed=0)), schedule[:CHUNK])
    started = time.perf_counter()
    loop.run(state, schedule)
    return steps / (time.perf_counter() - started)


def fit_speed(split: Split, units: Units, topology: Topology, batch: int, steps: int) -> float:
    """Return steps a second of `Model.fit`."""
    keras = tensorflow().keras
    model = to_keras(topology, initial_weights(topology, PAPER, 1, seed=0)[0])
    losses = [keras.losses.MeanSquaredError(), keras.losses.BinaryCrossentropy(from_logits=True)]
    model.compile(keras.optimizers.Adam(1e-3), losses)
    x, y = units.network_inputs(split.train.x), units.outputs.apply(split.train.y)
    safe = np.ones((len(x), 1), np.float32)
    model.fit(x[: 20 * batch], [y[: 20 * batch], safe[: 20 * batch]], batch_size=batch, verbose=0)
    rows = steps * batch
    started = time.perf_counter()
    model.fit(x[:rows], [y[:rows], safe[:rows]], batch_size=batch, verbose=0)
    return steps / (time.perf_counter() - started)


@click.command()
@click.option("--batch", type=click.IntRange(min=1), default=128, show_default=True, help="Samples a step.")
@click.option("--at-least", type=float, default=20.0, show_default=True, help="Exit with 1 below this ratio.")
def main(batch: int, at_least: float) -> None:
    """Measure and print both, and their ratio."""
    kernel = load_kernel("inversek2j")
    topology = Topology.of_kernel(kernel)
    split = draw_split(kernel, SAMPLES, 100, 100, seed=0)
    units = Units.of(kernel, split, standardise=True)
    fit = fit_speed(split, units, topology, batch, steps=min(1_000, SAMPLES // batch))
    loop = loop_speed(split, units, topology, kernel.error, 1, batch, steps=20_000)
    many = 24 * loop_speed(split, units, topology, kernel.error, 24, batch, steps=4_000)
    click.echo(f"Model.fit                {fit:10,.0f} steps/s")
    click.echo(f"axedge's loop            {loop:10,.0f} steps/s, {loop / fit:.0f} times as many")
    click.echo(f"the same, 24 networks    {many:10,.0f} steps/s of one network, {many / fit:.0f} times as many")
    sys.exit(0 if loop >= at_least * fit else 1)


if __name__ == "__main__":
    main()
