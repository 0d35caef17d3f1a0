"""`axedge search` as a user runs it: stopped, killed, gone on with on two Ray workers, and taken over."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from tests.end_to_end.conftest import AXEDGE, axedge

pytestmark = [pytest.mark.cc, pytest.mark.train]
TASK = ["search", "./dew", "--board", "native", "--guarantee", "0.8", "--flash", "8K", "--effort", "0.01"]
TASK += ["--trials", "4", "--finals", "1"]


def finished(folder: Path) -> set[tuple[str, str]]:
    """Return the finished trials' networks and outcomes, as they stand in the file."""
    path = folder / "out" / "dew" / "search" / "trials.db"
    if not path.is_file():
        return set()
    try:
        with sqlite3.connect(path) as database:
            rows = database.execute(
                "select a.value_json, b.value_json from trial_user_attributes a join trial_user_attributes b "
                "on a.trial_id = b.trial_id join trials t on t.trial_id = a.trial_id "
                "where a.key = 'shape' and b.key = 'outcome' and t.state in ('COMPLETE', 'PRUNED')"
            )
            return set(rows.fetchall())
    except sqlite3.OperationalError:  # not written yet
        return set()


def end_after_one_more(folder: Path, how: signal.Signals) -> tuple[int, str]:
    """Start the search, end it once another trial has ended, and return its exit code and what it said."""
    kept = finished(folder)
    command = [*AXEDGE, *TASK, "--jobs", "1"]
    running = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 400
    while finished(folder) == kept and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.2)
    if how == signal.SIGKILL:
        running.kill()  # its workers see that it is gone
    else:
        os.killpg(running.pid, how)
    _, said = running.communicate(timeout=60)
    assert finished(folder) > kept, f"no trial ended in time\n{said}"
    return running.returncode, said


def test_a_stopped_and_a_killed_search_go_on_with_ray(tmp_path: Path) -> None:
    axedge("new", "dew", cwd=tmp_path)
    code, said = end_after_one_more(tmp_path, signal.SIGINT)
    assert code == 130 and "the same command goes on" in said and "Traceback" not in said
    stopped = finished(tmp_path)
    code, _ = end_after_one_more(tmp_path, signal.SIGKILL)
    assert code == -signal.SIGKILL
    before = finished(tmp_path)
    assert stopped < before

    # Two processes of Ray do the rest.
    answer = axedge(*TASK, "--ray", "local", "--jobs", "2", "--apply", "--json", cwd=tmp_path)
    after = finished(tmp_path)
    assert before <= after
    body = json.loads(answer.stdout)
    trials = body["trials"]
    assert [one["rung"] for one in trials].count("short") == 4
    assert {one["shape"]["inputs"] for one in trials} == {"plain", "two-byte"}
    old = {json.loads(outcome)["worker"] for _, outcome in before}
    new = {one["outcome"]["worker"] for one in trials} - old
    assert len(new) == 2
    chosen = trials[body["chosen"]]
    assert chosen["fits"] and 0 < chosen["outcome"]["flash_bytes"] <= 8192
    assert 0 < chosen["outcome"]["invocation"] <= 1
    assert chosen["outcome"]["fresh_invocation"] == pytest.approx(chosen["outcome"]["invocation"], abs=0.02)
    assert all(one["outcome"]["fresh_invocation"] is None for one in trials if one["rung"] == "short")
    text = (tmp_path / "dew" / "kernel.toml").read_text()
    assert re.search(rf"^approximator *= *{re.escape(str(chosen['shape']['approximator']))}$", text, re.MULTILINE)

    # Nothing is left to do; the table fits a narrow terminal, and says how to go on.
    shown = axedge(*TASK, cwd=tmp_path).stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert "axedge run ./dew --board native --guarantee 0.8" in shown or "Nothing better" in shown
    assert finished(tmp_path) == after
