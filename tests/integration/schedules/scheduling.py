"""A server whose schedules a test lets tick: real engine and database, user code as Python functions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from flowapp.access.identity import Identity
from flowapp.engine import Engine, EngineConfig
from flowapp.expressions import Evaluator, Limits
from flowapp.jsontext import dumps, loads
from flowapp.runtimes.editing import Editing
from flowapp.runtimes.jobs import Job
from flowapp.settings import Settings
from flowapp.store import flows, identities, schedules, scripts
from flowapp.store.clock import now, text_of
from flowapp.store.rows import all_of, table
from flowapp.store.runs import FINISHED
from flowapp.store.stores import Store
from flowapp.store.tables import FlowVersionRow, MemberRow, RunRow, ScheduleRow, ScriptRow, TickRow, UserRow
from flowapp.workspace.app import Workspace
from tests.integration.engine.harness import FakeRuntimes

ADMIN = Identity("main", "admin@flowapp.local", "admin", "admin")
PATH = "f/team/every_hour"


class Described(FakeRuntimes):
    """Runtimes that health reports can ask."""

    def describe(self) -> Mapping[str, Any]:
        return {}

    def shared_files(self, name: str) -> list[tuple[str, int]]:
        return []

    async def lock(self, language: str, code: str, libraries: Mapping[str, str], path: str) -> str | None:
        return None

    async def cached_packages(self) -> Mapping[str, Any]:
        return {}

    async def clear_packages(self) -> Mapping[str, Any]:
        return {}

    @property
    def editing(self) -> Editing:
        return Editing()


@dataclass
class Scheduling:
    """One server."""

    store: Store
    engine: Engine
    workspace: Workspace
    runtimes: FakeRuntimes

    async def flow(self, path: str, *modules: dict[str, Any]) -> None:
        """Deploy a flow."""
        document = dumps({"summary": path, "value": {"modules": list(modules)}})
        row = FlowVersionRow(
            workspace="main", path=path, version=0, document=document, created_by="admin", created_at=now()
        )
        await self.store.database.write(lambda c: flows.add(c, row))

    async def script(self, path: str, code: Callable[..., Any]) -> None:
        """Store a script; what it does is a function of its arguments."""
        self.runtimes.leaves[path] = lambda job, _log: code(**loads(job.args))
        row = ScriptRow(
            workspace="main", path=path, hash="", content=path, language="python3", created_by="admin", created_at=now()
        )
        row.hash = scripts.new_hash(row)
        await self.store.database.write(lambda c: scripts.add(c, row))

    async def schedule(self, path: str = PATH, identity: Identity = ADMIN, **body: Any) -> ScheduleRow:
        """Add a schedule of every hour."""
        given = {"path": path, "schedule": "0 0 * * * *", "timezone": "UTC", "is_flow": True, **body}
        await self.workspace.schedules.create(identity, given)
        return await self.row(path)

    async def row(self, path: str = PATH) -> ScheduleRow:
        found = await self.store.database.read(lambda c: schedules.get(c, "main", path))
        assert found is not None
        return found

    async def tick(self, path: str = PATH, late: float = 0.5) -> datetime:
        """Let the next tick of a schedule come; returns the moment it was for."""
        row = await self.row(path)
        assert row.next_at is not None
        moment = datetime.fromisoformat(row.next_at)
        await self.look(moment + timedelta(seconds=late))
        return moment

    async def look(self, moment: datetime) -> None:
        await self.workspace.duties[0].look(moment)

    async def follow(self) -> None:
        """Wait for all runs to end, and let what follows from that happen."""
        for run in await self.runs():
            if run.status not in FINISHED:
                await asyncio.wait_for(self.engine.finished(run.id), 60)
        await self.workspace.duties[1].look(datetime.now(UTC))

    async def runs(self, schedule: str | None = None) -> list[RunRow]:
        """Runs, oldest first."""
        runs = table(RunRow)
        query = sa.select(runs).order_by(runs.c.number)
        if schedule is not None:
            query = query.where(runs.c.schedule == schedule)
        return await self.store.database.read(lambda c: all_of(c, RunRow, query))

    async def ticks(self) -> list[TickRow]:
        return await self.store.database.read(lambda c: all_of(c, TickRow, sa.select(table(TickRow))))

    async def result(self, run: RunRow) -> Any:
        ended = await asyncio.wait_for(self.engine.finished(run.id), 60)
        return loads(await self.store.values.get_value(ended.result)) if ended.result else None

    async def args(self, run: RunRow) -> Any:
        return loads(await self.store.values.get_value(run.args))

    async def person(self, name: str, role: str) -> Identity:
        def work(connection: Any) -> None:
            row = UserRow(email=f"{name}@example.org", username=name, created_at=now())
            identities.add_user(connection, row)
            identities.set_member(connection, MemberRow(workspace="main", email=row.email, role=role))

        await self.store.database.write(work)
        return await self.workspace.sessions.identity_named(name, "main")

    async def set_next(self, moment: datetime, path: str = PATH) -> None:
        """As if the server had been down since then."""
        await self.store.database.write(lambda c: schedules.change(c, "main", path, {"next_at": text_of(moment)}))


@contextlib.asynccontextmanager
async def scheduling(home: Path, url: str = "", *, timer: bool = False) -> AsyncIterator[Scheduling]:
    """Start and stop a server; its timer fires schedules by itself only if told."""
    store = await Store.open(url, home)
    evaluator = Evaluator(Limits(kept=1))
    await evaluator.start()
    runtimes = Described()
    engine = Engine(store, evaluator, runtimes, EngineConfig(isolation="fake"))
    workspace = Workspace(store, engine, evaluator, runtimes, Settings(home=home))
    await workspace.start()
    if timer:
        for duty in workspace.duties:
            engine.timer.add(duty)
        workspace.schedules.soon = engine.timer.soon
    await engine.start()
    try:
        yield Scheduling(store, engine, workspace, runtimes)
    finally:
        await engine.close()
        await workspace.close()
        await evaluator.close()
        await store.close()


def step(step_id: str, code: str, inputs: Mapping[str, str] | None = None, **module: Any) -> dict[str, Any]:
    """A script step with expressions as inputs; its code is the name of a function."""
    transforms = {name: {"type": "javascript", "expr": expr} for name, expr in (inputs or {}).items()}
    value = {"type": "rawscript", "language": "python3", "content": code, "input_transforms": transforms}
    return {"id": step_id, "value": value, **module}


def arguments(job: Job, _log: Any) -> Any:
    """A script that returns its arguments."""
    return loads(job.args)
