"""The same sequences on bare DBOS and on Prefect: steps are plain functions there, nothing is isolated or evaluated.

Prefect gets an environment of its own, since it is no dependency of ours; where it cannot be installed, that is said.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PREFECT = "prefect==3.9.1"

_DBOS = """
import json, sys, time
import sqlalchemy as sa
from sqlalchemy import event
from dbos import DBOS
folder, counts = sys.argv[1], [int(n) for n in sys.argv[2:]]
engine = sa.create_engine(f"sqlite:///{folder}/dbos.db", pool_size=2, max_overflow=0)
@event.listens_for(engine, "connect")
def _(c, _r):
    c.isolation_level = "IMMEDIATE"
    for p in ("busy_timeout=30000", "foreign_keys=ON", "journal_mode=WAL", "synchronous=NORMAL"):
        c.execute("PRAGMA " + p)
DBOS(config={"name": "bench", "system_database_engine": engine, "system_database_url": f"sqlite:///{folder}/dbos.db",
    "application_version": "1", "executor_id": "bench", "log_level": "ERROR"})
@DBOS.step()
def step(x):
    return {"v": x["v"] + 1}
@DBOS.workflow()
def flow(count):
    x = {"v": 0}
    for _ in range(count):
        x = step(x)
    return x
DBOS.launch()
for count in counts:
    times = []
    for _ in range(4):
        begun = time.perf_counter()
        assert flow(count) == {"v": count}
        times.append((time.perf_counter() - begun) * 1000)
    print(json.dumps({"count": count, "ms": min(times[1:])}), flush=True)
DBOS.destroy()
"""

_PREFECT = """
import json, sys, time
from prefect import flow, task
counts = [int(n) for n in sys.argv[2:]]
@task
def step(x):
    return {"v": x["v"] + 1}
@flow
def run(count):
    x = {"v": 0}
    for _ in range(count):
        x = step(x)
    return x
for count in counts:
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        assert run(count) == {"v": count}
        times.append((time.perf_counter() - begun) * 1000)
    print(json.dumps({"count": count, "ms": min(times[1:])}), flush=True)
"""


def main(folder: Path, quick: bool) -> None:
    """Both, 40 steps (and 1,000 where there is time)."""
    counts = ["40"] if quick else ["40", "1000"]
    _say("bare DBOS, SQLite", Path(sys.executable), _DBOS, folder, counts)
    python = _prefect(folder)
    if python is not None:
        _say("Prefect, its own SQLite server", python, _PREFECT, folder, counts)


def _prefect(folder: Path) -> Path | None:
    place = folder / "prefect"
    python = place / "bin/python"
    commands: tuple[list[str | Path], ...] = (
        [sys.executable, "-m", "venv", place],
        [python, "-m", "pip", "install", "--quiet", PREFECT],
    )
    for command in commands:
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            print(json.dumps({"what": "Prefect could not be installed", "why": made.stderr[-300:]}), flush=True)
            return None
    return python


def _say(what: str, python: Path, program: str, folder: Path, counts: list[str]) -> None:
    environment = {
        **os.environ,
        "HOME": str(folder),
        "PREFECT_HOME": str(folder / "prefect-home"),
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    command = [str(python), "-c", program, str(folder), *counts]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=folder)
    if done.returncode != 0:
        print(json.dumps({"what": f"{what}: failed", "why": done.stderr[-500:]}), flush=True)
        return
    for row in done.stdout.splitlines():
        if row.startswith("{"):
            found = json.loads(row)
            line = {"what": f"{what}: {found['count']} steps", "ms": round(found["ms"], 3)}
            print(json.dumps({**line, "ms_per_step": round(found["ms"] / found["count"], 3)}), flush=True)
