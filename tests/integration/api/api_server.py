"""A whole workspace over SQLite in a temporary folder, reached through HTTP; the engine is scripted by the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx

from flowapp.api import create_api
from flowapp.expressions.evaluator import Evaluator
from flowapp.jsontext import dumps, loads
from flowapp.runtimes.editing import Question
from flowapp.settings import Settings
from flowapp.store import cancels, identities
from flowapp.store.clock import now
from flowapp.store.runs import job_id
from flowapp.store.stores import Store
from flowapp.store.tables import JobRow, MemberRow, RunRow, UserRow, WorkspaceRow
from flowapp.workspace.app import Workspace
from tests.support.honest import require_honesty

TOKEN = "test-token-0123456789"


class ScriptedEngine:
    """Runs nothing: answers for each step come from `answers`, or the test finishes steps by hand."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.observer: Any = None
        self.secrets: Any = None
        self.files: Any = None
        self.library: Any = None
        self.tokens: Any = None
        self.answers: dict[str, Any] = {}
        self.failing: dict[str, dict[str, Any]] = {}
        self.hold = False
        self.started: list[str] = []
        self.cancelled: list[str] = []
        self.woken: list[str] = []

    async def start_run(self, run_id: str, row: RunRow | None = None) -> None:
        self.started.append(run_id)
        if not self.hold:
            await self.finish(run_id)

    async def wake(self, run_id: str) -> None:
        self.woken.append(run_id)

    async def cancel(self, run_id: str, by: str, reason: str) -> None:
        self.cancelled.append(run_id)
        await self.store.database.write(lambda c: cancels.mark(c, run_id, by, reason))
        run = await self.store.runs.claim(run_id, "test")
        if run is not None:
            self.observer.run_changed(await self.store.runs.finish(run_id, "test", "canceled", None, failed=True))

    async def begin(self, run_id: str, step: str) -> None:
        run = await self.store.runs.claim(run_id, "test")
        assert run is not None
        self.observer.step_started(run, self._job(run, step, "running", None))

    async def finish(self, run_id: str, paths: list[str] | None = None) -> None:
        """End a run after its steps, or after steps at these paths (`loop[1].b`)."""
        run = await self.store.runs.claim(run_id, "test")
        assert run is not None
        plan = loads(run.plan) if run.plan else None
        document = loads(await self.store.values.get_value(run.document))
        steps = (
            paths or plan["run"]
            if plan and (paths or plan["run"] is not None)
            else [module["id"] for module in document["value"]["modules"]]
        )
        last, failed = dumps(None), False
        for step in steps:
            failed = step in self.failing
            last = dumps({"error": self.failing[step]} if failed else self.answers.get(step))
            await self._step(run, step, last, "failure" if failed else "success")
            if failed:
                break
        prepared = await self.store.values.prepare(last)
        await self.store.database.write(lambda c: self.store.values.insert(c, prepared))
        status = "failure" if failed else "success"
        done = await self.store.runs.finish(run_id, "test", status, prepared.hash, failed=failed)
        self.observer.run_changed(done)

    async def _step(self, run: RunRow, step: str, result: Any, status: str) -> None:
        self.observer.step_started(run, self._job(run, step, "running", None))
        self.observer.logged(run, step, f"log of {step}\n", 0)
        prepared = await self.store.values.prepare(result)
        job = self._job(run, step, status, prepared.hash)

        def work(connection: Any) -> None:
            self.store.values.insert(connection, prepared)
            self.store.runs.put_job(connection, job.model_dump(), "test")
            self.store.logs.append(connection, run.id, step, 1, 0, f"log of {step}\n", "test")
            self.observer.saving(connection, run, job)

        await self.store.database.write(work)
        self.observer.step_finished(run, job, None, result)

    def _job(self, run: RunRow, step: str, status: str, result: str | None) -> JobRow:
        at = now()
        return JobRow(
            run_id=run.id,
            path=step,
            id=job_id(run.id, step),
            workspace=run.workspace,
            step_id=step.rsplit(".", 1)[-1],
            kind="rawscript",
            language="python3",
            status=status,
            result=result,
            started_at=at,
            ended_at=at if result else None,
            duration_ms=1.5 if result else None,
        )


class Editing:
    """Answers with what it was asked."""

    async def ask(self, owner: str, question: Question) -> dict[str, Any]:
        return {"owner": owner, **asdict(question)}


