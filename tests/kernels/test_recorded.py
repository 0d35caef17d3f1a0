from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from axedge.artifacts.errors import KernelError
from axedge.kernels.kernel import PURPOSES, data_kernel, load_kernel
from axedge.kernels.recorded import SHARES, Recorded

pytestmark = pytest.mark.host

MakeFolder = Callable[..., Path]


def write(folder: Path, **files: str) -> list[Path]:
    """Write files; `__` in a keyword stands for the dot of the name."""
    paths = [folder / name.replace("__", ".") for name in files]
    for path, content in zip(paths, files.values(), strict=True):
        path.write_text(content)
    return paths


def refusal(x: Path, y: Path | None = None, **options: object) -> str:
    with pytest.raises(KernelError) as caught:
        data_kernel(x, y, "relative", 0.1, **options)  # type: ignore[arg-type]
    assert "\n" not in caught.value.message
    return str(caught.value)


def test_two_text_files(tmp_path: Path) -> None:
    x, y = write(tmp_path, x__txt="# recorded\n0 1\n2\t3\n\n4 5\n", y__txt="0.5\n2.5\n4.5\n")
    kernel = data_kernel(x, y, "relative", 0.1, floor=0.01, name="mean")
    assert (kernel.name, kernel.has_exact, kernel.sources()) == ("mean", False, [])
    assert [(port.name, port.minimum, port.maximum) for port in kernel.inputs] == [("x0", 0, 4), ("x1", 1, 5)]
    assert [port.name for port in kernel.outputs] == ["y0"]
    assert (kernel.error.metric, kernel.error.bound, kernel.error.floor) == ("relative", 0.1, 0.01)
    assert (kernel.network.approximator, kernel.network.predictor) == ((8,), (4,))
    with pytest.raises(KernelError, match="recorded data without C"):
        kernel.exact(np.zeros((1, 2), np.float32))


def test_a_csv_with_a_header_and_results_behind(tmp_path: Path) -> None:
    (table,) = write(tmp_path, t__csv="a,b,sum,difference\n1,2,3,-1\n5,3,8,2\n")
    assert len(data_kernel(table, None, "absolute", 0.1).outputs) == 1
    kernel = data_kernel(table, None, "absolute", 0.1, outputs=2)
    assert kernel.recorded is not None
    assert kernel.recorded.x.tolist() == [[1, 2], [5, 3]]
    assert kernel.recorded.y is not None
    assert kernel.recorded.y.tolist() == [[3, -1], [8, 2]]


