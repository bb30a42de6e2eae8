"""A server killed in the middle of a run: the next one finishes it, and what was finished does not run again."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("crash_server.py")
LEAVES = 60
IN_FLIGHT = 4


def start(home: Path, effects: Path, run_id: str) -> subprocess.Popen[str]:
    arguments = [sys.executable, str(PROGRAM), str(home), str(effects), run_id]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, start_new_session=True)


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = process.communicate(timeout=60)
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def finished_rows(home: Path, run_id: str) -> set[str]:
    """Ids of the steps that the killed server had recorded as finished."""
    connection = sqlite3.connect(home / "flowapp.db")
    try:
        rows = connection.execute("SELECT id FROM job WHERE run_id = ? AND ended_at IS NOT NULL", (run_id,))
        return {row[0] for row in rows}
    finally:
        connection.close()


@pytest.mark.parametrize("after", [15, 48], ids=["in the sequence", "in the parallel loop"])
def test_kill_9_in_the_middle_of_a_run(tmp_path: Path, after: int) -> None:
    home, effects = tmp_path / "home", tmp_path / "effects"
    effects.touch()
    first = start(home, effects, "new")
    assert first.stdout is not None
    run_id = first.stdout.readline().strip()
    while len(effects.read_text().splitlines()) < after:
        assert first.poll() is None
        time.sleep(0.005)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    before = effects.read_text().splitlines()
    assert len(before) < LEAVES
    recorded = finished_rows(home, run_id)

    end = finish(start(home, effects, run_id))

    assert end["status"] == "success"
    assert end["result"] == [{"x": n + 1} for n in range(20)]
    assert {status for status, _ in end["steps"].values()} == {"success"}
    assert len(end["steps"]) == LEAVES + 1
    counts = Counter(effects.read_text().splitlines())
    assert len(counts) == LEAVES
    # recorded steps ran once; only what was in flight at the kill ran twice
    assert all(counts[job] == 1 for job in recorded if job in counts)
    twice = [job for job, count in counts.items() if count > 1]
    assert len(twice) <= IN_FLIGHT
    assert max(counts.values()) <= 2


def test_killed_twice(tmp_path: Path) -> None:
    home, effects = tmp_path / "home", tmp_path / "effects"
    effects.touch()
    run_id = "new"
    for wanted in (10, 25):
        process = start(home, effects, run_id)
        assert process.stdout is not None
        run_id = process.stdout.readline().strip()
        while len(effects.read_text().splitlines()) < wanted:
            assert process.poll() is None
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    end = finish(start(home, effects, run_id))
    assert end["status"] == "success"
    assert len(Counter(effects.read_text().splitlines())) == LEAVES