class Runtimes:
    editing = Editing()

    def describe(self) -> dict[str, Any]:
        return {"isolation": {"level": "test"}, "languages": {}}

    def __init__(self) -> None:
        self.folders: dict[str, list[tuple[str, int]]] = {}
        self.locks: dict[str, str] = {}

    def shared_files(self, name: str) -> list[tuple[str, int]]:
        return self.folders.get(name, [])

    def drop_shared_folder(self, name: str) -> None:
        self.folders.pop(name, None)

    async def lock(self, language: str, code: str, libraries: Mapping[str, str], path: str) -> str | None:
        return self.locks.get(code)

    async def cached_packages(self) -> Mapping[str, Any]:
        return {}

    async def clear_packages(self) -> Mapping[str, Any]:
        return {}


class Server:
    """The API, its parts, and a signed-in client."""

    def __init__(self, workspace: Workspace, engine: ScriptedEngine) -> None:
        self.workspace = workspace
        self.engine = engine
        self.app = create_api(workspace)
        self.client = self.make_client({"authorization": f"Bearer {TOKEN}"})

    def make_client(self, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        hooks = {"response": [require_honesty]}
        return httpx.AsyncClient(
            transport=transport, base_url="http://flowapp.test", headers=headers, event_hooks=hooks
        )

    async def person(self, name: str, role: str, workspace: str = "main") -> httpx.AsyncClient:
        """A client of another person."""
        email = f"{name}@example.org"

        def work(connection: Any) -> None:
            if identities.workspace(connection, workspace) is None:
                row = WorkspaceRow(id=workspace, name=workspace, key="k", created_at=now())
                identities.add_workspace(connection, row)
            identities.add_user(connection, UserRow(email=email, username=name, created_at=now()))
            identities.set_member(connection, MemberRow(workspace=workspace, email=email, role=role))

        await self.workspace.store.database.write(work)
        token = await self.workspace.sessions.issue_api_token(email, "test")
        return self.make_client({"authorization": f"Bearer {token}"})

    async def draft(self, flow: dict[str, Any] | None = None, **more: Any) -> str:
        body = {**({"flow": flow} if flow else {}), **more}
        answer = await self.client.post("/api/w/main/drafts", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def notebook(self, draft: str) -> dict[str, Any]:
        answer = await self.client.get(f"/api/w/main/drafts/{draft}/notebook")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def post(self, draft: str, what: str, body: Any, status: int = 200) -> Any:
        answer = await self.client.post(f"/api/w/main/drafts/{draft}/{what}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def edit(self, draft: str, *ops: dict[str, Any], client: str = "page", status: int = 200) -> Any:
        return await self.post(draft, "operations", {"client": client, "ops": list(ops)}, status)

    async def run(self, draft: str, *cells: str, status: int = 200, **more: Any) -> Any:
        return await self.post(draft, "run", {"client": "page", "cells": list(cells), **more}, status)


def script(step: str, code: str, language: str = "python3", **transforms: Any) -> dict[str, Any]:
    value = {"type": "rawscript", "content": code, "language": language, "input_transforms": transforms}
    return {"id": step, "value": value}


def js(expr: str) -> dict[str, Any]:
    return {"type": "javascript", "expr": expr}


def flow_of(*modules: dict[str, Any], **schema: Any) -> dict[str, Any]:
    properties = {"type": "object", "properties": schema, "required": [], "order": list(schema)}
    return {"summary": "Test flow", "value": {"modules": list(modules)}, "schema": properties}


CHAIN = flow_of(
    script("a", "def main(n: int):\n    return [n] * 3\n", n=js("flow_input.n")),
    script("b", "def main(rows: list):\n    return len(rows)\n", rows=js("results.a")),
    n={"type": "integer", "default": 7},
)


@asynccontextmanager
async def opened_server(home: Path, url: str = "", **more: Any) -> AsyncIterator[Server]:
    """A server over a database of its own (SQLite in `home` without an address); `more` are settings."""
    store = await Store.open(url, home)
    engine, evaluator = ScriptedEngine(store), Evaluator()
    await evaluator.start()
    workspace = Workspace(store, engine, evaluator, Runtimes(), Settings(home=home, token=TOKEN, **more))
    await workspace.start()
    made = Server(workspace, engine)
    yield made
    await made.client.aclose()
    await workspace.close()
    await evaluator.close()
    await store.close()
