"""A server killed in the middle of a tick: the tick is neither lost nor done twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("killed_server.py")


def run(home: Path, seconds: float, where: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROGRAM), str(home), str(seconds), where]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60, check=False)


@pytest.mark.parametrize("where", ["in the claim", "before the start"])
def test_kill_9_in_the_middle_of_a_tick(tmp_path: Path, where: str) -> None:
    killed = run(tmp_path, 20, where)
    assert killed.returncode == -signal.SIGKILL
    # a tick comes every second: one more is missed before the next server is there, however fast it starts
    time.sleep(1.5)
    second = run(tmp_path, 2.5, "nowhere")
    found: dict[str, Any] = json.loads(second.stdout)
    runs = found["runs"]
    moments = [moment for moment, _, _ in runs]
    assert len(moments) == len({*moments})
    assert {status for _, status, _ in runs} == {"success"}
    assert len(runs) >= 2
    assert found["left"] == 0
    if where == "before the start":
        # the run that was stored and never begun is the first; those that were missed meanwhile are one
        assert json.loads(runs[0][2])["missed"] == 0
        assert json.loads(runs[1][2])["missed"] >= 0
    else:
        # nothing of the first tick was kept, so it is made up for
        assert json.loads(runs[0][2])["missed"] >= 1
