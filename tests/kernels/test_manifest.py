from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from axedge.artifacts.errors import KernelError
from axedge.kernels.kernel import kernel_names, load_kernel
from axedge.kernels.manifest import read_manifest
from axedge.kernels.toml_lines import key_lines, nearest_line

pytestmark = pytest.mark.host

MakeFolder = Callable[..., Path]
INPUT_A = '{ name = "a", unit = "m", min = -1.0, max = 1.0 }'
OUTPUTS = 'outputs = [{ name = "half", unit = "m" }]'


def mistakes(folder: Path) -> list[tuple[int, str]]:
    """Load a broken kernel and return line and sentence of each mistake."""
    with pytest.raises(KernelError) as caught:
        load_kernel(folder)
    start = f"{folder / 'kernel.toml'}:"
    lines = caught.value.message.split("\n")
    assert all(line.startswith(start) and line.endswith((".", "?")) for line in lines), lines
    parts = [line.removeprefix(start).partition(": ") for line in lines]
    return [(int(number), sentence) for number, _, sentence in parts]


def test_the_good_one_is_read(make_folder: MakeFolder) -> None:
    kernel = load_kernel(make_folder())
    assert (kernel.name, kernel.summary, kernel.has_exact) == ("halve", "Half of it", True)
    assert [(p.name, p.unit, p.minimum, p.maximum) for p in kernel.inputs] == [("a", "m", -1, 1), ("b", "", 0, 2)]
    assert [(p.name, p.unit) for p in kernel.outputs] == [("half", "m")]
    assert (kernel.error.metric, kernel.error.bound, kernel.error.floor) == ("relative", 0.1, 1e-3)
    assert (kernel.network.approximator, kernel.network.predictor) == ((5,), (3,))
    assert (kernel.network.predictor_activation, kernel.network.approximator_activation) == ("tanh", "relu")
    assert kernel.minima.tolist() == [-1.0, 0.0]
    assert kernel.maxima.tolist() == [1.0, 2.0]
    assert kernel.minima.dtype == kernel.maxima.dtype == "float32"


