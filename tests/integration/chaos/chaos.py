"""Kills processes at random moments and looks at what came of their runs.

What must hold: every run ends with the right result, and a step that was recorded as finished never begins again.
"""

from __future__ import annotations

import json
import os
import random
import select
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from flowapp.store.clock import text_of
from tests.integration.engine.harness import flow_of, step

PROGRAM = Path(__file__).with_name("chaos_server.py")
STARTS_WITHIN_S = 90.0
TICK_S = 2
DEBOUNCED: dict[str, Any] = {"debounce_delay_s": 0.7, "debounce_args_to_accumulate": ["x"]}


def work(step_id: str, x: str, seconds: float = 0.02, tag: str = "") -> dict[str, Any]:
    """A script that takes a while and returns `x`."""
    module = step(step_id, "work", {"x": x, "seconds": str(seconds)})
    if tag:
        module["value"]["tag"] = tag
    return module


def shapes(chance: random.Random) -> list[dict[str, Any]]:
    """One run of each kind, with the result that it must have."""
    length, count = chance.randint(4, 10), chance.randint(4, 24)
    steps = [work(f"s{n}", f"results.s{n - 1} + 1" if n else "1", chance.uniform(0, 0.15)) for n in range(length)]
    iterator = {"type": "javascript", "expr": f"Array.from({{length: {count}}}, (_, i) => i)"}
    body = [work("a", "flow_input.iter.value", 0.05), work("b", "results.a * 2", tag=chance.choice(["", "gpu"]))]
    over: dict[str, Any] = {"type": "forloopflow", "iterator": iterator, "parallel": True}
    loop = {"id": "l", "value": {**over, "modules": body}}
    sleep = {"type": "static", "value": chance.choice([1, 7])}
    ask = {**work("ask", "3"), "suspend": {"required_events": 1}}
    branches = [{"modules": [ask, work("c", "resume.n")]}, {"modules": steps[:3]}]
    both = {"id": "p", "value": {"type": "branchall", "parallel": True, "branches": branches}}
    # under a key of this run's own, so that its result is known
    debounced = {**work("a", "[flow_input.iter.value]"), "debouncing": {**DEBOUNCED, "debounce_key": str(uuid.uuid4())}}
    burst = {"id": "l", "value": {**over, "modules": [debounced, work("b", "results.a")]}}
    # whichever of them went, and for whom: what all brought has been worked on, once
    went = work("end", "results.l.filter(Array.isArray).flat().sort((a, b) => a - b)")
    return [
        made(flow_of(*steps), length),
        made(flow_of(burst, went), list(range(count))),
        made(flow_of(loop, work("end", "results.l")), [2 * n for n in range(count)]),
        made(flow_of({**work("a", "5"), "sleep": sleep}, work("b", "results.a + 1")), 6),
        made(flow_of(ask, work("c", "resume.n + results.ask")), 7, asks=True),
        made(flow_of(both), [4, 3], asks=True),
        made(flow_of(*steps[:2]), 2, later_s=chance.uniform(0.5, 4)),
    ]


def made(flow: dict[str, Any], result: Any, **more: Any) -> dict[str, Any]:
    """A run of the plan."""
    return {"id": str(uuid.uuid4()), "flow": flow, "result": result, "asks": False, **more}


@dataclass
class Found:
    """What a chaos run came to."""

    kills: int
    runs: int
    seconds: float
    wrong: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    deciding: bool = False
    ticks: int = 0


