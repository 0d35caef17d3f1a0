"""A table and a polynomial in place of the network: the C gives numpy's bits, and the fit serves the bound."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axedge.convert.alternatives.candidates import Data, Polynomials, tables
from axedge.convert.alternatives.codes import OutputScale
from axedge.convert.alternatives.emit import emit_nothing, emit_polynomial, emit_polynomial_loops, emit_table
from axedge.convert.alternatives.fit import fit
from axedge.convert.alternatives.polynomial import CELLS, Polynomial, fit_polynomial, term_sets
from axedge.convert.alternatives.positions import Axis
from axedge.convert.alternatives.table import LookupTable, fit_table
from axedge.kernels.hostcc import find_compiler
from axedge.kernels.kernel import Samples, load_kernel
from axedge.kernels.metrics import is_safe
from axedge.kernels.spec import ErrorSpec, InputPort

pytestmark = pytest.mark.cc

STRICT = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wdouble-promotion", "-Werror")


def run_c(text: str, name: str, x: np.ndarray, outputs: int, folder: Path) -> np.ndarray:
    source, rows = folder / "a.c", folder / "rows.c"
    source.write_text(text)
    rows.write_text(
        f"void {name}(const float *, float *);\nvoid rows(long n, const float *in, float *out);\n"
        f"void rows(long n, const float *in, float *out) {{ for (; n > 0; n--, in += {x.shape[1]}, out += {outputs}) "
        f"{name}(in, out); }}\n"
    )
    given, answers = np.ascontiguousarray(x, np.float32), []
    for soft in (0, 1):
        library = folder / f"a{soft}.so"
        command = [*find_compiler(), *STRICT, f"-DAXE_SOFT_FLOAT={soft}", "-fsanitize=undefined", "-fPIC", "-shared"]
        command += ["-fno-sanitize-recover=all", "-o", str(library), str(source), str(rows)]
        subprocess.run(command, check=True, timeout=60)
        found = np.empty((len(given), outputs), np.float32)
        void = ctypes.c_void_p
        ctypes.CDLL(str(library)).rows(ctypes.c_long(len(given)), void(given.ctypes.data), void(found.ctypes.data))
        answers.append(found)
    np.testing.assert_array_equal(*answers, err_msg="floats by the processor and by integers")
    return answers[0]


def far_and_near(kernel: object, count: int = 2_000) -> np.ndarray:
    """Return inputs inside the box, on its corners, far outside it, and not-a-number."""
    rng = np.random.default_rng(1)
    low, high = kernel.minima, kernel.maxima
    inside = rng.uniform(low, high, (count, len(low))).astype(np.float32)
    wild = np.array([np.nan, np.inf, -np.inf, 3e38, -3e38, 0.0], np.float32)[:, np.newaxis] * np.ones_like(low)
    return np.concatenate([inside, [low, high], wild]).astype(np.float32)


@pytest.fixture(scope="module")
def data() -> dict[str, tuple[object, Data]]:
    found = {}
    for name in ("inversek2j", "wetbulb"):
        kernel = load_kernel(name)
        found[name] = (kernel, Data(kernel.draw("train", 3_000, 0), kernel.draw("validation", 2_000, 0)))
    return found


@pytest.mark.parametrize("name", ["inversek2j", "wetbulb"])
def test_the_tables_c_gives_numpys_bits(name: str, data: dict, tmp_path: Path) -> None:
    kernel, samples = data[name]
    table = fit_table(kernel, samples.train, samples.validation, 200)
    x = far_and_near(kernel)
    found = run_c(emit_table(name, table), name, x, len(kernel.outputs), tmp_path)
    np.testing.assert_array_equal(found, table.answer(x))


@pytest.mark.parametrize("inputs", [4, 6])
def test_a_table_of_many_inputs_is_walked_in_loops(inputs: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(inputs)
    axes = tuple(Axis.of(InputPort(f"x{i}", minimum=-1.0 - i, maximum=2.0), 1 + i % 2) for i in range(inputs))
    nodes = int(np.prod([axis.cells + 1 for axis in axes]))
    codes = rng.integers(-32_767, 32_768, (nodes, 2)).astype(np.int16)
    table = LookupTable(axes, codes, (OutputScale(7, 0.25), OutputScale(-3, 1e-3)))
    x = rng.uniform(-3, 3, (500, inputs)).astype(np.float32)
    np.testing.assert_array_equal(run_c(emit_table("many", table), "many", x, 2, tmp_path), table.answer(x))


@pytest.mark.parametrize("name", ["inversek2j", "wetbulb"])
@pytest.mark.parametrize("emit", [emit_polynomial, emit_polynomial_loops])
def test_the_polynomials_c_gives_numpys_bits(name: str, emit: object, data: dict, tmp_path: Path) -> None:
    kernel, samples = data[name]
    terms = list(term_sets(len(kernel.inputs), 40))[-1]
    polynomial = fit_polynomial(kernel, samples.train, samples.validation, terms)
    x = far_and_near(kernel)
    found = run_c(emit(name, polynomial), name, x, len(kernel.outputs), tmp_path)
    np.testing.assert_array_equal(found, polynomial.answer(x))


@pytest.mark.parametrize(("inputs", "outputs"), [(6, 1), (5, 7)])
def test_a_polynomial_of_many_inputs_or_outputs_is_walked_in_loops(inputs: int, outputs: int, tmp_path: Path) -> None:
    """Ranges far from 0, an input that no term uses, and the kernel's name is one that the C itself would take."""
    rng = np.random.default_rng(inputs)
    low = np.array([0.0, -3.0, 2.0e5, -1.0, 5.0, -0.25][:inputs])
    axes = tuple(Axis.of(InputPort(f"x{i}", minimum=end, maximum=end + 1.0), CELLS) for i, end in enumerate(low))
    terms = tuple(term for term in list(term_sets(inputs, 60))[-1] if term[1] == 0)
    coefficients = rng.integers(-3_000, 3_000, (len(terms), outputs)).astype(np.int32)
    polynomial = Polynomial(axes, terms, coefficients, tuple(range(outputs)), (0.25,) * outputs)
    x = (low + rng.uniform(-0.1, 1.1, (500, inputs))).astype(np.float32)
    assert any(axis.shift for axis in axes)
    loops = emit_polynomial_loops("position", polynomial)
    assert (loops is None) == (outputs > 4)
    for text in filter(None, (emit_polynomial("position", polynomial), loops)):
        np.testing.assert_array_equal(run_c(text, "position", x, outputs, tmp_path), polynomial.answer(x))