CASES = [
    # what is replaced, by what, the line of the mistake, and words of the sentence
    ('"halve"', '"2halve"', 1, "`name` is '2halve': must be a C identifier"),
    ('"halve"', '"while"', 1, "is a keyword of C or C++"),
    ('"halve"', '"namespace"', 1, "is a keyword of C or C++"),
    ('"halve"', '"tanhf"', 1, "is a function of the C library"),
    ('"halve"', '"halve_q"', 1, "must not end in _q, which generated names do"),
    ('"halve"', '"board_ticks"', 1, "would meet axedge's own names (axe_board_ticks)"),
    ('"halve"', '"__halve"', 1, "is reserved in C"),
    ('"halve"', f'"{"h" * 41}"', 1, "must have at most 40 characters"),
    ('"halve"', "7", 1, "`name` is 7: must be text in quotes"),
    ('name    = "halve"\n', "", 1, "needs `name`"),
    ('"halve.c"', '"half.c"', 3, "`source` is 'half.c', and there is no such file"),
    ('"halve.c"', '"kernel.toml"', 3, "only C files (.c) are allowed"),
    ('source  = "halve.c"', "", 1, "needs `source`"),
    ('source  = "halve.c"', 'sauce   = "halve.c"', 3, "unknown key `sauce`. Did you mean source?"),
    (INPUT_A, INPUT_A.replace("min", "mn"), 5, "unknown key `mn`. Did you mean min"),
    (INPUT_A, INPUT_A.replace("max = 1.0", "max = -1"), 5, "`max` is -1: must be larger than min = -1"),
    (INPUT_A, INPUT_A.replace("max = 1.0", "max = inf"), 5, "`max` is inf: must be finite"),
    (INPUT_A, INPUT_A.replace("min = -1.0", "min = nan"), 5, "`min` is nan: must be finite"),
    (INPUT_A, INPUT_A.replace("max = 1.0", "max = 1e39"), 5, "must be finite as a 32-bit float"),
    (INPUT_A, INPUT_A.replace("max = 1.0", 'max = "1"'), 5, "`max` is '1': must be a number"),
    (INPUT_A, INPUT_A.replace("max = 1.0", "max = true"), 5, "`max` is true: must be a number"),
    (INPUT_A, INPUT_A.replace(", max = 1.0", ""), 5, "input 1 needs `max`"),
    (INPUT_A, INPUT_A.replace('"a"', '"b"'), 6, "`name` 'b' stands twice"),
    (INPUT_A, INPUT_A.replace("max = 1.0", "max = 1.0, count = 0"), 5, "`count` is 0: must be at least 1"),
    (INPUT_A, INPUT_A.replace("max = 1.0", "max = 1.0, count = 255"), 4, "`inputs` are 256, at most 255"),
    (INPUT_A, INPUT_A.replace("max = 1.0", "max = 1.0, count = 256"), 5, "`count` is 256: must be at most 255"),
    (INPUT_A, "7", 5, "`inputs` is 7: must be a table"),
    (OUTPUTS, "outputs = []", 8, "`outputs` is []: must hold at least 1"),
    (OUTPUTS, 'outputs = [{ unit = "m" }]', 8, "output 1 needs `name`"),
    (OUTPUTS, 'outputs = "half"', 8, "`outputs` is 'half': must be a list"),
    (OUTPUTS, 'outputs = [{ name = "half", min = 0 }]', 8, "unknown key `min`"),
    (OUTPUTS, "", 1, "needs `outputs`"),
    ('"relative"', '"relativ"', 11, "allowed are relative, absolute, rmse, mismatch. Did you mean relative?"),
    ('"relative"', '"mean"', 11, "allowed are relative, absolute, rmse, mismatch."),
    ('"relative"', '"absolute"', 13, "`floor` is 0.001: has a meaning for metric relative only, not for absolute"),
    ("bound  = 0.1", "bound  = 0", 12, "`bound` is 0: must be above 0"),
    ("bound  = 0.1", "bound  = -0.1", 12, "`bound` is -0.1: must be above 0"),
    ("bound  = 0.1", "bound  = nan", 12, "`bound` is nan"),
    ("bound  = 0.1\n", "", 10, "[error] needs `bound`"),
    ("bound  = 0.1", "bond  = 0.1", 12, "unknown key `bond`. Did you mean bound?"),
    ("floor  = 1e-3", "floor  = -1e-3", 13, "`floor` is -0.001: must be at least 0"),
    ("[error]", "[errors]", 10, "unknown key `errors`. Did you mean error?"),
    ("[5]", "[0]", 16, "`approximator` is 0: must be at least 1"),
    ("[5]", "[8, 513]", 16, "`approximator` is 513: must be at most 512"),
    ("[5]", "[8,\n\n513]", 18, "`approximator` is 513: must be at most 512"),
    ("[5]", "[]", 16, "must hold at least 1"),
    ("[5]", "5", 16, "`approximator` is 5: must be a list"),
    ("[5]", "[5.5]", 16, "`approximator` is 5.5: must be a whole number"),
    ("[5]", "[true]", 16, "`approximator` is true: must be a whole number"),
    ("[3]", '[3]\npredictor_activation = "tan"', 18, "allowed are relu, tanh. Did you mean tanh?"),
    ("[3]", "[3]\ndropout = 0.5", 18, "unknown key `dropout`"),
    ("[network]", '[sample]\ndata = "x.txt"\n[network]', 16, "`data` is 'x.txt', and there is no such file"),
    ("[network]", "[sample]\nuniforms = 3\n[network]", 16, "has a meaning beside `function` only"),
    ("[network]", '[sample]\nfunction = "halve"\n[network]', 16, "the kernel itself"),
    ("[network]", '[sample]\nfunction = "f"\ndata = "x.txt"\n[network]', 17, "exclude each other"),
    ("[network]", '[sample]\nfunction = "f"\nuniforms = 0\n[network]', 17, "`uniforms` is 0: must be at least 1"),
    (
        "[network]",
        '[sample]\nfunction = "f"\nsource = "f.c"\n[network]',
        17,
        "`source` is 'f.c', and there is no such file",
    ),
    ("[network]", '[sample]\ndata = ["a", "b", "c"]\n[network]', 16, "must hold at most 2"),
    ("[error]", "[error", 10, "not valid TOML: expected ']'"),
    ("bound  = 0.1", "bound  = ", 12, "not valid TOML: invalid value at column 10, the end of the line."),
    ("bound  = 0.1", "bound  = 0,1", 12, "after a statement at column 11, before `,1`."),
    ("[3]\n", "[3", 17, "not valid TOML"),
    ("bound  = 0.1", "bound  = 0.1\nbound  = 0.2", 13, "not valid TOML: cannot overwrite a value"),
]


@pytest.mark.parametrize(("old", "new", "line", "words"), CASES, ids=[f"{case[2]}-{case[3]}" for case in CASES])
def test_each_mistake_is_one_line(make_folder: MakeFolder, old: str, new: str, line: int, words: str) -> None:
    found = mistakes(make_folder((old, new)))
    assert [number for number, _ in found] == [line], found
    assert words in found[0][1]


def test_all_mistakes_are_told_at_once(make_folder: MakeFolder) -> None:
    edits = [("bound  = 0.1", "bound  = -1"), ("[5]", "[0]"), ('"halve"', '"for"')]
    assert [line for line, _ in mistakes(make_folder(*edits))] == [1, 12, 16]


def test_windows_line_ends_count_once(make_folder: MakeFolder) -> None:
    folder = make_folder(("bound  = 0.1", "bound  = -1"))
    path = folder / "kernel.toml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert [line for line, _ in mistakes(folder)] == [12]


def test_no_text_at_all(make_folder: MakeFolder) -> None:
    folder = make_folder()
    (folder / "kernel.toml").write_bytes(b"name = '\xff'")
    assert mistakes(folder) == [(1, "not UTF-8 text.")]


def test_unknown_kernel_names_the_nearest() -> None:
    with pytest.raises(KernelError, match="no kernel is called 'invers2j'. Did you mean inversek2j"):
        load_kernel("invers2j")


