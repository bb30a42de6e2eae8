"""Processes of a cluster over one PostgreSQL database, and a store of the test's own beside them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flowapp.jsontext import dumps, loads
from flowapp.store.approval_shapes import Answer
from flowapp.store.runs import FINISHED, NewRun, job_id
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow

PROGRAM = Path(__file__).with_name("cluster_server.py")


class Process:
    """A server or worker that obeys commands."""

    def __init__(self, cluster: Cluster, number: int, kind: str, tags: str, **env: str) -> None:
        self.number, self.kind, self.tags = number, kind, tags
        home = cluster.folder / f"p{number}"
        home.mkdir(exist_ok=True)
        command = [sys.executable, str(PROGRAM), str(home), cluster.url, str(cluster.effects), kind, tags]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        errors = (home / "errors.txt").open("ab")
        self.process = subprocess.Popen(
            command, **pipes, stderr=errors, text=True, start_new_session=True, env=os.environ | env
        )  # type: ignore[call-overload]
        errors.close()
        self.pid = int(self.process.pid)
        self.executor = ""

    async def ready(self) -> Process:
        """Wait until it serves."""
        self.executor = await self._line()
        return self

    async def tell(self, command: str, run: RunRow) -> None:
        """Have a command done."""
        self.process.stdin.write(f"{command} {run.id}\n")
        self.process.stdin.flush()
        assert await self._line() == "done"

    async def _line(self) -> str:
        line = await asyncio.wait_for(asyncio.to_thread(self.process.stdout.readline), 60)
        assert line, f"the process ended: {self.process.poll()}"
        return str(line).strip()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=10)
        self.process.stdin.close()
        self.process.stdout.close()


class Cluster:
    """The processes, what their scripts did, and the database."""

    def __init__(self, folder: Path, url: str, store: Store) -> None:
        self.folder, self.url, self.store = folder, url, store
        self.effects = folder / "effects"
        self.effects.touch()
        self.processes: list[Process] = []

    async def add(self, kind: str = "server", tags: str = "default", *, wait: bool = True, **env: str) -> Process:
        """Start one more."""
        process = Process(self, len(self.processes), kind, tags, **env)
        self.processes.append(process)
        return await process.ready() if wait else process

    async def again(self, process: Process) -> Process:
        """Start a killed process anew, on its data folder."""
        started = Process(self, process.number, process.kind, process.tags)
        self.processes.append(started)
        return await started.ready()

    async def servers(self, count: int) -> list[Process]:
        """The servers that are alive; at least so many."""
        await asyncio.gather(*[self.add() for _ in range(count - len(self._alive("server", "default")))])
        return self._alive("server", "default")[: count or None]

    async def worker(self, tags: str = "gpu") -> Process:
        """A worker that is alive."""
        return (self._alive("worker", tags) or [await self.add("worker", tags)])[0]

    def _alive(self, kind: str, tags: str) -> list[Process]:
        return [
            each for each in self.processes if (each.kind, each.tags) == (kind, tags) and each.process.poll() is None
        ]

    def begin(self) -> None:
        """Forget what scripts of earlier tests did."""
        (self.folder / "release").unlink(missing_ok=True)
        self.effects.write_text("")

    def close(self) -> None:
        """Kill what is left."""
        for process in self.processes:
            process.kill()

    async def create(self, flow: dict[str, Any], args: Any = None, **more: Any) -> RunRow:
        """Store a run."""
        values = self.store.values
        document, given = await values.put_value(dumps(flow)), await values.put_value(dumps(args or {}))
        new = NewRun("main", "flow", document, given, "admin", path="f/x/y", permissioned_as="u/admin", **more)
        return await self.store.runs.create(new)

    async def start(self, process: Process, flow: dict[str, Any], args: Any = None, **more: Any) -> RunRow:
        """Store a run and have a process begin it."""
        run = await self.create(flow, args, **more)
        await process.tell("start", run)
        return run

    async def ended(self, run: RunRow, within_s: float = 60) -> tuple[RunRow, Any]:
        """The finished run and its result."""

        async def look() -> RunRow | None:
            found = await self.store.runs.get(run.id)
            return found if found is not None and found.status in FINISHED else None

        row = await self.until(look, within_s)
        return row, loads(await self.store.values.get_value(row.result))

    async def until(self, look: Callable[[], Any], within_s: float = 60) -> Any:
        """What `look` (or its awaitable) gives, once that is something."""
        end = time.monotonic() + within_s
        while True:
            found = look()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            assert time.monotonic() < end, f"nothing came of {look}; {self.lines()[-5:]}"
            await asyncio.sleep(0.01)

    async def rests(self, run: RunRow) -> bool:
        """Whether no segment of the run is under way."""
        found = await self.store.runs.get(run.id)
        return found is not None and found.status == "suspended" and found.owner is None

    async def asked(self, run: RunRow) -> str | None:
        """The path of the step that waits for people, once one does."""
        rows = await self.store.database.read(lambda c: self.store.approvals.of_run(c, run.id))
        return rows[0].path if rows else None

    async def decide(self, run: RunRow, path: str, payload: Any = None) -> None:
        """Approve a step in the database only: nobody is told."""
        answer = Answer(
            job_id=job_id(run.id, path),
            resume_id=1,
            workspace="main",
            approved=True,
            run_id=run.id,
            payload=dumps(payload),
        )
        await self.store.database.write(lambda c: self.store.approvals.decide(c, answer))

    def lines(self) -> list[list[str]]:
        """The effects so far."""
        return [line.split() for line in self.effects.read_text().splitlines()]

    def pids(self, what: str, *jobs: str) -> list[int]:
        """The processes in which something was noted about these jobs (any, where none is given)."""
        return [int(pid) for kind, job, pid in self.lines() if kind == what and (not jobs or job in jobs)]

    def counts(self) -> Counter[str]:
        """How often each script's work was done."""
        return Counter(job for kind, job, _ in self.lines() if kind == "done")

    def release(self) -> None:
        """Let scripts that hold go on."""
        (self.folder / "release").touch()

    async def recorded(self, run: RunRow) -> set[str]:
        """Ids of the steps that are recorded as finished."""
        return {step.id for step in await self.store.runs.steps(run.id) if step.ended_at is not None}

    async def log(self, run: RunRow, path: str) -> str:
        """All of a step's log."""
        piece = await self.store.logs.read(run.id, path)
        return piece.text
