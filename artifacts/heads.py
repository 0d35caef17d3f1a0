"""Which output of a .tflite is the answer y', and which the safe logit."""

from __future__ import annotations

from collections.abc import Sequence

from axedge.artifacts.errors import UnsupportedModel

_LOGIT_NAMES = ("safe", "logit", "safe_logit")


def choose_heads(outputs: Sequence[tuple[str, int]]) -> tuple[int, int | None]:
    """Return the positions of the answer and of the safe logit (None where the network has one head).

    By name where one output is called `safe`; else the second of two, as `axedge train` orders them and the converter's
    signature names them (`output_0`, `output_1`). The logit is always a single value.

    Args:
        outputs: (name in the signature, number of values) of each output.

    Raises:
        UnsupportedModel: there are more than two heads, or none of two can be the logit.
    """
    if len(outputs) == 1:
        return 0, None
    if len(outputs) != 2:
        raise UnsupportedModel(f"the network has {len(outputs)} outputs.", "Supported: y', or y' and a safe logit.")
    names = [name for name, _ in outputs]
    last_first = sorted(range(2), key=lambda position: names[position], reverse=True)
    for logit in sorted(last_first, key=lambda position: not _is_logit_name(names[position])):
        if outputs[logit][1] == 1:
            return 1 - logit, logit
    sizes = " and ".join(str(size) for _, size in outputs)
    raise UnsupportedModel(f"neither output is a safe logit: they have {sizes} values.", "A logit has one value.")


def _is_logit_name(name: str) -> bool:
    return name.lower().split(":")[0] in _LOGIT_NAMES
