"""The pair as an application meets it: float rules, gate, guard, fallback, macros, compilers."""

import ctypes
import itertools
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from emit_build import WARNINGS, Pair, compile_c, write_pair
from emit_nets import axnet, bands, deploy, envelope, plain
from emit_oracle import decode, encode, run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from axedge.artifacts.errors import UnsupportedModel, UsageError
from axedge.convert.emit import emit_aot
from axedge.convert.fixedpoint import SIGMOID_TABLE
from axedge.convert.qnet import FINE_BITS

pytestmark = pytest.mark.cc

APPROXIMATED, UNSAFE, OUT_OF_DOMAIN = 0, 1, 2
BUILDS = {
    "gcc -O0": ("gcc", ("-std=c99", "-O0")),
    "gcc fast contraction": ("gcc", ("-std=gnu17", "-O3", "-ffp-contract=fast", "-march=native")),
    "gcc fast math": ("gcc", ("-std=gnu17", "-O3", "-ffast-math", "-march=native")),
    "clang fast contraction": ("clang", ("-std=gnu17", "-O3", "-ffp-contract=fast", "-march=native")),
    "g++": ("g++ -x c++", ("-std=c++17", "-O2")),
    "g++ 11": ("g++ -x c++", ("-std=c++11", "-O2")),
    "clang++": ("clang++ -x c++", ("-std=c++17", "-O1")),
}


def edges(rule):
    """Floats around a domain's ends, its zero and its code boundaries, and floats that belong nowhere."""
    values = [
        rule.minimum,
        rule.maximum,
        0.0,
        -0.0,
        np.nan,
        -np.nan,
        np.inf,
        -np.inf,
        1e-45,
        -1e-45,
        3e38,
        -3e38,
        1e-38,
    ]
    for code in (-128, -127, -1, 0, 1, 126, 127, 128, *((-2048, 15, 16, 2047) if rule.fine_bits else ())):
        values.append(((code << rule.shift) - rule.bias) / rule.factor)
    singles = np.array(values, np.float32)
    near = [np.nextafter(singles, np.float32(end), dtype=np.float32) for end in (-np.inf, np.inf)]
    return np.concatenate([singles, *near])


def samples(deployment, seed, count=200):
    random = np.random.default_rng(seed)
    columns = []
    for rule in deployment.inputs:
        inside = random.uniform(rule.minimum, rule.maximum, count)
        odd = random.choice(edges(rule), count)
        columns.append(np.where(random.random(count) < 0.25, odd, inside))
    return np.array(columns, np.float32).T


def expected_call(deployment, row):
    """Return (path, codes or None, outputs of the network or None) of a float call by the written rules."""
    source = deployment.net.activations[deployment.net.source]
    steps = 2**deployment.fine_bits
    ends = source.code_min * steps, source.code_max * steps + steps - 1
    codes = [encode(rule, x, *ends) for rule, x in zip(deployment.inputs, row, strict=True)]
    if deployment.fine_bits and None not in codes:
        parts = [divmod(code, steps) for code in codes]
        codes = [*(coarse for coarse, _ in parts), *(fine + source.zero_point for _, fine in parts)]
    if None in codes or not guarded(deployment, codes):
        return OUT_OF_DOMAIN, None
    answers, logits = run(deployment.net, [codes], SIGMOID_TABLE.tolist())
    safe = logits is None or logits[0] >= deployment.threshold
    outputs = [decode(rule, int(code)) for rule, code in zip(deployment.outputs, answers[0], strict=True)]
    return (APPROXIMATED if safe else UNSAFE), np.array(outputs, np.float32)


