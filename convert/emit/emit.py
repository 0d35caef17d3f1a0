"""The way from a deployment to the generated pair."""

from __future__ import annotations

from axedge.artifacts.errors import UsageError, did_you_mean
from axedge.artifacts.pair import OPTIMIZE
from axedge.convert.emit.check import check_deployment
from axedge.convert.emit.compact import CompactPrinter
from axedge.convert.emit.dsp import DspPrinter
from axedge.convert.emit.loops import print_loops
from axedge.convert.emit.mve import MvePrinter, mve_pays
from axedge.convert.emit.narrow_loops import LoopingPrinter
from axedge.convert.emit.program import NoForm
from axedge.convert.emit.render import render_pair
from axedge.convert.qnet import Deployment, QNet

#: Inlining what makes codes of more floats than these would cost stack and gain nothing to speak of.
_FEW_INPUTS = 4
CORES = ("generic", "cortex-m0", "cortex-m4", "cortex-m55")

_GENERIC = """\
{mve}defined(__ARM_FEATURE_DSP)
/* Cores with the DSP extension: Cortex-M4, M7, M33, M55. */
{dsp}
#elif (defined(__thumb__) && !defined(__thumb2__)) || defined(__AVR__)
/* Cores without a long multiplication: Cortex-M0, M0+, M1, and AVR. */
{narrow}
#else
{loops}
#endif
"""


_GENERIC_MVE = """\
#if defined(__ARM_FEATURE_MVE)
/* Cores with MVE: Cortex-M55, M85. */
{mve}
#elif """


def emit_aot(deployment: Deployment, optimize: str = "speed", core: str = "generic") -> dict[str, str]:
    """Return the texts of axnet_<kernel>.h and axnet_<kernel>.c by name: the same bytes for the same model.

    Args:
        deployment: the network, its float rules, its gate and its promise.
        optimize: speed, balanced or size.
        core: what the code is made for; it gives the same bits on every core. generic: made for several, among which
        the
            preprocessor chooses.

    Raises:
        UnsupportedModel: the network holds something that the generated C cannot run; the message names the layer.
        UsageError: an unknown `optimize` or `core`.
    """
    for what, value, known in (("optimisation", optimize, OPTIMIZE), ("core", core, CORES)):
        if value not in known:
            raise UsageError(f"unknown {what} {value!r}.", did_you_mean(value, known))
    check_deployment(deployment)
    network = _network(deployment.net, optimize, core)
    variant = f"Made for {optimize} on {_TITLES[core]}; the same bits anywhere."
    inlined = optimize == "speed" and len(deployment.inputs) <= _FEW_INPUTS
    return render_pair(deployment, network, variant, inlined=inlined, small=optimize == "size")


_TITLES = {
    "generic": "any core",
    "cortex-m0": "cores without a long multiplication (Cortex-M0)",
    "cortex-m4": "cores with the DSP extension (Cortex-M4)",
    "cortex-m55": "cores with MVE (Cortex-M55)",
}


def _network(net: QNet, optimize: str, core: str) -> str:
    if optimize == "size":
        return CompactPrinter(net).text()
    if core == "generic":
        variants = {"dsp": _network(net, optimize, "cortex-m4"), "narrow": _network(net, optimize, "cortex-m0")}
        variants["mve"] = _GENERIC_MVE.format(mve=MvePrinter(net).text()) if mve_pays(net) else "#if "
        return _GENERIC.format(**variants, loops=print_loops(net))
    if core == "cortex-m55" and mve_pays(net):
        return MvePrinter(net).text()
    try:
        printer = LoopingPrinter if core == "cortex-m0" else DspPrinter
        return printer(net, optimize).text()
    except NoForm:
        return print_loops(net)
