"""What quantisation cost: error added, codes clipped and wasted, gates flipped, the worst samples side by side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.records.convert import Cost, HeadCost, OutputCost, TensorCost, WorstSample
from axedge.convert.qnet import Dense, Multiply, QNet
from axedge.convert.reference import Codes, trace
from axedge.kernels.kernel import Kernel, Samples
from axedge.kernels.metrics import is_safe, sample_error

_WORST = 5


def cost_of(
    kernel: Kernel,
    net: QNet,
    codes: Codes,
    samples: Samples,
    floats: tuple[NDArray[np.float32], NDArray[np.float32]],
    wholes: tuple[NDArray[np.float32], NDArray[np.integer]],
    threshold: int,
) -> Cost:
    """Compare the quantised network with the float one that it came from.

    Args:
        kernel: metric and bound.
        net: the quantised network.
        codes: input codes of the samples, shape (N, n).
        samples: inputs and exact results.
        floats: answers (N, m) and logits (N,) of the float network, gate at logit >= 0.
        wholes: answers (N, m) and logit codes (N,) of the quantised one.
        threshold: of its gate.
    """
    return Cost(
        outputs=tuple(
            _output(port.name, samples.y[:, column], floats[0][:, column], wholes[0][:, column])
            for column, port in enumerate(kernel.outputs)
        ),
        gate=_gate(kernel, samples, floats, wholes, threshold),
        tensors=tuple(_tensors(net, codes)),
        worst=tuple(_worst(kernel, samples, floats[0], wholes[0])),
    )


def _output(name: str, exact: NDArray, as_float: NDArray, as_whole: NDArray) -> OutputCost:
    shift = np.abs(as_whole.astype(np.float64) - as_float)
    return OutputCost(
        name=name,
        float_median_error=float(np.median(np.abs(as_float.astype(np.float64) - exact))),
        median_error=float(np.median(np.abs(as_whole.astype(np.float64) - exact))),
        median_change=float(np.median(shift)),
        p99_change=float(np.quantile(shift, 0.99)),
        max_change=float(shift.max()),
    )


def _gate(kernel: Kernel, samples: Samples, floats: tuple, wholes: tuple, threshold: int) -> HeadCost:
    float_safe, safe = (is_safe(kernel.error, samples.y, answers) for answers in (floats[0], wholes[0]))
    return HeadCost(
        no_longer_safe=float(np.mean(float_safe & ~safe)),
        newly_safe=float(np.mean(~float_safe & safe)),
        gate_flipped=float(np.mean((floats[1] >= 0) != (wholes[1] >= threshold))),
    )


def _tensors(net: QNet, codes: Codes) -> list[TensorCost]:
    values, found = trace(net, codes), []
    made_by = {operation.target: operation for operation in net.operations}
    for name, activation in net.activations.items():
        value, operation = values[name], made_by.get(name)
        low, high = activation.code_min, activation.code_max
        if isinstance(operation, (Dense, Multiply)):
            low, high = operation.low, operation.high
        # A ReLU's zeros are no clipped codes.
        is_relu = isinstance(operation, Dense) and operation.low == activation.zero_point
        used = int(value.max()) - int(value.min()) + 1
        found.append(
            TensorCost(
                name=name,
                scale=activation.scale,
                zero_point=activation.zero_point,
                clipped_low=0.0 if is_relu else float(np.mean(value == low)),
                clipped_high=float(np.mean(value == high)),
                wasted_codes=1.0 - used / (activation.code_max - activation.code_min + 1),
            )
        )
    return found


def _worst(kernel: Kernel, samples: Samples, as_float: NDArray, as_whole: NDArray) -> list[WorstSample]:
    before, after = (sample_error(kernel.error, samples.y, answers) for answers in (as_float, as_whole))
    added = np.where(np.isfinite(before) & np.isfinite(after), after - before, -np.inf)
    return [
        WorstSample(
            x=samples.x[row].tolist(),
            exact=samples.y[row].tolist(),
            float_answer=as_float[row].tolist(),
            answer=as_whole[row].tolist(),
            float_error=float(before[row]),
            error=float(after[row]),
        )
        for row in np.argsort(-added, kind="stable")[:_WORST]
    ]
