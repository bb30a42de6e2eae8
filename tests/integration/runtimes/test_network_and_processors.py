"""`FLOWAPP_STEP_NETWORK=off` and `FLOWAPP_STEP_CPUS` on every kind of host that this machine can stand for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.runtimes.test_hostile_scripts import SETUPS

HERE = Path(__file__).parent


def report(before: list[str]) -> dict[str, Any]:
    """What jobs of a server with both settings saw, by the name of the job."""
    command = [*before, sys.executable, str(HERE / "settings_driver.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd="/")
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout))


@pytest.mark.timeout(150)
@pytest.mark.parametrize("setup", SETUPS)
def test_steps_reach_nothing_and_keep_to_their_processors(setup: str) -> None:
    before, level = SETUPS[setup]
    seen = report(before)
    assert seen["level"] == (level or seen["level"])
    assert seen["mechanisms"]["no network"] is True
    assert seen["mechanisms"]["few processors"] is True
    assert seen["python"] == {"sockets": [101, 101, 101], "processors": 1, "more": 1}
    assert seen["typescript"] != "connected"
    assert seen["bash"] == '"closed"'
    assert "cannot be reached" in seen["sql"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only a set-up of root can take the call filter away")
@pytest.mark.timeout(150)
def test_a_host_that_cannot_close_the_network_is_refused() -> None:
    seen = report([sys.executable, str(HERE / "setups.py"), "0", "unfiltered"])
    assert "FLOWAPP_STEP_NETWORK" in seen["refused"]
