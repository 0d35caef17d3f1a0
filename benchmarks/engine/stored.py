"""Networks as JSON beside this file, in numbers that a person can read: what is measured is kept in the repository."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from axedge.artifacts.files import atomic_write
from axedge.convert.qnet import (
    Activation,
    Band,
    Dense,
    Deployment,
    Envelope,
    InputCode,
    Lookup,
    Multiply,
    OutputCode,
    QNet,
    Tanh16,
)

_KINDS = {kind.__name__: kind for kind in (Dense, Multiply, Lookup, Tanh16)}
_PLAIN = ("kernel", "has_exact", "model_hash", "threshold", "eps", "delta", "calibration_count")
_TYPES = {
    "weights": np.int8,
    "weight_scales": np.float32,
    "bias": np.int64,
    "multiplier": np.int32,
    "shift": np.int32,
    "table": np.int8,
    "low": np.int8,
    "high": np.int8,
}


def write_net(path: Path, net: QNet, about: Mapping[str, Any] | None = None) -> None:
    """Write a network, an operation a line.

    Args:
        path: where to.
        net: the network.
        about: further keys, in front of it.
    """
    body = {
        **(about or {}),
        "source": net.source,
        "answer": net.answer,
        "logit": net.logit,
        "activations": [asdict(activation) for activation in net.activations.values()],
        "operations": [
            {"type": type(operation).__name__} | {key: _plain(value) for key, value in vars(operation).items()}
            for operation in net.operations
        ],
    }
    atomic_write(path, json.dumps(body, separators=(",", ":")).replace('{"type"', '\n{"type"') + "\n")


def read_net(path: Path) -> QNet:
    """Read what `write_net` wrote."""
    body = json.loads(path.read_text())
    operations = tuple(_KINDS[entry.pop("type")](**_arrays(entry)) for entry in body["operations"])
    activations = {entry["name"]: Activation(**entry) for entry in body["activations"]}
    return QNet(activations, operations, body["source"], body["answer"], body["logit"])


def write_deployment(path: Path, deployment: Deployment, provenance: Mapping[str, Any]) -> None:
    """Write a converted network, its float rules, gate and promise, and where it comes from."""
    rules = {
        "provenance": dict(provenance),
        "kernel": deployment.kernel,
        "has_exact": deployment.has_exact,
        "model_hash": deployment.model_hash,
        "threshold": deployment.threshold,
        "eps": deployment.eps,
        "delta": deployment.delta,
        "calibration_count": deployment.calibration_count,
        "notes": list(deployment.notes),
        "inputs": [asdict(rule) for rule in deployment.inputs],
        "outputs": [asdict(rule) for rule in deployment.outputs],
        "guard": [{key: _plain(value) for key, value in vars(band).items()} for band in deployment.guard],
        **({} if deployment.envelope is None else {"envelope": _envelope(deployment.envelope)}),
    }
    write_net(path, deployment.net, rules)


def read_deployment(path: Path) -> tuple[Deployment, dict[str, Any]]:
    """Return a deployment and its provenance."""
    body = json.loads(path.read_text())
    plain = {key: body[key] for key in _PLAIN}
    deployment = Deployment(
        **plain,
        net=read_net(path),
        inputs=tuple(InputCode(**rule) for rule in body["inputs"]),
        outputs=tuple(OutputCode(**rule) for rule in body["outputs"]),
        notes=tuple(body["notes"]),
        guard=tuple(Band(**_arrays(band)) for band in body["guard"]),
        envelope=_read_envelope(body["envelope"]) if "envelope" in body else None,
    )
    return deployment, body["provenance"]


def _envelope(envelope: Envelope) -> dict[str, Any]:
    return {key: _plain(value) for key, value in vars(envelope).items()}


def _read_envelope(body: Mapping[str, Any]) -> Envelope:
    ends = {key: np.array(body[key], np.int64) for key in ("low", "high")}
    return Envelope(np.array(body["weights"], np.int8), **ends, shift=body["shift"], limit=body["limit"])


def _arrays(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry with its lists as arrays of the types that the networks hold."""
    return {key: np.array(value, _TYPES[key]) if isinstance(value, list) else value for key, value in entry.items()}


def _plain(value: object) -> object:
    return value.tolist() if isinstance(value, np.ndarray) else value
