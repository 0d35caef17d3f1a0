from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from axedge.artifacts.errors import BuildError, KernelError, ToolMissing, UsageError
from axedge.kernels.kernel import PURPOSES, kernel_names, load_kernel

pytestmark = pytest.mark.cc

MakeFolder = Callable[..., Path]
NAMES = kernel_names()
SAMPLER = ("[network]", '[sample]\nfunction = "halve_sample"\nuniforms = 3\n[network]')


@pytest.mark.parametrize("name", NAMES)
def test_samples_are_finite_in_the_box_and_repeatable(name: str) -> None:
    kernel = load_kernel(name)
    samples = kernel.draw("train", 20_000, 0)
    assert samples.x.shape == (20_000, len(kernel.inputs))
    assert samples.y.shape == (20_000, len(kernel.outputs))
    assert samples.x.dtype == samples.y.dtype == np.float32
    assert np.isfinite(samples.y).all()
    assert (samples.x >= kernel.minima).all()
    assert (samples.x <= kernel.maxima).all()
    again = load_kernel(name).draw("train", 500, 0)
    np.testing.assert_array_equal(again.x, samples.x[:500])
    np.testing.assert_array_equal(again.y, samples.y[:500])


@pytest.mark.parametrize("name", NAMES)
def test_every_input_uses_its_range(name: str) -> None:
    """A box much wider than the samples would waste the codes of an int8 input."""
    kernel = load_kernel(name)
    x = kernel.draw("train", 50_000, 1).x
    used = (x.max(axis=0) - x.min(axis=0)) / (kernel.maxima - kernel.minima)
    assert used.min() > 0.8, used


def test_purposes_and_seeds_have_streams_of_their_own() -> None:
    kernel, other = load_kernel("inversek2j"), load_kernel("inversek2j_double")
    draws = [kernel.draw(purpose, 200, seed).x for purpose in PURPOSES for seed in (0, 1)]
    draws += [other.draw("train", 200, 0).x, kernel.draw_box("train", 200, 0)]
    rows = [set(map(tuple, draw.tolist())) for draw in draws]
    assert sum(map(len, rows)) == len(set().union(*rows))


@pytest.mark.parametrize(
    ("purpose", "count", "seed"), [("tests", 1, 0), ("test", 0, 0), ("test", 1, -1), ("test", 1, 1 << 63)]
)
def test_wrong_arguments_are_refused(purpose: str, count: int, seed: int) -> None:
    with pytest.raises(UsageError):
        load_kernel("inversek2j").draw(purpose, count, seed)


def test_without_a_sampler_inputs_are_uniform(make_folder: MakeFolder) -> None:
    kernel = load_kernel(make_folder())
    x = kernel.draw("train", 40_000, 0).x
    np.testing.assert_allclose(x.mean(axis=0), [0, 1], atol=0.02)
    np.testing.assert_allclose(x.std(axis=0), [2 / 12**0.5] * 2, rtol=0.02)


def test_a_sampler_gets_as_many_uniforms_as_it_asks_for(make_folder: MakeFolder) -> None:
    kernel = load_kernel(make_folder(SAMPLER))
    x = kernel.draw("train", 40_000, 0).x
    assert x[:, 0].std() == pytest.approx((2 / 12) ** 0.5, rel=0.02)  # a difference of two uniforms
    assert abs(np.corrcoef(x.T)[0, 1]) < 0.02


def test_the_box_is_drawn_from_whatever_the_sampler_does(make_folder: MakeFolder) -> None:
    kernel = load_kernel(make_folder(SAMPLER))
    x = kernel.draw_box("train", 40_000, 0)
    assert x.dtype == np.float32
    assert x[:, 0].std() == pytest.approx(2 / 12**0.5, rel=0.02)


def test_a_sampler_in_a_file_of_its_own(make_folder: MakeFolder) -> None:
    edit = ("[network]", '[sample]\nfunction = "draw_in"\nsource = "draw.c"\n[network]')
    files = {
        "draw.c": '#include "draw.h"\nvoid draw_in(const float u[2], float in[2]) { in[0] = LEFT; in[1] = u[1]; }\n',
        "draw.h": "#define LEFT 0.25f\n",
    }
    kernel = load_kernel(make_folder(edit, files=files))
    assert (kernel.draw("train", 10, 0).x[:, 0] == 0.25).all()
    assert [path.name for path in kernel.sources()] == ["halve.c"]


