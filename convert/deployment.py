"""A network with its float rules, its gate and its promise: what the generated C says, and how it answers in floats."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from axedge.artifacts.errors import ArtifactError
from axedge.artifacts.kept import TURNED_AWAY
from axedge.artifacts.records.convert import ConvertRecord, GuardEnvelope
from axedge.convert import affine, reference
from axedge.convert.guard import coarse, inside
from axedge.convert.maps import Maps
from axedge.convert.qnet import FINE_BITS, Band, Deployment, Envelope, InputCode, OutputCode, QNet
from axedge.convert.reader import read
from axedge.kernels.kernel import Kernel

TFLITE_FILE = "axnet.tflite"


def deploy(kernel: Kernel, tflite: bytes, maps: Maps) -> Deployment:
    """Return the deployment of a model, with the gate at logit >= 0, as trained, and no promise.

    Raises:
        ArtifactError, UnsupportedModel: as `reader.read`.
    """
    net = read(tflite)
    inputs, outputs = float_rules(kernel, net, maps)
    return Deployment(
        kernel=kernel.name,
        has_exact=kernel.has_exact,
        model_hash=model_hash(tflite),
        net=net,
        inputs=inputs,
        outputs=outputs,
        threshold=_as_trained(net),
    )


def _as_trained(net: QNet) -> int:
    """Return the code of a logit of 0, or of one half where the second head is a sigmoid; the least without a head."""
    if net.logit is None:
        return net.activations[net.source].code_min
    head = net.activations[net.logit]
    made_by = next((operation for operation in net.operations if operation.target == net.logit), None)
    middle = 0.5 if getattr(made_by, "kind", "") == "logistic" else 0.0
    return head.zero_point + round(middle / head.scale)


def float_rules(kernel: Kernel, net: QNet, maps: Maps) -> tuple[tuple[InputCode, ...], tuple[OutputCode, ...]]:
    """Derive the rules of all inputs and outputs.

    Args:
        kernel: gives the box.
        net: the quantised network; one that takes two codes an input takes them in two-byte form.
        maps: between the kernel's units and the network's.

    Raises:
        UnsupportedModel: an input or output lies too far from 0 for its width.
    """
    entry, answer = net.activations[net.source], net.activations[net.answer]
    fine_bits = FINE_BITS if entry.size == 2 * len(kernel.inputs) else 0
    inputs = tuple(
        affine.input_code(port.minimum, port.maximum, offset, scale, entry, fine_bits)
        for port, (offset, scale) in zip(kernel.inputs, maps.inputs, strict=True)
    )
    return inputs, tuple(affine.output_code(offset, scale, answer) for offset, scale in maps.outputs)


def answer(deployment: Deployment, x: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return what the network says, as the device does: floats in, floats out.

    Args:
        deployment: network, rules and domain guard.
        x: float32, shape (N, n).

    Returns:
        y', float32 of shape (N, m), and the logit codes, shape (N,): TURNED_AWAY outside the domain.
    """
    net = deployment.net
    codes = affine.encode(deployment.inputs, net.activations[net.source], x)
    answers, logits = reference.run(net, codes)
    domain = affine.in_domain(deployment.inputs, x) & inside(
        deployment.guard, coarse(codes, net.bits), deployment.envelope
    )
    return affine.decode(deployment.outputs, answers), np.where(domain, logits.astype(np.int64), TURNED_AWAY)


def load_deployment(folder: Path) -> Deployment:
    """Return the deployment of a folder that `axedge convert` wrote.

    Raises:
        ArtifactError: a file is missing or damaged, or axnet.tflite is not the model of convert.json.
    """
    record = ConvertRecord.load(folder)
    path = folder / TFLITE_FILE
    try:
        tflite = path.read_bytes()
    except OSError:
        raise ArtifactError(f"{path} does not exist.", "Run `axedge convert` first.") from None
    if model_hash(tflite) != record.model_hash:
        raise ArtifactError(f"{path} is not the model of convert.json.", "Run `axedge convert` again.")
    return Deployment(
        kernel=record.kernel,
        has_exact=record.has_exact,
        model_hash=record.model_hash,
        net=read(tflite),
        inputs=tuple(InputCode(i.minimum, i.maximum, i.factor, i.bias, i.shift, i.fine_bits) for i in record.inputs),
        outputs=tuple(OutputCode(o.factor, o.bias, o.shift) for o in record.outputs),
        **record.gate._asdict(),
        notes=record.notes,
        guard=tuple(
            Band(band.row, band.column, np.array(band.low, np.int8), np.array(band.high, np.int8))
            for band in record.guard
        ),
        envelope=None if record.envelope is None else _envelope(record.envelope),
    )


def _envelope(record: GuardEnvelope) -> Envelope:
    low, high = (np.array(ends, np.int64) for ends in (record.low, record.high))
    return Envelope(np.array(record.weights, np.int8), low, high, record.shift, record.limit)


def model_hash(tflite: bytes) -> str:
    """Return the first 16 hex digits of the SHA-256: the name of the model everywhere."""
    return hashlib.sha256(tflite).hexdigest()[:16]
