"""Another engine behind the pair: the same guard, float rules, gate and fallback, and what happens when it fails."""

import ctypes
from dataclasses import replace

import numpy as np
import pytest
from emit_build import STRICT, Pair
from emit_nets import axnet, bands, deploy, envelope

from axedge.convert.deployment import answer

pytestmark = pytest.mark.cc


class Behind(Pair):
    """A pair whose network is asked of `serve`, a Python function of codes."""

    def __init__(self, folder, deployment, serve):
        self.serve = serve
        macro = f"AXE_{deployment.kernel.upper()}_NETWORK"
        folder.mkdir(parents=True, exist_ok=True)
        width = deployment.net.bits
        (folder / "other.c").write_text(
            "#include <stdint.h>\n"
            f"typedef int32_t serve(const int{width}_t *, int{width}_t *, int32_t);\n"
            "extern serve *server;\nserve *server;\nserve other;\n"
            f"int32_t other(const int{width}_t *in, int{width}_t *out, int32_t least)\n"
            "{ return server(in, out, least); }\n"
        )
        flags = (*STRICT, f"-D{macro}=other", "-fsanitize=undefined", "-fno-sanitize-recover", str(folder / "other.c"))
        super().__init__(folder, deployment, flags=flags)
        kind = ctypes.c_int8 if width == 8 else ctypes.c_int16
        pointer = ctypes.POINTER(kind)
        self._callback = ctypes.CFUNCTYPE(ctypes.c_int32, pointer, pointer, ctypes.c_int32)(self._answer)
        ctypes.c_void_p.in_dll(self.library, "server").value = ctypes.cast(self._callback, ctypes.c_void_p).value

    def _answer(self, codes, out, least):
        answer, logit = self.serve([codes[i] for i in range(self.inputs)])
        if logit >= least:
            for index, code in enumerate(answer):
                out[index] = code
        return logit


@pytest.fixture(params=[8, 16])
def deployment(request):
    """A network whose gate is in the middle of what its logit says."""
    for seed in range(50):
        deployed = deploy(axnet(seed, bits=request.param), seed=seed)
        box = np.array([[rule.minimum, rule.maximum] for rule in deployed.inputs]).T
        x = np.random.default_rng(2).uniform(*box, (500, len(deployed.inputs))).astype(np.float32)
        logits = answer(deployed, x)[1]
        threshold = int(np.mean(logits))
        if 0.2 < np.mean(logits >= threshold) < 0.8:
            return replace(deployed, threshold=threshold)
    raise AssertionError("no network of these has both paths")


def test_the_call_around_it_is_the_same(tmp_path, deployment):
    inputs = len(deployment.inputs)
    deployment = replace(deployment, guard=bands(3, inputs, 1), envelope=envelope(4, inputs, 4))
    own = Pair(tmp_path / "own", deployment)

    def serve(codes):
        answers, logits = own.net([codes])
        return answers[0].tolist(), int(logits[0])

    behind = Behind(tmp_path / "behind", deployment, serve)
    random = np.random.default_rng(1)
    rows = random.uniform(
        [rule.minimum - 0.1 for rule in deployment.inputs],
        [rule.maximum + 0.1 for rule in deployment.inputs],
        (300, own.inputs),
    ).astype(np.float32)
    paths = set()
    for row in [*rows, np.full(own.inputs, np.nan, np.float32)]:
        for entry in ("", "_approximate"):
            (path, out), (wanted, expected) = behind.floats(row, entry), own.floats(row, entry)
            assert path == wanted and out.tobytes() == expected.tobytes()
            paths.add(path)
    assert paths == {0, 1, 2}


def test_a_network_that_fails_falls_back_and_never_answers(tmp_path, deployment):
    behind = Behind(tmp_path, deployment, lambda codes: ([], -(1 << 24)))
    inside = [(rule.minimum + rule.maximum) / 2 for rule in deployment.inputs]
    path, out = behind.floats(inside)
    assert path == 1 and out[0] == np.float32(1000 + np.float32(inside[-1]))
    assert behind.floats(inside, "_approximate")[0] == 1
    assert (behind.floats(inside, "_approximate", fill=-7.0)[1] == -7.0).all()
    path, codes, margin = behind.quantised(np.zeros(behind.inputs))
    assert (path, margin) == (1, -128) and (codes == 99).all()
    assert behind.net(np.zeros((1, behind.inputs)))[1][0] == np.iinfo(behind.dtype).min
