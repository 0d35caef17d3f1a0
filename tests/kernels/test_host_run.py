"""A kernel's C that misbehaves: it ends its own process only, and one line says what it did on which row."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from axedge.artifacts.errors import KernelError
from axedge.kernels import hostrun
from axedge.kernels.kernel import load_kernel

pytestmark = pytest.mark.cc
MakeFolder = Callable[..., Path]

C = """\
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
void halve(const float in[2], float out[1])
{{
    volatile int zero = 0;
    (void)zero;
    out[0] = in[1];
    if (in[0] == 3.0f) {{ {deed} }}
}}
void halve_sample(const float u[3], float in[2]) {{ in[0] = u[0]; in[1] = u[1]; }}
"""
ROWS = np.stack([np.arange(5000), np.full(5000, 0.5)], axis=1).astype(np.float32)


@pytest.mark.parametrize(
    ("deed", "says"),
    [
        ("*(volatile int *)8 = 1;", r"halve\(\) crashed \(segmentation fault\)"),
        ("abort();", r"halve\(\) crashed \(aborted\)"),
        ("__builtin_trap();", r"halve\(\) crashed \((illegal instruction|trace.*)\)"),
        ("raise(SIGFPE);", r"halve\(\) crashed \(floating point exception\)"),
        ("exit(0);", r"halve\(\) ended the program \(exit code 0\)"),
        ("out[1] = 1;", r"halve\(\) reads or writes past out\[1\]"),
        ("out[0] = in[zero + 2];", r"halve\(\) reads or writes past in\[2\]"),
    ],
)
def test_c_that_crashes_is_one_line_that_names_the_row(make_folder: MakeFolder, deed: str, says: str) -> None:
    kernel = load_kernel(make_folder(c=C.format(deed=deed)))
    with pytest.raises(KernelError, match=says + r" on input row 4 of 5,000: \{3, 0\.5\}\.") as caught:
        kernel.exact(ROWS)
    assert caught.value.hint
    np.testing.assert_array_equal(kernel.exact(ROWS[4:])[:, 0], ROWS[4:, 1])


def test_c_that_does_not_end_is_ended(make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostrun, "ROW_TIMEOUT_S", 0.2)
    kernel = load_kernel(make_folder(c=C.format(deed="for (;;) zero = 1;")))
    with pytest.raises(KernelError, match=r"halve\(\) did not end within 0\.2 s on input row 4 of 5,000"):
        kernel.exact(ROWS)


def test_the_sampler_is_watched_too(make_folder: MakeFolder) -> None:
    sample = ("[network]", '[sample]\nfunction = "halve_sample"\nuniforms = 3\n[network]')
    c = C.format(deed="").replace("in[0] = u[0];", "in[0] = u[0]; if (u[0] > 0.5f) abort();")
    with pytest.raises(KernelError, match=r"halve_sample\(\) crashed \(aborted\) on input row \d+ of 100: \{0\."):
        load_kernel(make_folder(sample, c=c)).draw("train", 100, 0)


def test_what_the_kernel_prints_does_not_get_among_its_answers(make_folder: MakeFolder) -> None:
    kernel = load_kernel(make_folder(c=C.format(deed='puts("hello"); fflush(stdout); getchar();')))
    np.testing.assert_array_equal(kernel.exact(ROWS)[:, 0], ROWS[:, 1])


def test_an_output_that_is_not_written_is_no_number(make_folder: MakeFolder) -> None:
    c = "void halve(const float in[2], float out[1]) { if (in[0] > 2) out[0] = in[1]; }\n"
    found = load_kernel(make_folder(c=c)).exact(ROWS)
    assert np.isnan(found[:3]).all()
    assert (found[3:] == 0.5).all()


def test_as_many_rows_as_a_training_draws(make_folder: MakeFolder) -> None:
    rows = np.random.default_rng(0).random((262_144, 2), dtype=np.float32)
    found = load_kernel(make_folder()).exact(rows)
    np.testing.assert_array_equal(found[:, 0], np.float32(0.5) * (rows[:, 0] + rows[:, 1]))


def test_ctrl_c_ends_the_wait_and_the_child(make_folder: MakeFolder, tmp_path: Path) -> None:
    folder = make_folder(c=C.format(deed="for (;;) zero = 1;"))
    script = f"""
        import numpy as np
        from axedge.kernels.kernel import load_kernel
        load_kernel({str(folder)!r}).exact(np.full((2, 2), 3, np.float32))
    """
    own = os.environ | {"TMPDIR": str(tmp_path)}
    user = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], env=own, stderr=subprocess.PIPE)
    until = time.monotonic() + 60
    while not children_in(tmp_path) and time.monotonic() < until:
        time.sleep(0.05)
    assert children_in(tmp_path)
    user.send_signal(signal.SIGINT)
    said = user.communicate(timeout=120)[1]
    assert b"KeyboardInterrupt" in said
    assert not children_in(tmp_path)


def children_in(folder: Path) -> list[str]:
    """Return the programs that run from below a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*/exe"):
        try:
            target = str(process.readlink())
        except OSError:
            continue
        if target.startswith(str(folder)):
            found.append(target)
    return found