def test_a_folder_without_kernel_toml(tmp_path: Path) -> None:
    with pytest.raises(KernelError, match="holds no kernel.toml"):
        load_kernel(tmp_path)
    for missing in (tmp_path / "nowhere", "./nowhere"):
        with pytest.raises(KernelError, match="there is no kernel folder"):
            load_kernel(missing)


def test_a_folder_can_be_given_in_three_ways(make_folder: MakeFolder) -> None:
    folder = make_folder()
    assert load_kernel(folder).digest() == load_kernel(str(folder)).digest()
    assert load_kernel(folder / "kernel.toml").digest() == load_kernel(folder).digest()


def test_a_count_stands_for_as_many_ports(make_folder: MakeFolder) -> None:
    kernel = load_kernel(make_folder((INPUT_A, INPUT_A.replace("max = 1.0", "max = 1.0, count = 3"))))
    assert [port.name for port in kernel.inputs] == ["a0", "a1", "a2", "b"]
    assert kernel.maxima.tolist() == [1, 1, 1, 2]


def test_a_count_may_not_meet_another_name(make_folder: MakeFolder) -> None:
    edits = [(INPUT_A, INPUT_A.replace("max = 1.0", "max = 1.0, count = 3")), ('"b"', '"a1"')]
    assert mistakes(make_folder(*edits)) == [(6, "`name` 'a1' stands twice, names must be unique.")]


def test_digest_covers_all_that_is_read(make_folder: MakeFolder) -> None:
    edit = ("[network]", '[sample]\nfunction = "f"\nsource = "f.c"\n[network]')
    files = {"f.c": '  #  include "deep.h"\n', "deep.h": '#include "deeper.h"\n', "deeper.h": '#include "deep.h"\n'}
    folder = make_folder(edit, files=files)
    seen = {load_kernel(folder).digest()}
    assert load_kernel(folder).digest() in seen
    for name in ["kernel.toml", "halve.c", *files]:
        path = folder / name
        path.write_text(path.read_text() + "\n")
        seen.add(load_kernel(folder).digest())
    assert len(seen) == 6


def test_every_kernel_that_comes_along_is_sound() -> None:
    names = kernel_names()
    assert names == sorted(names)
    assert {"inversek2j", "inversek2j_double", "bessel_jnu", "blackscholes", "fft", "sobel"} <= set(names)
    assert {"kmeans", "jpeg", "jmeint", "wetbulb", "sunpos"} <= set(names)
    for name in names:
        kernel = load_kernel(name)
        assert kernel.name == name
        assert kernel.summary
        assert kernel.sources() == [kernel.folder / f"{name}.c"]


@pytest.mark.parametrize(("name", "parameters"), [("inversek2j", 60), ("bessel_jnu", 46), ("blackscholes", 170)])
def test_topologies_have_the_known_budgets(name: str, parameters: int) -> None:
    kernel = load_kernel(name)
    assert kernel.network.parameters(len(kernel.inputs), len(kernel.outputs)) == parameters


TOML = '''\
# a comment with = and [brackets]
"quoted key" = 'literal # no comment'
text = """
[not a table]
key = 1
"""
raw = \'\'\'
two '' quotes\'\'\'\'
a.b.c = 1
list = [
  1, # one

  { x = "}", y = [2, 3] },
  [ 4 ], 1979-05-27 07:32:00,
]
[table.sub]
key = "\\"]"
[[many]]
n = 1
[[many]]
n = 2
  [many.inner]
  z = 0
[[many.more]]
n = 3
[[many.more]]
n = 4
'''

LINES = {
    ("quoted key",): 2,
    ("text",): 3,
    ("raw",): 7,
    ("a", "b", "c"): 9,
    ("list",): 10,
    ("list", 0): 11,
    ("list", 1, "y", 1): 13,
    ("list", 3): 14,
    ("table", "sub", "key"): 17,
    ("many", 0, "n"): 19,
    ("many", 1): 20,
    ("many", 1, "n"): 21,
    ("many", 1, "inner", "z"): 23,
    ("many", 1, "more", 0, "n"): 25,
    ("many", 1, "more", 1, "n"): 27,
}


def test_lines_of_every_kind_of_toml() -> None:
    lines = key_lines(TOML)
    assert {path: lines.get(path) for path in LINES} == LINES


def test_every_path_that_tomllib_finds_has_a_line() -> None:
    lines = key_lines(TOML)
    waiting: list[tuple[tuple[str | int, ...], object]] = [((), tomllib.loads(TOML))]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [((*path, key), item) for key, item in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, index), item) for index, item in enumerate(value)]
        if path and path != ("table",):  # a table that only its sub-table names
            assert path in lines, path


def test_the_nearest_line_is_that_of_the_table_around() -> None:
    lines = key_lines(TOML)
    assert nearest_line(lines, ("many", 1, "missing")) == 20
    assert nearest_line(lines, ("missing",)) == 1


def test_a_file_that_nests_without_end_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "kernel.toml").write_text("name = " + "[" * 100_000)
    with pytest.raises(KernelError, match="too deep in each other"):
        read_manifest(tmp_path / "kernel.toml")