def test_fewer_terms_are_found_that_keep_the_promise(data: dict) -> None:
    kernel, samples = data["wetbulb"]
    found = Polynomials(kernel, samples, 3_000)
    best, fewest = next(found.best()), next(found.fewest(1_920))
    assert best.safe > fewest.safe >= 1_920
    assert int(fewest.description.split()[0]) < int(best.description.split()[0])
    assert next(found.fewest(2_001), None) is None


def test_the_yardstick_of_flash_compiles(tmp_path: Path) -> None:
    assert run_c(emit_nothing("k", 3, 2), "k", np.full((1, 3), 0.5, np.float32), 2, tmp_path).tolist() == [[0.5, 0.5]]


def test_a_table_meets_its_nodes_and_interpolates_between_them() -> None:
    axes = (Axis.of(InputPort("x", minimum=0.0, maximum=2.0), 2), Axis.of(InputPort("y", minimum=0.0, maximum=1.0), 1))
    table = LookupTable(axes, np.array([[0], [10], [100], [110], [400], [420]], np.int16), (OutputScale(0, 1.0),))
    x = np.array([[0, 0], [0, 1], [1, 0], [2, 1], [0.5, 0.5], [1.5, 0.5]], np.float32)
    np.testing.assert_array_equal(table.answer(x)[:, 0], [0, 10, 100, 420, 55, 257])


def test_the_fit_gives_outliers_up_for_the_bound() -> None:
    """A line through 90 % of the points, which least squares misses because of the rest."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (2_000, 1)).astype(np.float32)
    y = 0.5 * x
    y[rng.random(2_000) < 0.1] += 5.0
    samples, error = Samples(x, y), ErrorSpec("absolute", 0.1)
    features = lambda rows: np.column_stack([np.ones(len(rows)), rows])  # noqa: E731
    start = np.zeros((2, 1))
    plain = fit(features, samples, samples, error, start, rounds=0)
    robust = fit(features, samples, samples, error, start)
    assert plain.safe_share < 0.5 < 0.88 < robust.safe_share
    np.testing.assert_allclose(robust.coefficients[:, 0], [0.0, 0.5], atol=0.05)


def test_more_flash_serves_more_samples(data: dict) -> None:
    kernel, samples = data["inversek2j"]
    for make in (tables, lambda *given: Polynomials(*given).best()):
        small, large = (next(make(kernel, samples, flash)) for flash in (900, 2_400))
        assert len(small.source) < len(large.source)
        assert small.safe < large.safe


@given(st.floats(-1e6, 1e6, width=32), st.floats(2.0**-10, 1e6, width=32), st.integers(1, 100))
@settings(max_examples=200, deadline=None)
def test_positions_stay_between_the_ends(low: float, width: float, cells: int) -> None:
    high = float(np.float32(low) + np.float32(width))
    if not high > low:
        return
    axis = Axis.of(InputPort("x", minimum=low, maximum=high), cells)
    below = np.nextafter(np.float32(high), np.float32(-np.inf))
    found = axis.positions(np.array([low, below, high, np.nan, -np.nan, -np.inf, np.inf], np.float32))
    assert found.min() >= 0
    assert found.max() <= axis.top
    assert found[[0, 2, 3, 4, 5, 6]].tolist() == [0, axis.top, axis.top, 0, 0, axis.top]


def test_terms_are_few_and_hold_their_neighbours() -> None:
    for terms in term_sets(3, 60):
        assert len(terms) <= 60
        assert len(set(terms)) == len(terms)
        assert (0, 0, 0) not in terms
        assert all(sum(term) == 1 or any(lower in terms for lower in _lower(term)) for term in terms)


def test_a_smooth_function_is_met_by_both() -> None:
    kernel = load_kernel("fft")
    samples = Data(kernel.draw("train", 2_000, 0), kernel.draw("validation", 1_000, 0))
    test = kernel.draw("test", 1_000, 0)
    table = fit_table(kernel, samples.train, samples.validation, 100)
    polynomial = fit_polynomial(kernel, samples.train, samples.validation, tuple((k,) for k in range(1, 8)))
    for answer in (table.answer(test.x), polynomial.answer(test.x)):
        assert is_safe(kernel.error, test.y, answer).all()


def _lower(term: tuple[int, ...]) -> list[tuple[int, ...]]:
    return [(*term[:i], part - 1, *term[i + 1 :]) for i, part in enumerate(term) if part]
