"""A server with a few kinds of steps, and with something that listens, knows secrets and issues tokens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from flowapp.errors import FlowappError
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.runtimes.jobs import Job
from flowapp.store.tables import JobRow, RunRow
from tests.integration.engine.harness import FakeRuntimes, Server, server


class Watching:
    """An observer that notes everything."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []
        self.saved: list[str] = []

    def step_started(self, run: RunRow, job: JobRow) -> None:
        self.heard.append(("started", job.path))

    def saves(self, run: RunRow) -> bool:
        return True

    def saving(self, connection: Connection, run: RunRow, job: JobRow) -> None:
        found = connection.exec_driver_sql(
            "SELECT status FROM job WHERE run_id = ? AND path = ?", (run.id, job.path)
        ).scalar()
        self.saved.append(f"{job.path} {found}")

    def step_finished(self, run: RunRow, job: JobRow, args: JsonText | None, result: JsonText | None) -> None:
        self.heard.append(("finished", job.path, job.status, args, result))

    def logged(self, run: RunRow, path: str, text: str, offset: int) -> None:
        self.heard.append(("log", path, text, offset))

    def streamed(self, run: RunRow, path: str, text: str, offset: int) -> None:
        self.heard.append(("stream", path, text, offset))

    def run_changed(self, run: RunRow) -> None:
        self.heard.append(("run", run.status))


class Stored:
    """Variables and resources."""

    async def lookup(self, run: RunRow, kind: str, path: str) -> JsonText | None:
        if path == "f/forbidden":
            raise FlowappError(f"{run.permissioned_as} may not read {path}")
        return {"variable u/a/tok": dumps("s3cr3t"), "resource u/a/db": dumps({"password": "$var:u/a/tok"})}.get(
            f"{kind} {path}"
        )


class Issuing:
    """Tokens."""

    async def issue(self, run: RunRow, job_id: str, seconds: float) -> str:
        return f"token of {job_id} for {seconds:g}"


def give(job: Job, log: Any) -> Any:
    return loads(job.args)


def speak(job: Job, log: Any) -> Any:
    log("hello\n")
    log("again\n")
    return {"said": 2}


def fail(job: Job, log: Any) -> Any:
    log("about to fail\n")
    raise ValueError("bad thing")


async def hang(job: Job, log: Any) -> Any:
    await asyncio.sleep(60)


LEAVES = {"give": give, "speak": speak, "fail": fail, "hang": hang}


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Server]:
    async with server(
        tmp_path, FakeRuntimes(dict(LEAVES)), observer=Watching(), secrets=Stored(), tokens=Issuing()
    ) as running:
        yield running
