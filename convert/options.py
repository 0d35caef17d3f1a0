"""The options of a conversion, checked before anything is read."""

from __future__ import annotations

from axedge.artifacts.errors import UsageError, did_you_mean
from axedge.artifacts.records.convert import ConvertOptions

_ACTIVATIONS = ("int8", "int16")
_INPUTS = ("plain", "two-byte")


def convert_options(
    *,
    seed: int = 0,
    activations: str = "int8",
    guarantee: float | None = None,
    confidence: float = 0.95,
    effort: float = 1.0,
    calibrate: str | None = None,
    model: str | None = None,
    inputs: str = "plain",
) -> ConvertOptions:
    """Return the options, checked; the defaults are those of a conversion.

    Args:
        seed: of every sample drawn, 0 or more.
        activations: "int8" or "int16".
        guarantee: precision to be promised (1 - eps), which sets the gate's threshold; None: the gate as trained.
        confidence: with which the promise holds (1 - delta).
        effort: of fine-tuning: a factor on its steps; 0 for none.
        calibrate: path of inputs recorded in the application, for which to promise; None: for the kernel's own
            distribution.
        model: path of a .keras file of the user's own to convert instead of what `axedge train` made.
        inputs: "plain", one code an input, or "two-byte": each input as a coarse and a fine int8 code.

    Raises:
        UsageError: one is out of range, or two exclude each other.
    """
    for name, value, known in (("activations", activations, _ACTIVATIONS), ("inputs", inputs, _INPUTS)):
        if value not in known:
            raise UsageError(f"{name} cannot be {value!r}.", did_you_mean(value, known))
    if inputs == "two-byte":
        _check_two_byte(activations, model)
    for name, value in (("guarantee", guarantee), ("confidence", confidence)):
        if value is not None and not 0.0 < value < 1.0:
            raise UsageError(f"{name} must lie between 0 and 1, such as 0.95. Received: {value}.")
    if not 0.0 <= effort <= 100.0:
        raise UsageError(f"effort must lie between 0 and 100. Received: {effort}.")
    if calibrate is not None and guarantee is None:
        raise UsageError("inputs to calibrate on need a guarantee to calibrate.", "Give --guarantee 0.95 as well.")
    return ConvertOptions(
        seed=seed,
        activations=activations,
        guarantee=guarantee,
        confidence=confidence,
        effort=effort,
        calibrate=calibrate,
        model=model,
        inputs=inputs,
    )


def _check_two_byte(activations: str, model: str | None) -> None:
    if activations != "int8":
        raise UsageError(
            f"two-byte inputs are for int8 activations: with {activations} every input has two bytes already.",
            "Give --activations int8, or --inputs plain.",
        )
    if model is not None:
        raise UsageError(
            f"two-byte inputs are for networks of `axedge train`; {model} takes its inputs as they are.",
            "Give --inputs plain, or go back with --trained.",
        )
