"""Every scenario of `scenarios.py` on every kind of host that this machine can stand for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.integration.runtimes.scenario import Seen
from tests.integration.runtimes.scenarios import SCENARIOS

HERE = Path(__file__).parent
IS_ROOT = os.geteuid() == 0
_UID = "20123"
#: set-up → what is put before the driver's command, and the level that must be reached
SETUPS: dict[str, tuple[list[str], str]] = (
    {
        "root": ([], "full"),
        "root without namespaces": ([sys.executable, str(HERE / "setups.py"), "0", "no"], "basic"),
        "user": ([sys.executable, str(HERE / "setups.py"), _UID, "yes"], "user"),
        "user without namespaces": ([sys.executable, str(HERE / "setups.py"), _UID, "no"], "basic"),
    }
    if IS_ROOT
    else {"as we are": ([], "")}
)


@cache
def all_reports() -> dict[str, dict[str, Any]]:
    """What the driver said in each set-up; all set-ups run at once, because most of their time is waiting."""
    with ThreadPoolExecutor(len(SETUPS)) as threads:
        return dict(zip(SETUPS, threads.map(report_of, SETUPS), strict=True))


def reports(setup: str) -> dict[str, Any]:
    return all_reports()[setup]


def report_of(setup: str) -> dict[str, Any]:
    """All lines of one run of the driver."""
    before, _ = SETUPS[setup]
    done = subprocess.run(
        [*before, sys.executable, str(HERE / "driver.py")], capture_output=True, text=True, timeout=280, cwd="/"
    )
    found: dict[str, Any] = {"stderr": done.stderr, "status": done.returncode, "scenarios": {}}
    for line in map(json.loads, done.stdout.splitlines()):
        if "name" in line:
            found["scenarios"][line["name"]] = line
        else:
            found.update(line)
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("setup", SETUPS)
def test_the_level_of_this_host_is_reached(setup: str) -> None:
    report = reports(setup)
    assert report["status"] == 0, report["stderr"][-2000:]
    wanted = SETUPS[setup][1]
    assert report["isolation"]["level"] == (wanted or report["isolation"]["level"]), report["isolation"]
    assert report["isolation"]["mechanisms"]["data folder hidden"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("setup", SETUPS)
def test_a_scenario_ends_as_it_should_and_the_next_job_runs(setup: str, name: str) -> None:
    line = reports(setup)["scenarios"].get(name)
    assert line is not None, reports(setup)["stderr"][-2000:]
    SCENARIOS[name].check(Seen(**line["seen"]))
    assert line["intact"]


@pytest.mark.skipif(not IS_ROOT, reason="needs root to become somebody else")
@pytest.mark.parametrize(("wanted", "level"), [("", None), ("basic", None), ("none", "none")])
def test_a_host_without_any_wall_runs_only_when_told_to(wanted: str, level: str | None) -> None:
    done = subprocess.run(
        [
            sys.executable,
            str(HERE / "setups.py"),
            _UID,
            "nothing",
            sys.executable,
            str(HERE / "driver.py"),
            "python loop",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
        env={**os.environ, "FLOWAPP_MIN_ISOLATION": wanted},
    )
    first, *rest = map(json.loads, done.stdout.splitlines())
    if level is None:
        assert first["refused"]["code"] == "runtimes.isolation_too_low"
        assert "could read the data folder" in first["refused"]["message"]
        assert "FLOWAPP_MIN_ISOLATION=none" in first["refused"]["hint"]
    else:
        assert first["isolation"]["level"] == level
        assert not first["isolation"]["mechanisms"]["data folder hidden"]
        assert rest[0]["intact"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("setup", SETUPS)
def test_nothing_is_left_after_closing(setup: str) -> None:
    assert reports(setup)["left"] == []