def guarded(deployment, codes):
    """Whether the domain guard lets codes pass, by its written rules."""
    bits, envelope = deployment.net.bits, deployment.envelope
    if not all(within(band, codes, bits) for band in deployment.guard):
        return False
    if envelope is None:
        return True
    coarse = [code // 2 ** (bits - 8) for code in codes[: envelope.weights.shape[1]]]
    total = 0
    for weights, low, high in zip(
        *(part.tolist() for part in (envelope.weights, envelope.low, envelope.high)), strict=True
    ):
        z = sum(weight * code for weight, code in zip(weights, coarse, strict=True))
        total += (max(low - z, z - high, 0) // 2**envelope.shift) ** 2
    return total <= envelope.limit


def within(band, codes, bits):
    """Whether codes lie within one part of the domain guard, by its written rule: rows are of equal height."""
    row, column = (codes[place] // 2 ** (bits - 8) for place in (band.row, band.column))
    place = (row + 128) * len(band.low) // 256
    return band.low[place] <= column <= band.high[place]


def check_calls(pair, rows):
    deployment = pair.deployment
    for row in rows:
        path, outputs = expected_call(deployment, row)
        exact = (
            [np.float32(1000 + i + row[-1]) for i in range(pair.outputs)]
            if deployment.has_exact
            else [-7.0] * pair.outputs
        )
        with np.errstate(invalid="ignore"):
            wanted = outputs if path == APPROXIMATED else np.array(exact, np.float32)
        got_path, got = pair.floats(row)
        assert got_path == path, row
        np.testing.assert_array_equal(got, wanted)
        got_path, got = pair.floats(row, "_approximate")
        assert got_path == path
        np.testing.assert_array_equal(got, [-7.0] * pair.outputs if outputs is None else outputs)


@pytest.mark.parametrize("build", BUILDS)
def test_float_entries_under_every_compiler(tmp_path, build):
    compiler, flags = BUILDS[build]
    for seed, (bits, fine_bits) in enumerate(((8, 0), (8, FINE_BITS), (16, 0))):
        net = axnet(seed, inputs=(1 + seed) * (2 if fine_bits else 1), bits=bits)
        deployment = deploy(net, seed=seed, fine_bits=fine_bits)
        pair = Pair(tmp_path / str(seed), deployment, compiler=compiler, flags=flags)
        check_calls(pair, samples(deployment, seed, 120))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32 - 1),
    mode=st.sampled_from(["speed", "size"]),
    core=st.sampled_from(["generic", "cortex-m0", "cortex-m4"]),
    soft=st.booleans(),
    fine_bits=st.sampled_from([0, FINE_BITS]),
)
def test_random_float_rules(tmp_path_factory, seed, mode, core, soft, fine_bits):
    deployment = deploy(plain(seed, inputs=4, outputs=3), seed=seed, exact=False, fine_bits=fine_bits)
    flags = ("-std=c99", "-O0", *(["-DAXE_SOFT_FLOAT=1"] if soft else []))
    pair = Pair(tmp_path_factory.mktemp("floats"), deployment, mode, core, flags=flags)
    check_calls(pair, samples(deployment, seed, 100))


def test_quantised_entry(tmp_path):
    net = axnet(2)
    codes = np.random.default_rng(0).integers(-128, 128, (300, 2))
    answers, logits = run(net, codes)
    threshold = int(np.median(logits)) + 1
    pair = Pair(tmp_path, deploy(net, threshold=threshold))
    seen = set()
    for row, answer, logit in zip(codes, answers, logits, strict=True):
        path, out, margin = pair.quantised(row)
        assert margin == max(-128, min(127, logit - threshold))
        assert path == (APPROXIMATED if margin >= 0 else UNSAFE)
        np.testing.assert_array_equal(out, answer if path == APPROXIMATED else [99, 99])
        seen.add(path)
    assert seen == {APPROXIMATED, UNSAFE}
    row, out = codes[0].astype(np.int8), np.zeros(2, np.int8)
    assert pair.function("_q")(row.ctypes.data, out.ctypes.data, None) == pair.quantised(row)[0]


@pytest.mark.parametrize(("bits", "fine_bits"), [(8, 0), (8, FINE_BITS), (16, 0)])
@pytest.mark.parametrize("kind", ["bands", "envelope", "both", "large envelope"])
def test_the_guard_turns_away_codes_where_the_application_has_none(tmp_path, bits, fine_bits, kind):
    net = axnet(5, inputs=6 if fine_bits else 3, bits=bits)
    deployment = deploy(net, seed=5, threshold=-(1 << (bits - 1)), fine_bits=fine_bits)
    if kind in ("bands", "both"):
        deployment = replace(deployment, guard=bands(3, 3, 2))
    if kind != "bands":
        deployment = replace(deployment, envelope=envelope(4, 3, 50 if kind == "large envelope" else 3))
    ends = 1 << (bits - 1)
    rows = np.random.default_rng(1).integers(-ends, ends, (300, 6 if fine_bits else 3))
    rows[:8, :3] = [*itertools.product((-ends, ends - 1), repeat=3)]
    inside = [guarded(deployment, row) for row in rows.tolist()]
    assert 20 < sum(inside) < 280
    for mode in ("speed", "size"):
        pair = Pair(tmp_path / mode, deployment, mode)
        check_calls(pair, samples(deployment, 7, 300))
        for row, own in zip(rows, inside, strict=True):
            path, out, margin = pair.quantised(row)
            assert path == (APPROXIMATED if own else OUT_OF_DOMAIN)
            if not own:
                assert margin == -128 and out.tolist() == [99, 99]


def test_a_guard_that_would_need_more_bits_is_refused():
    deployment, guard = deploy(axnet(5, inputs=3)), envelope(4, 3, 3)
    wide = np.array(guard.weights)
    wide[1] = 127
    far = replace(guard, shift=0, high=guard.high - 2**17)
    for wrong in (replace(guard, weights=wide), replace(guard, weights=wide[:, :2]), far):
        with pytest.raises(UnsupportedModel, match="domain guard"):
            emit_aot(replace(deployment, envelope=wrong))


@pytest.mark.parametrize("threshold", [-129, -128, 127, 128, 1000])
def test_thresholds_beyond_the_codes(tmp_path, threshold):
    deployment = deploy(axnet(4), threshold=threshold)
    pair = Pair(tmp_path, deployment)
    for row in np.random.default_rng(0).integers(-128, 128, (50, 2)):
        logit = int(run(deployment.net, [row])[1][0])
        assert pair.quantised(row)[0] == (APPROXIMATED if logit >= threshold else UNSAFE)


@pytest.mark.parametrize("mode", ["speed", "size"])
@pytest.mark.parametrize("net", [axnet(8, inputs=2, outputs=2), plain(8, inputs=2, outputs=2)])
def test_out_may_be_in_or_overlap_it(tmp_path, mode, net):
    deployment = deploy(net, seed=2)
    pair = Pair(tmp_path, deployment, mode)
    for row in samples(deployment, 1, 100):
        path, wanted = pair.floats(row)
        call = pair.function("")
        for start, end in ((0, 0), (0, 1), (1, 0)):
            place = np.zeros(3, np.float32)
            place[start : start + 2] = row
            assert call(place[start:].ctypes.data, place[end:].ctypes.data) == path
            np.testing.assert_array_equal(place[end : end + 2], wanted)
    for row in np.random.default_rng(0).integers(-128, 128, (100, 2)).astype(np.int8):
        wanted, _ = pair.net([row])
        logit = np.zeros(1, np.int8)
        pair.function("_net")(row.ctypes.data, row.ctypes.data, logit.ctypes.data)
        np.testing.assert_array_equal(row, wanted[0])


MAIN = """
#include <stdio.h>
#include "axnet_one.h"
#include "axnet_two.h"
#if AXE_ONE_INPUTS != 2 || AXE_TWO_INPUTS != 3 || AXE_ONE_ACTIVATION_BITS != 8 || AXE_TWO_HAS_EXACT != 0
#error "macros"
#endif
extern "C" void mine(const float in[], float out[]);
extern "C" void mine(const float in[], float out[]) { out[0] = in[0] + 1.0f; out[1] = 2.0f; }
int main()
{
    float x[3] = {1e30f, 0.0f, 0.0f}, y[2] = {5.0f, 5.0f};
    axe_path first = axe_one(x, y);
    printf("%d %g %g ", (int)first, (double)y[0], (double)y[1]);
    axe_path second = axe_two(x, y);
    axe_one_exact(x, x);
    printf("%d %g %g %s\\n", (int)second, (double)y[0], (double)x[1], AXE_ONE_MODEL_HASH);
    return 0;
}
"""


def test_two_kernels_in_one_cpp_program(tmp_path):
    one, two = deploy(axnet(1), "one"), deploy(axnet(2, inputs=3), "two", exact=False)
    sources = [path for each in (one, two) for path in write_pair(tmp_path, each) if path.name.startswith("axnet")]
    main = tmp_path / "main.cpp"
    main.write_text(MAIN)
    objects = []
    for source in sources:
        objects.append(tmp_path / f"{source.stem}.o")
        compile_c([source], objects[-1], "gcc", ("-std=c99", "-O1", "-c", "-DAXE_ONE_EXACT=mine"), shared=False)
    program = compile_c([main, *objects], tmp_path / "program", "g++", ("-std=c++17",), shared=False)
    printed = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split()
    assert printed == ["2", "1e+30", "2", "2", "1e+30", "2", "0123456789abcdef"]


READING = """
#include "axnet_kernel.h"
int encode(int32_t reading, int8_t *code);
int32_t decode(int8_t code);
int encode(int32_t reading, int8_t *code) { return AXE_KERNEL_IN0_CODE(reading, 1.0f / 4096, 0.25f, code); }
int32_t decode(int8_t code) { return AXE_KERNEL_OUT0_READING(code, 1.0f / 65536); }
"""


def test_integer_helpers(tmp_path):
    deployment = deploy(axnet(6, inputs=1), seed=9)
    write_pair(tmp_path, deployment)
    (tmp_path / "reading.c").write_text(READING)
    library = ctypes.CDLL(str(compile_c([tmp_path / "reading.c"], tmp_path / "reading.so")))
    library.encode.argtypes = [ctypes.c_int32, ctypes.c_void_p]
    rule, out = deployment.inputs[0], deployment.outputs[0]
    code = np.zeros(1, np.int8)
    first, last = (round((end - 0.25) * 4096) for end in (rule.minimum, rule.maximum))
    accepted = 0
    for reading in range(first - 40, last + 40, max(1, (last - first) // 3000)):
        x = np.float32(reading / 4096 + 0.25)
        wanted = encode(rule, x, -128, 127)
        code[0] = 111
        if library.encode(reading, code.ctypes.data):
            assert wanted is not None and abs(int(code[0]) - wanted) <= 1
            accepted += 1
        else:
            assert code[0] == 111 and (wanted is None or min(abs(x - rule.minimum), abs(x - rule.maximum)) < 1 / 2048)
    assert accepted > 100
    for value in range(-128, 128):
        assert abs(library.decode(value) / 65536 - float(decode(out, value))) < 1 / 65536 + 1e-4 * abs(
            float(decode(out, value))
        )


READING_TWO = """
#include "axnet_kernel.h"
int encode(int32_t reading, int8_t code[AXE_KERNEL_CODES]);
int encode(int32_t reading, int8_t code[AXE_KERNEL_CODES])
{
    return AXE_KERNEL_IN1_CODE(reading, 1.0f / 65536, 0.25f, &code[1]);
}
"""


def test_an_integer_reading_becomes_both_codes_of_an_input(tmp_path):
    deployment = deploy(axnet(7, inputs=4), seed=9, fine_bits=FINE_BITS)
    write_pair(tmp_path, deployment)
    (tmp_path / "reading.c").write_text(READING_TWO)
    library = ctypes.CDLL(str(compile_c([tmp_path / "reading.c"], tmp_path / "reading.so")))
    library.encode.argtypes = [ctypes.c_int32, ctypes.c_void_p]
    rule, zero_point = deployment.inputs[1], deployment.net.activations[deployment.net.source].zero_point
    code, seen = np.full(4, 111, np.int8), set()
    assert zero_point != 0
    first, last = (round((end - 0.25) * 65536) for end in (rule.minimum, rule.maximum))
    for reading in range(first, last + 1, max(1, (last - first) // 3000)):
        wanted = encode(rule, np.float32(reading / 65536 + 0.25), -2048, 2047)
        if library.encode(reading, code.ctypes.data):
            assert code[[0, 2]].tolist() == [111, 111]
            found = 16 * int(code[1]) + int(code[3]) - zero_point
            assert abs(found - wanted) <= 1 and zero_point <= code[3] <= zero_point + 15
            seen.add(found)
    assert len(seen) > 1000


def test_a_header_of_another_model_is_refused(tmp_path):
    write_pair(tmp_path, deploy(axnet(1)))
    header = tmp_path / "axnet_kernel.h"
    for old, new, words in (
        ("0x01234567u", "0x01234568u", "another model"),
        ("FORMAT 1", "FORMAT 2", "another format"),
    ):
        text = header.read_text()
        header.write_text(text.replace(old, new))
        command = ["gcc", "-c", *WARNINGS, str(tmp_path / "axnet_kernel.c"), "-o", str(tmp_path / "x.o")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode != 0 and words in done.stderr
        header.write_text(text)


def test_the_same_bytes_for_the_same_model():
    assert emit_aot(deploy(axnet(1))) == emit_aot(deploy(axnet(1)))


def test_two_byte_inputs_take_two_codes_each_and_8_bits():
    whole = deploy(axnet(1, inputs=4), fine_bits=FINE_BITS)
    mixed = (whole.inputs[0], replace(whole.inputs[1], fine_bits=0))
    for wrong in (
        replace(whole, inputs=(*whole.inputs, *whole.inputs)),
        replace(whole, inputs=mixed),
        deploy(axnet(1, inputs=4, bits=16), fine_bits=FINE_BITS),
    ):
        with pytest.raises(UnsupportedModel, match=r"two-byte|4 input codes"):
            emit_aot(wrong)


def test_refusals_name_the_cause():
    with pytest.raises(UsageError, match="cortex-m4"):
        emit_aot(deploy(axnet(1)), core="cortex-m44")
    with pytest.raises(UsageError, match="speed"):
        emit_aot(deploy(axnet(1)), optimize="fast")
    for name in ("9lives", "while", "path", "a-b"):
        with pytest.raises(UnsupportedModel, match=name):
            emit_aot(deploy(axnet(1), kernel=name))


SOFT = """
#include "axnet_kernel.c"
#include <stdio.h>
static uint32_t state = 7u;
static uint32_t draw(void) { state = state * 1664525u + 1013904223u; return state >> 8 ^ state << 13; }
int main(void)
{
    static const float factors[] = {1.0f, 44739244.0f, 0.333333343f, 16777215.0f, 3.0e-5f, 8388609.0f};
    uint32_t i, bits, significand, wrong = 0;
    for (i = 0; i < 3000000u; i++) {
        const volatile float factor = factors[i % 6u];
        float x, y, z;
        int32_t n = (int32_t)(draw() & 0x1FFFFFFu) - 0x1000000;
        memcpy(&bits, &factors[i % 6u], sizeof bits);
        significand = (bits & 0x7FFFFFu) | 0x800000u;
        y = (float)n * factor;
        z = unscaled(n, significand >> 16, significand & 0xFFFFu, (int32_t)(bits >> 23) + 23);
        wrong += memcmp(&y, &z, sizeof y) != 0;
        bits = (bits & 0x7F800000u);
        {
            const uint32_t raw = (draw() & 0x807FFFFFu) | (draw() % 160u) << 23;
            memcpy(&x, &raw, sizeof x);
        }
        y = x * factor;
        if (y > -1073741824.0f && y < 1073741824.0f) {
            wrong += (int32_t)y != scaled(x, significand >> 16, significand & 0xFFFFu, 276 - (int32_t)(bits >> 23));
        }
    }
    printf("%lu\\n", (unsigned long)wrong);
    return 0;
}
"""


def test_float_rules_made_of_integers_are_those_of_the_fpu(tmp_path):
    write_pair(tmp_path, deploy(axnet(6, inputs=1), seed=9, exact=False))
    main = tmp_path / "main.c"
    main.write_text(SOFT)
    program = tmp_path / "program"
    command = ["gcc", "-std=c99", "-O2", "-w", "-DAXE_SOFT_FLOAT=1", str(main), "-o", str(program)]
    subprocess.run(command, check=True, capture_output=True)
    assert subprocess.run([program], capture_output=True, text=True, check=True).stdout.strip() == "0"


CROSS = {
    "cortex-m0": ("-mcpu=cortex-m0",),
    "cortex-m4": ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"),
    "cortex-m55": ("-mcpu=cortex-m55", "-mfloat-abi=hard"),
}


@pytest.mark.qemu
@pytest.mark.skipif(not shutil.which("arm-none-eabi-gcc"), reason="needs arm-none-eabi-gcc")
@pytest.mark.parametrize("core", CROSS)
def test_cross_compilers_have_nothing_to_say(tmp_path, core):
    for seed, (bits, mode) in enumerate([(8, "speed"), (8, "balanced"), (8, "size"), (16, "speed")]):
        folder = tmp_path / str(seed)
        folder.mkdir()
        deployment = deploy(axnet(seed, inputs=5, hidden=(9, 6), predictor=8, bits=bits))
        guarded = replace(deployment, guard=bands(3, 5, 2), envelope=envelope(4, 5, 50 if mode == "balanced" else 4))
        sources = write_pair(folder, guarded, mode)
        for level in ("-O0", "-O2"):
            flags = (*CROSS[core], "-std=c99", level, "-c")
            for source in sources:
                compile_c([source], folder / "out.o", "arm-none-eabi-gcc", flags, shared=False)


@pytest.mark.parametrize("name", ["decode", "run", "code", "CODE_MIN", "saturate", "in", "out", "copy", "answer"])
def test_a_kernel_may_have_the_name_of_something_in_its_own_file(name, tmp_path):
    deployment = replace(deploy(axnet(4, hidden=(3,)), threshold=1 << 15), kernel=name)
    pair = Pair(tmp_path, deployment)
    middle = [(rule.minimum + rule.maximum) / 2 for rule in deployment.inputs]
    x, y = np.array(middle, np.float32), np.zeros(2, np.float32)
    pointers = (array.ctypes.data_as(ctypes.c_void_p) for array in (x, y))
    assert pair.function("")(*pointers) == UNSAFE
    assert y.tolist() == pytest.approx([1000.0 + x[-1], 1001.0 + x[-1]], rel=1e-6), (
        "the fallback is the kernel's own function"
    )
