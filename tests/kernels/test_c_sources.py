"""What a board's build asks of a kernel's C beyond the right answer."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from axedge.kernels.kernel import kernel_names, load_kernel

pytestmark = pytest.mark.cc

STRICT = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wdouble-promotion", "-Werror"]
NAMES = kernel_names()
# Functions that every target's C library has; AVR's has neither the gamma nor the error function in any width.
PORTABLE = {"acos", "atan2", "cos", "exp", "fabs", "floor", "log", "pow", "sin", "sqrt", "tan"}


def run(*command: str | Path) -> str:
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def all_sources(name: str) -> list[Path]:
    kernel = load_kernel(name)
    extra = [kernel.sampler.source] if kernel.sampler and kernel.sampler.source else []
    return [*kernel.sources(), *extra]


def symbols(objects: Path) -> dict[str, str]:
    """Return the kind, in nm's letters, of each symbol."""
    lines = [line.split() for line in run("nm", objects).splitlines()]
    return {parts[-1]: parts[-2] for parts in lines}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_no_compiler_has_anything_to_say(name: str, compiler: str, tmp_path: Path) -> None:
    assert shutil.which(compiler), f"apt install {compiler}"
    for source in all_sources(name):
        run(compiler, *STRICT, "-c", source, "-o", tmp_path / "out.o")


@pytest.mark.parametrize("name", NAMES)
def test_it_keeps_no_state_and_needs_the_plain_maths_library_only(name: str, tmp_path: Path) -> None:
    kernel = load_kernel(name)
    (source,) = kernel.sources()
    run("gcc", "-std=c99", "-O0", "-fno-stack-protector", "-fno-pic", "-c", source, "-o", tmp_path / "out.o")
    found = symbols(tmp_path / "out.o")
    assert not [symbol for symbol, kind in found.items() if kind in "BbCcDdGgSs"]
    public = {symbol for symbol, kind in found.items() if kind == "T"}
    assert public <= {name, f"{name}_sample"}
    width = "" if name.endswith("_double") else "f"
    assert {symbol for symbol, kind in found.items() if kind == "U"} <= {function + width for function in PORTABLE}


@pytest.mark.parametrize("name", NAMES)
def test_the_linker_drops_the_sampler(name: str, tmp_path: Path) -> None:
    (source,) = load_kernel(name).sources()
    main = tmp_path / "main.c"
    main.write_text(
        f"void {name}(const float *, float *);\nint main(void) {{ float v[64] = {{0}}; {name}(v, v); return 0; }}\n"
    )
    image = tmp_path / "image"
    run("gcc", "-O2", "-ffunction-sections", main, source, "-Wl,--gc-sections", "-lm", "-o", image)
    found = symbols(image)
    assert name in found
    assert not [symbol for symbol in found if "sample" in symbol]


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_may_overwrite_the_question(name: str, tmp_path: Path) -> None:
    """`out` may be `in` for the generated code, so the exact function behind it must read before it writes."""
    kernel = load_kernel(name)
    n, m = len(kernel.inputs), len(kernel.outputs)
    values = ", ".join(f"{value!r}" for value in kernel.draw("test", 1, 0).x[0].tolist())
    main = tmp_path / "main.c"
    main.write_text(f"""#include <string.h>
void {name}(const float *, float *);
int main(void) {{
    float apart_in[{n}] = {{{values}}}, apart[{max(n, m)}], same[{max(n, m)}];
    memcpy(same, apart_in, sizeof apart_in);
    {name}(apart_in, apart);
    {name}(same, same);
    return memcmp(apart, same, {m} * sizeof(float)) != 0;
}}
""")
    run("gcc", "-std=c99", "-O2", main, *kernel.sources(), "-lm", "-o", tmp_path / "image")
    run(tmp_path / "image")
