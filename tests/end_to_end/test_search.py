"""`axedge search` as a user runs it: killed in the middle, gone on with on two Ray workers, and taken over."""

from __future__ import annotations

import json
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


def test_a_killed_search_goes_on_with_ray_and_is_taken_over(tmp_path: Path) -> None:
    axedge("new", "dew", cwd=tmp_path)
    running = subprocess.Popen([*AXEDGE, *TASK, "--jobs", "1"], cwd=tmp_path, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 400
    while not (before := finished(tmp_path)) and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.2)
    running.send_signal(signal.SIGKILL)
    running.wait()
    before = finished(tmp_path)
    assert before, "no trial ended in time"

    # Two processes of Ray do the rest.
    answer = axedge(*TASK, "--ray", "local", "--jobs", "2", "--apply", "--json", cwd=tmp_path)
    after = finished(tmp_path)
    assert before <= after
    body = json.loads(answer.stdout)
    trials = body["trials"]
    assert [one["rung"] for one in trials].count("short") == 4
    old = {json.loads(outcome)["worker"] for _, outcome in before}
    new = {one["outcome"]["worker"] for one in trials} - old
    assert len(new) == 2
    chosen = trials[body["chosen"]]
    assert chosen["fits"] and 0 < chosen["outcome"]["flash_bytes"] <= 8192
    assert 0 < chosen["outcome"]["invocation"] <= 1
    text = (tmp_path / "dew" / "kernel.toml").read_text()
    assert re.search(rf"^approximator *= *{re.escape(str(chosen['shape']['approximator']))}$", text, re.MULTILINE)

    # Nothing is left to do; the table fits a narrow terminal, and says how to go on.
    shown = axedge(*TASK, cwd=tmp_path).stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert "axedge run ./dew --board native --guarantee 0.8" in shown or "Nothing better" in shown
    assert finished(tmp_path) == after