def test_a_byte_order_mark_is_no_header(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_bytes("\ufeff1,2\n3,4\n".encode())
    kernel = data_kernel(table, None, "absolute", 0.1)
    assert kernel.recorded is not None
    assert kernel.recorded.x.tolist() == [[1], [3]]


def test_npz(tmp_path: Path) -> None:
    path = tmp_path / "recorded.npz"
    np.savez(path, x=np.arange(6.0).reshape(3, 2), y=np.arange(3))
    kernel = data_kernel(path, None, "absolute", 0.1)
    assert kernel.recorded is not None
    assert kernel.recorded.y is not None
    assert kernel.recorded.x.dtype == kernel.recorded.y.dtype == np.float32
    assert kernel.recorded.y.tolist() == [[0], [1], [2]]


BROKEN = [
    # x.txt, y.txt, and how the line begins
    ("0 1\n2 nan\n", "1\n2\n", "x.txt:2: column 2 is nan, finite numbers are needed."),
    ("0 1\n2 3\n", "1\n-inf\n", "y.txt:2: column 1 is -inf, finite numbers are needed."),
    ("0 1\n2 1e39\n", "1\n2\n", "x.txt:2: column 2 is 1e39, finite numbers are needed."),
    ("0 1\n2 3\n4 5\n", "1\n2\n", "x.txt:3: a row without a partner: x.txt has 3 rows, y.txt has 2 rows."),
    ("0 1\n2 3\n", "1\n2\n\n3\n", "y.txt:4: a row without a partner: y.txt has 3 rows, x.txt has 2 rows."),
    (
        "a b\n0 1\n2 3\n",
        "1\n2\n",
        "x.txt:1: column 1 is 'a', a number is needed. A header line is allowed in a .csv only",
    ),
    ("0 1\n2 x\n", "1\n2\n", "x.txt:2: column 2 is 'x', a number is needed."),
    ("0 1\n\n2 3 4\n", "1\n2\n", "x.txt:3: 3 columns, 2 expected."),
    ("0 1\n2\n", "1\n2\n", "x.txt:2: 1 column, 2 expected."),
    ("# nothing\n", "1\n", "x.txt:1: holds no rows of numbers."),
    ("0 7\n2 7\n", "1\n2\n", "x.txt:1: input column 2 is 7 in every row. Leave it out."),
]


@pytest.mark.parametrize(("x", "y", "words"), BROKEN, ids=[case[2][:25] for case in BROKEN])
def test_each_broken_file_is_one_line(tmp_path: Path, x: str, y: str, words: str) -> None:
    assert refusal(*write(tmp_path, x__txt=x, y__txt=y)).startswith(f"{tmp_path}/{words}")


def test_broken_csv(tmp_path: Path) -> None:
    (table,) = write(tmp_path, t__csv="a,b,y\n1,2,3\na,b,y\n")
    assert "t.csv:3: column 1 is 'a', a number is needed." in refusal(table)
    (table,) = write(tmp_path, t__csv="a,b,y\n1,2,3\n1,2,3,4\n")
    assert "t.csv:3: 4 columns, 3 expected." in refusal(table)
    (table,) = write(tmp_path, t__csv="1,2,\n")
    assert "t.csv:1: column 3 is '', a number is needed." in refusal(table)
    (table,) = write(tmp_path, t__csv="1\n2\n")
    assert "t.csv:1: 1 columns, and inputs and results need more." in refusal(table)


def test_broken_npz(tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    np.savez(path, x=np.zeros((2, 1)))
    assert "holds no array `y`, only x." in refusal(path)
    np.savez(path, x=[[1.0, 2.0], [3.0, np.nan]], y=[1.0, 2.0])
    assert "t.npz: x[1, 1] is nan, finite numbers are needed." in refusal(path)
    np.savez(path, x=np.zeros((3, 1)), y=np.zeros((2, 1)))
    assert "t.npz: x[2]: a row without a partner: x has 3 rows, y has 2 rows." in refusal(path)
    np.savez(path, x=np.zeros((2, 2, 2)), y=np.zeros(2))
    assert "`x` has shape (2, 2, 2), rows x columns are needed." in refusal(path)
    np.savez(path, x=np.array(["a", "b"]), y=np.zeros(2))
    assert "numbers are needed." in refusal(path)
    np.savez(path, x=np.array([[1], [{}]], dtype=object), y=np.zeros(2))
    assert "t.npz: not an .npz file of plain arrays" in refusal(path)
    path.write_bytes(b"no zip")
    assert "t.npz: not an .npz file of plain arrays" in refusal(path)
    assert "cannot be read" in refusal(tmp_path / "gone.txt")


def test_arguments_are_checked(tmp_path: Path) -> None:
    x, y = write(tmp_path, x__txt="0\n1\n", y__txt="0\n1\n")
    for change, words in [
        ({"metric": "relativ"}, "metric is 'relativ'"),
        ({"bound": 0.0}, "bound is 0.0"),
        ({"floor": -1.0}, "floor is -1.0"),
        ({"name": "for"}, "name 'for' is a keyword"),
    ]:
        arguments = {"metric": "relative", "bound": 0.1} | change
        with pytest.raises(KernelError) as caught:
            data_kernel(x, y, **arguments)  # type: ignore[arg-type]
        assert words in str(caught.value)


def test_digest_follows_files_and_settings(tmp_path: Path) -> None:
    x, y = write(tmp_path, x__txt="0\n1\n", y__txt="0\n1\n")
    seen = {data_kernel(x, y, "absolute", bound).digest() for bound in (0.1, 0.2)}
    assert data_kernel(x, y, "absolute", 0.1).digest() in seen
    y.write_text("0\n2\n")
    seen.add(data_kernel(x, y, "absolute", 0.1).digest())
    assert len(seen) == 3


def repeated_rows(folder: Path, distinct: int = 400, copies: int = 5) -> list[Path]:
    x = np.tile(np.random.default_rng(0).integers(-20, 20, (distinct, 2)), (copies, 1))
    y = np.arange(len(x))  # a number of its own for each row, so that none can be lost or drawn twice unseen
    return write(
        folder,
        x__txt="".join(f"{a} {b}\n" for a, b in x),
        y__txt="".join(f"{value}\n" for value in y),
    )


def test_repeated_rows_never_serve_two_purposes(tmp_path: Path) -> None:
    kernel = data_kernel(*repeated_rows(tmp_path), "absolute", 0.1)
    parts = {purpose: kernel.draw(purpose, 10**6, 0) for purpose in PURPOSES}
    rows = {purpose: set(map(tuple, part.x.tolist())) for purpose, part in parts.items()}
    for first in PURPOSES:
        for second in PURPOSES:
            assert first == second or not rows[first] & rows[second], (first, second)
    for purpose in set(PURPOSES) - {"train"}:
        assert len(parts[purpose]) == len(rows[purpose]), "copies of a row are no trials of their own"
    assert len(parts["train"]) > 4 * len(rows["train"])
    assert len(set.union(*rows.values())) == len(np.unique(kernel.recorded.x, axis=0))
    for purpose in PURPOSES:
        assert len(rows[purpose]) / 400 == pytest.approx(SHARES[purpose], abs=0.07)


def test_a_random_split_of_the_same_rows_would_leak(tmp_path: Path) -> None:
    kernel = data_kernel(*repeated_rows(tmp_path), "absolute", 0.1)
    assert kernel.recorded is not None
    order = np.random.default_rng(1).permutation(len(kernel.recorded.x))
    rows = kernel.recorded.x[order].tolist()
    assert set(map(tuple, rows[:1000])) & set(map(tuple, rows[1000:]))


def test_recorded_rows_are_drawn_by_seed(tmp_path: Path) -> None:
    kernel = data_kernel(*repeated_rows(tmp_path), "absolute", 0.1)
    first, again, other = (kernel.draw("train", 50, seed).y.tolist() for seed in (3, 3, 4))
    assert first == again != other
    assert len(first) == 50
    assert set(map(tuple, kernel.draw("test", 10**6, 3).y)) == set(map(tuple, kernel.draw("test", 10**6, 4).y))


rows_of_floats = st.integers(1, 30).flatmap(
    lambda n: hnp.arrays(np.float32, (n, 2), elements=st.floats(-2, 2, width=16))
)


@given(rows_of_floats)
def test_the_owner_depends_on_the_row_alone(x: np.ndarray) -> None:
    owners = Recorded(x, None).owners
    assert np.array_equal(Recorded(x[::-1].copy(), None).owners[::-1], owners)
    assert np.array_equal(Recorded(np.where(x == 0, -x, x), None).owners, owners)  # -0 is 0


def test_too_few_rows_say_so(tmp_path: Path) -> None:
    kernel = data_kernel(*write(tmp_path, x__txt="0\n1\n", y__txt="0\n1\n"), "absolute", 0.1)
    with pytest.raises(KernelError, match=r"no recorded row is left for \w+, .*There are 2 distinct rows"):
        for purpose in PURPOSES:
            kernel.draw(purpose, 1, 0)


DATA = ("[network]", '[sample]\ndata = ["x.txt", "y.txt"]\n[network]')


def test_a_folder_of_data_alone(make_folder: MakeFolder) -> None:
    files = {"x.txt": "0 1\n-1 2\n", "y.txt": "0.5\n0.5\n"}
    kernel = load_kernel(make_folder(DATA, ('source  = "halve.c"\n', ""), files=files))
    assert not kernel.has_exact
    assert kernel.recorded is not None
    assert kernel.recorded.x.tolist() == [[0, 1], [-1, 2]]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"x.txt": "0 1\n-1.5 2\n", "y.txt": "0\n0\n"}, "x.txt:2: a is -1.5, outside -1 to 1 of kernel.toml."),
        ({"x.txt": "0 1 2\n", "y.txt": "0\n"}, "x.txt:1: 3 columns, 2 expected."),
        ({"x.txt": "0 1\n", "y.txt": "0 1\n"}, "y.txt:1: 2 columns, 1 expected."),
    ],
)
def test_data_must_fit_kernel_toml(make_folder: MakeFolder, files: dict[str, str], words: str) -> None:
    with pytest.raises(KernelError) as caught:
        load_kernel(make_folder(DATA, ('source  = "halve.c"\n', ""), files=files))
    assert words in caught.value.message


@pytest.mark.cc
def test_recorded_inputs_with_c_take_their_results_from_it(make_folder: MakeFolder) -> None:
    x = "".join(f"{0.01 * i} 1\n" for i in range(100))
    edit = ("[network]", '[sample]\ndata = "x.txt"\n[network]')
    samples = load_kernel(make_folder(edit, files={"x.txt": x})).draw("train", 1000, 0)
    assert 30 < len(samples) < 70
    np.testing.assert_array_equal(samples.y[:, 0], np.float32(0.5) * (samples.x[:, 0] + samples.x[:, 1]))