class Chaos:
    """One database and its processes; `url` is "" for SQLite, where there is one process."""

    def __init__(self, folder: Path, url: str, seed: int) -> None:
        self.folder, self.url, self.chance = folder, url, random.Random(seed)
        self.plan: list[dict[str, Any]] = []
        self.effects, self.marker = folder / "effects", folder / "died-deciding"
        self.effects.touch()
        self._processes: list[subprocess.Popen[str]] = []
        kinds = [("server", "default"), ("server", "default"), ("worker", "gpu")] if url else [("server", "default")]
        self._kinds = kinds
        self.ticks = 0
        self._recorded: list[tuple[set[str], int]] = []
        address = (
            url.replace("postgresql://", "postgresql+psycopg://") if url else f"sqlite:///{folder}/home0/flowapp.db"
        )
        self._engine = sa.create_engine(address, poolclass=sa.NullPool)

    def run(self, kills: int, end_s: float) -> Found:
        """Kill so many times, new runs all the while; then wait for the end of all, at most `end_s` seconds."""
        begun = time.monotonic()
        try:
            self._add_runs()
            self._processes = [self._start(number) for number in range(len(self._kinds))]
            for process in self._processes:
                self._ready(process)
            for _ in range(kills):
                self._wait(self.chance.uniform(0.05, 1.5))
                self._kill(self.chance.randrange(len(self._processes)))
                self._add_runs()
            wrong = self._ends(time.monotonic() + end_s)
        finally:
            for process in self._processes:
                process.kill()
                process.communicate()
            self._engine.dispose()
        return Found(
            kills, len(self.plan), time.monotonic() - begun, wrong, self._again(), self.marker.exists(), self.ticks
        )

    def _add_runs(self) -> None:
        self.plan += shapes(self.chance)
        new = self.folder / "plan.new"
        new.write_text(json.dumps(self.plan))
        new.replace(self.folder / "plan.json")

    def _start(self, number: int) -> subprocess.Popen[str]:
        kind, tags = self._kinds[number]
        home = self.folder / f"home{number}"
        home.mkdir(exist_ok=True)
        command = [sys.executable, str(PROGRAM), str(home), self.url, str(self.folder), kind, tags]
        environment = {**os.environ, "CHAOS_DIES_DECIDING": str(self.marker)}
        with (self.folder / f"errors{number}.txt").open("a") as errors:
            return subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment, start_new_session=True
            )

    def _ready(self, process: subprocess.Popen[str]) -> None:
        """Wait until it serves (or has killed itself)."""
        assert process.stdout is not None
        found, _, _ = select.select([process.stdout], [], [], STARTS_WITHIN_S)
        assert found, "a process does not start"
        process.stdout.readline()

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._again_up()
            time.sleep(0.01)

    def _again_up(self) -> None:
        """Start what has killed itself."""
        for number, process in enumerate(self._processes):
            if process.poll() is not None:
                self._look()
                process.communicate()
                self._processes[number] = self._start(number)
                self._ready(self._processes[number])

    def _kill(self, number: int) -> None:
        self._processes[number].kill()
        self._processes[number].communicate()
        self._look()
        self._processes[number] = self._start(number)
        # where others go on, the next kill may come while this one starts
        if not self.url or self.chance.random() < 0.7:
            self._ready(self._processes[number])

    def _look(self) -> None:
        """Note what is recorded as finished: from here on none of it may begin."""
        rows = self._rows("SELECT id FROM job WHERE ended_at IS NOT NULL")
        self._recorded.append(({row[0] for row in rows}, len(self._lines())))

    def _again(self) -> list[str]:
        lines = self._lines()
        return [
            line
            for recorded, at in self._recorded
            for line in lines[at:]
            if line.startswith("begun") and line[6:] in recorded
        ]

    def _lines(self) -> list[str]:
        return self.effects.read_text().splitlines()

    def _ends(self, until: float) -> list[str]:
        """What is wrong with the runs once all are over, or the time is."""
        while True:
            self._again_up()
            found = {row[0]: row[1:] for row in self._rows(_RUNS)}
            wrong = [
                f"{wanted['id']}: {found.get(wanted['id'])} instead of {wanted['result']}"
                for wanted in self.plan
                if wanted["id"] not in found
                or found[wanted["id"]][0] != "success"
                or json.loads(found[wanted["id"]][1]) != wanted["result"]
            ]
            wrong += self._wrong_ticks()
            if not wrong or time.monotonic() > until:
                return wrong
            time.sleep(0.1)

    def _wrong_ticks(self) -> list[str]:
        """Each tick of the schedule started one run, or is one of those that a later run makes up for."""
        found = self._rows(_TICKS)
        old = text_of(datetime.now(UTC) - timedelta(seconds=15))
        wrong = [str(row) for row in found if row[0] < old and (row[1], row[2]) != ("success", "21")]
        for before, after in pairwise(found):
            gap = (datetime.fromisoformat(after[0]) - datetime.fromisoformat(before[0])).total_seconds()
            if gap != TICK_S * (1 + json.loads(after[3]).get("missed", 0)):
                wrong.append(f"{before[0]} … {after[0]}: {after[3]}")
        self.ticks = len(found)
        return wrong if found else ["no tick"]

    def _rows(self, query: str) -> list[Any]:
        try:
            with self._engine.connect() as connection:
                return list(connection.execute(sa.text(query)))
        except (sa.exc.OperationalError, sa.exc.ProgrammingError):
            return []  # killed before it had made its tables


_TICKS = (
    "SELECT run.scheduled_for, run.status, value.text, run.trigger FROM run LEFT JOIN value ON value.hash = run.result "
    "WHERE run.schedule IS NOT NULL ORDER BY run.scheduled_for"
)
_RUNS = "SELECT run.id, run.status, value.text FROM run LEFT JOIN value ON value.hash = run.result"