def test_a_sampler_that_leaves_the_box_is_caught(make_folder: MakeFolder) -> None:
    c = "void halve(const float *in, float *out) { out[0] = in[0]; }\n"
    c += "void halve_sample(const float *u, float *in) { in[0] = 0.0f; in[1] = 2.5f * u[1]; }\n"
    with pytest.raises(KernelError, match=r"halve_sample draws b = 2\.\d+, outside 0 to 2"):
        load_kernel(make_folder(SAMPLER, c=c)).draw("train", 1000, 0)


ROOT_C = "#include <math.h>\nvoid halve(const float in[2], float out[1]) { out[0] = sqrtf(in[0] - LIMIT); }\n"


def test_inputs_without_a_finite_result_are_drawn_again(make_folder: MakeFolder) -> None:
    kernel = load_kernel(make_folder(c=ROOT_C.replace("LIMIT", "-0.5f")))
    samples = kernel.draw("train", 1000, 0)
    assert len(samples) == 1000
    assert (samples.x[:, 0] >= -0.5).all()
    np.testing.assert_array_equal(kernel.draw("train", 100, 0).x, samples.x[:100])
    assert np.isnan(kernel.exact(np.array([[-0.75, 0]], np.float32))).all()


def test_mostly_infinite_results_end_with_a_message(make_folder: MakeFolder) -> None:
    kernel = load_kernel(make_folder(c=ROOT_C.replace("LIMIT", "0.9f")))
    with pytest.raises(KernelError, match=r"\d+ of \d+ drawn inputs have no finite result"):
        kernel.draw("train", 1000, 0)


@pytest.mark.parametrize("rows", [0, 1, 7])
def test_exact_takes_any_number_of_rows(make_folder: MakeFolder, rows: int) -> None:
    x = np.arange(2 * rows, dtype=np.float64).reshape(rows, 2)[:, ::-1]  # neither float32 nor contiguous
    y = load_kernel(make_folder()).exact(x)
    assert y.shape == (rows, 1)
    np.testing.assert_array_equal(y[:, 0], 0.5 * x.sum(axis=1))


def test_exact_refuses_other_shapes(make_folder: MakeFolder) -> None:
    with pytest.raises(ValueError, match="rows of 2"):
        load_kernel(make_folder()).exact(np.zeros((3, 3), np.float32))


@pytest.mark.parametrize(
    ("c", "words"),
    [
        ("void halve(const float in[2], float out[1]) { out[0] = in[0] }\n", r"halve\.c:1:\d+: error"),
        (
            "\nvoid halve(const double in[2], float out[1]) { out[0] = 0; }\n",
            r"halve\.c:2:\d+: error: conflicting types",
        ),
        ("void half(const float in[2], float out[1]) { out[0] = in[0]; }\n", "halve is not defined in halve.c"),
        ('#include "gone.h"\n', r"halve\.c:1:\d+: .*error: .*gone\.h"),
    ],
)
def test_c_that_cannot_be_used_is_one_line(make_folder: MakeFolder, c: str, words: str) -> None:
    with pytest.raises(BuildError, match=words) as caught:
        load_kernel(make_folder(c=c)).draw("train", 1, 0)
    assert "\n" not in caught.value.message


def test_a_missing_compiler_is_named(make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-cc")
    with pytest.raises(ToolMissing, match="no-such-cc"):
        load_kernel(make_folder()).draw("train", 1, 0)
    monkeypatch.delenv("CC")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolMissing, match="no C compiler found"):
        load_kernel(make_folder()).draw("train", 1, 0)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_compilers_draw_the_same_inputs(monkeypatch: pytest.MonkeyPatch, compiler: str) -> None:
    expected = load_kernel("sobel").draw("train", 2000, 0)
    monkeypatch.setenv("CC", compiler)
    drawn = load_kernel("sobel").draw("train", 2000, 0)
    np.testing.assert_array_equal(drawn.x, expected.x)


def test_nothing_is_left_behind(make_folder: MakeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    folder = make_folder()
    before = sorted(folder.iterdir())
    kernel = load_kernel(folder)
    kernel.draw("train", 1, 0)
    assert len(list(scratch.iterdir())) == 1
    del kernel
    assert not list(scratch.iterdir())
    assert sorted(folder.iterdir()) == before
