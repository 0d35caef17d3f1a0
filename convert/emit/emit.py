"""The way from a deployment to the generated pair."""

from __future__ import annotations

from axedge.artifacts.errors import UsageError, did_you_mean
from axedge.convert.emit.check import check_deployment
from axedge.convert.emit.dsp import DspPrinter
from axedge.convert.emit.loops import print_loops
from axedge.convert.emit.narrow import NarrowPrinter
from axedge.convert.emit.render import render_pair
from axedge.convert.qnet import Deployment

OPTIMISE = ("speed", "balanced", "size")
CORES = ("generic", "cortex-m0", "cortex-m4", "cortex-m55")


def emit_aot(deployment: Deployment, optimize: str = "speed", core: str = "generic") -> dict[str, str]:
    """Return the texts of axnet_<kernel>.h and axnet_<kernel>.c by name: the same bytes for the same model.

    Args:
        deployment: the network, its float rules, its gate and its promise.
        optimize: speed, balanced or size.
        core: what the code is made for; it gives the same bits everywhere. generic: any, chosen by the preprocessor.

    Raises:
        UnsupportedModel: the network holds something that the generated C cannot run; the message names the layer.
        UsageError: an unknown `optimize` or `core`.
    """
    for what, value, known in (("optimisation", optimize, OPTIMISE), ("core", core, CORES)):
        if value not in known:
            raise UsageError(f"unknown {what} {value!r}.", did_you_mean(value, known))
    check_deployment(deployment)
    if core == "cortex-m4" and optimize != "size":
        return render_pair(deployment, DspPrinter(deployment.net, optimize).text(), "For cores with the DSP extension.")
    if core == "cortex-m0" and optimize != "size":
        return render_pair(deployment, NarrowPrinter(deployment.net).text(), "For cores without a long multiplication.")
    return render_pair(deployment, print_loops(deployment.net), "Portable loops.")
