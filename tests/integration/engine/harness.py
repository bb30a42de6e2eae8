"""An engine on a real data folder, with runtimes that run Python functions in this process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowapp.engine import Engine, EngineConfig
from flowapp.engine.cluster import new_executor
from flowapp.engine.places import ManyPlaces
from flowapp.expressions import Evaluator, Limits
from flowapp.jsontext import dumps, loads
from flowapp.net import AddressPolicy
from flowapp.runtimes.jobs import Job, Outcome
from flowapp.store.executors import Executor
from flowapp.store.runs import NewRun
from flowapp.store.secret_box import SecretBox
from flowapp.store.stores import Store
from flowapp.store.tables import RunRow


@dataclass
class FakeRuntimes:
    """`code` of a step is the name of a function in `leaves`; it gets the job, and may print with the second argument."""

    leaves: dict[str, Callable[..., Any]] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    canceled: list[str] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)

    async def run(self, job: Job, on_log: Callable[[str], None], /) -> Outcome:
        self.jobs.append(job)
        try:
            value = self.leaves[job.code](job, on_log)
            if asyncio.iscoroutine(value):
                value = await value
        except ValueError as error:
            return Outcome(None, {"name": "ValueError", "message": str(error), "line": 3}, 1.0, "fake")
        return value if isinstance(value, Outcome) else Outcome(dumps(value), None, 1.5, "fake")

    async def cancel(self, job_id: str, /) -> bool:
        self.canceled.append(job_id)
        return True

    def shared_folder(self, name: str, /) -> Path:
        self.shared.append(name)
        return Path("/shared") / name

    def drop_shared_folder(self, name: str, /) -> None:
        if name in self.shared:
            self.shared.remove(name)


@dataclass
class Server:
    """One server process's worth of engine."""

    store: Store
    engine: Engine
    runtimes: FakeRuntimes
    evaluator: Evaluator

    async def create(self, flow: dict[str, Any], args: Any = None, **more: Any) -> RunRow:
        values = self.store.values
        document, given = await values.put_value(dumps(flow)), await values.put_value(dumps(args or {}))
        fields = {"kind": "flow", "created_by": "admin", "permissioned_as": "u/admin", "path": "f/x/y", **more}
        return await self.store.runs.create(NewRun("main", document=document, args=given, **fields))

    async def run(self, flow: dict[str, Any], args: Any = None, **more: Any) -> tuple[RunRow, Any]:
        run = await self.create(flow, args, **more)
        await self.engine.start_run(run.id)
        return await self.ended(run.id)

    async def ended(self, run_id: str) -> tuple[RunRow, Any]:
        row = await self.engine.finished(run_id)
        assert row.result is not None
        return row, loads(await self.store.values.get_value(row.result))

    async def value(self, digest: str | None) -> Any:
        assert digest is not None
        return loads(await self.store.values.get_value(digest))


@contextlib.asynccontextmanager
async def server(
    home: Path, runtimes: FakeRuntimes | None = None, url: str = "", me: Executor | None = None, **attributes: Any
) -> AsyncIterator[Server]:
    """Start and stop a server on a data folder; with `url` one of several over a database, as `me`."""
    store = await Store.open(url, home)
    evaluator = Evaluator(Limits(kept=1))
    await evaluator.start()
    made = runtimes or FakeRuntimes()
    places = (
        ManyPlaces(store, url, SecretBox(home, "tests"), me or new_executor("server", ("default",))) if url else None
    )
    engine = Engine(
        store, evaluator, made, EngineConfig(isolation="fake", calls=AddressPolicy.parse("127.0.0.1")), places
    )
    for name, value in attributes.items():
        setattr(engine, name, value)
    await engine.start()
    try:
        yield Server(store, engine, made, evaluator)
    finally:
        await engine.close()
        await evaluator.close()
        await store.close()


def step(step_id: str, code: str, inputs: dict[str, str] | None = None, **module: Any) -> dict[str, Any]:
    """A script step with expressions as inputs."""
    transforms = {name: {"type": "javascript", "expr": expr} for name, expr in (inputs or {}).items()}
    value = {"type": "rawscript", "language": "python3", "content": code, "input_transforms": transforms}
    return {"id": step_id, "value": value, **module}


def flow_of(*modules: dict[str, Any], **value: Any) -> dict[str, Any]:
    """A flow."""
    return {"summary": "", "value": {"modules": list(modules), **value}}
