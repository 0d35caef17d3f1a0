"""What the generated C can run: everything else is refused before anything is written."""

from __future__ import annotations

from axedge.artifacts.errors import UnsupportedModel
from axedge.convert.emit.names import check_identifier
from axedge.convert.envelope import largest_excess, projection_bounds
from axedge.convert.qnet import (
    Activation,
    Dense,
    Deployment,
    Envelope,
    Lookup,
    Multiply,
    Operation,
    QNet,
    Tanh16,
    sources_of,
)

_KINDS = ("tanh", "logistic", "relu")


def check_deployment(deployment: Deployment) -> None:
    """Refuse a deployment that cannot be emitted.

    Raises:
        UnsupportedModel: naming the layer and what is supported.
    """
    check_identifier(deployment.kernel, "the kernel")
    if deployment.kernel.lower() == "path":
        raise UnsupportedModel("the kernel 'path' would make axe_path() of the type axe_path.", "Rename the kernel.")
    net = deployment.net
    if not (len(deployment.model_hash) == 16 and set(deployment.model_hash) <= set("0123456789abcdef")):
        raise UnsupportedModel(f"the model hash {deployment.model_hash!r} is not 16 hex digits.")
    check_net(net)
    fine_bits = deployment.fine_bits
    if fine_bits and (net.bits != 8 or any(rule.fine_bits != fine_bits for rule in deployment.inputs)):
        raise UnsupportedModel("two-byte inputs beside others, or beside 16-bit activations.")
    for what, rules, name, codes in (
        ("input", deployment.inputs, net.source, 2 if fine_bits else 1),
        ("output", deployment.outputs, net.answer, 1),
    ):
        if codes * len(rules) != net.activations[name].size:
            raise UnsupportedModel(f"{len(rules)} {what} rules for {net.activations[name].size} {what} codes.")
    if deployment.envelope is not None:
        _check_envelope(deployment.envelope, len(deployment.inputs))


def _check_envelope(envelope: Envelope, inputs: int) -> None:
    lows, highs = projection_bounds(envelope)
    if envelope.weights.shape[1] != inputs or min(lows) < -(1 << 15) or max(highs) >= 1 << 15:
        raise UnsupportedModel("the domain guard's projections are not of the inputs, or take more than 16 bits.")
    if largest_excess(envelope) >= 1 << 31 or not 0 <= envelope.limit < 1 << 31:
        raise UnsupportedModel("the domain guard's sum of squares takes more than 31 bits.")


def check_net(net: QNet) -> None:
    """Refuse a network that cannot be emitted.

    Raises:
        UnsupportedModel: naming the layer and what is supported.
    """
    for name, activation in net.activations.items():
        check_identifier(name, "the activation")
        if activation.bits not in (8, 16) or activation.bits != net.bits:
            raise UnsupportedModel(
                f"activation {name} has {activation.bits} bits beside an input of {net.bits}.",
                "All activations must have 8 bits, or all 16.",
            )
        if not activation.code_min <= activation.zero_point <= activation.code_max:
            raise UnsupportedModel(f"activation {name} has the zero point {activation.zero_point}.")
    known = {net.source}
    for operation in net.operations:
        missing = [name for name in sources_of(operation) if name not in known]
        if missing or operation.target in known or operation.target not in net.activations:
            raise UnsupportedModel(f"{_title(operation)} reads or writes out of order.", "Sort the operations.")
        known.add(operation.target)
        _check_operation(net, operation)
    heads = [net.answer] + ([net.logit] if net.logit else [])
    if not set(heads) <= known or (net.logit and net.activations[net.logit].size != 1):
        raise UnsupportedModel(f"the heads {heads} are not all computed, or the logit is not one code.")


def _check_operation(net: QNet, operation: Operation) -> None:
    target = net.activations[operation.target]
    sources = [net.activations[name] for name in sources_of(operation)]
    if isinstance(operation, Dense):
        _check_dense(operation, sources[0], target)
        return
    if any(source.size != target.size for source in sources):
        raise UnsupportedModel(f"{_title(operation)} joins sizes {[s.size for s in sources]} to {target.size}.")
    if isinstance(operation, Multiply):
        _check_factor(operation, operation.multiplier, operation.shift)
        _check_clamp(operation, operation.low, operation.high, target)
    elif isinstance(operation, Lookup):
        if operation.table.shape != (256,) or target.bits != 8:
            raise UnsupportedModel(
                f"{_title(operation)} has a table of {operation.table.shape} for {target.bits} bits."
            )
    elif not isinstance(operation, Tanh16) or operation.kind not in _KINDS[:2] or target.bits != 16:
        raise UnsupportedModel(
            f"{_title(operation)} is not supported.",
            "Supported: FULLY_CONNECTED, MUL, TANH, LOGISTIC, and RELU on 8 bits.",
        )


def _check_dense(layer: Dense, source: Activation, target: Activation) -> None:
    units = target.size
    if layer.weights.shape != (units, source.size):
        raise UnsupportedModel(f"{_title(layer)} has weights of {layer.weights.shape} for {source.size} to {units}.")
    for what, values in (("bias", layer.bias), ("multiplier", layer.multiplier), ("shift", layer.shift)):
        if values.shape != (units,):
            raise UnsupportedModel(f"{_title(layer)} has {what} of shape {values.shape}, not ({units},).")
    for multiplier, shift in zip(layer.multiplier, layer.shift, strict=True):
        _check_factor(layer, int(multiplier), int(shift))
    _check_clamp(layer, layer.low, layer.high, target)


def _check_factor(operation: Operation, multiplier: int, shift: int) -> None:
    if not (0 <= multiplier < 1 << 31 and -31 <= shift <= 30):
        raise UnsupportedModel(f"{_title(operation)} has the factor {multiplier} * 2^({shift} - 31).")


def _check_clamp(operation: Operation, low: int, high: int, target: Activation) -> None:
    if not target.code_min <= low <= high <= target.code_max:
        raise UnsupportedModel(f"{_title(operation)} clamps to {low}..{high}.")


def _title(operation: Operation) -> str:
    return f"layer {type(operation).__name__} ({operation.target})"
