"""What every test relies on: skips that are allowed are listed by name, and any other skip fails the run."""

from __future__ import annotations

import ctypes
import ctypes.util
import fnmatch
import signal
from pathlib import Path

import pytest

ALLOWED = Path(__file__).with_name("allowed_skips.txt")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-unlisted-skips",
        action="store_true",
        help=f"fail the run when a test is skipped that {ALLOWED.name} does not list",
    )


def pytest_configure() -> None:
    """Let Ctrl-C arrive in the programs under test: a run in the background inherits that it is ignored."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Undo what TensorFlow may have left in this thread: subnormal numbers flushed to zero."""
    name = ctypes.util.find_library("m")
    if name is not None:
        default_environment = ctypes.c_void_p(-1)  # FE_DFL_ENV of glibc
        ctypes.CDLL(name).fesetenv(default_environment)


def allowed_patterns() -> list[str]:
    lines = ALLOWED.read_text(encoding="utf-8").splitlines()
    return [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]


def unlisted(node_ids: list[str], patterns: list[str]) -> list[str]:
    """Return the skipped tests that no pattern names."""
    return sorted({node for node in node_ids if not any(fnmatch.fnmatch(node, pattern) for pattern in patterns)})


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    config = session.config
    if not config.getoption("--no-unlisted-skips") or hasattr(config, "workerinput"):
        return
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = [report.nodeid.split("@")[0] for report in reporter.stats.get("skipped", [])]
    surprising = unlisted(skipped, allowed_patterns())
    if surprising:
        reporter.write_line(f"skipped without being listed in {ALLOWED.name}:", red=True)
        for node in surprising:
            reporter.write_line(f"  {node}", red=True)
        if session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
