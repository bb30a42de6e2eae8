"""Runtimes with real processes, shared by the tests of one module."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from flowapp.jsontext import JsonText
from flowapp.runtimes import Job, Outcome, Runtimes, RuntimeSettings
from tests.support.mysql import mysql_server
from tests.support.postgres import USER, PostgresServer

Run = Callable[..., Awaitable[Outcome]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runtimes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Runtimes]:
    made = Runtimes(RuntimeSettings(home=Path(tmp_path_factory.mktemp("home")), idle=2, idle_deno=1))
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def run(runtimes: Runtimes) -> Run:
    """Run code with arguments; `log` collects its output."""

    async def call(
        language: str, code: str, args: dict[str, Any] | None = None, log: list[str] | None = None, **more: Any
    ) -> Outcome:
        pieces: list[str] = [] if log is None else log
        return await runtimes.run(
            Job(more.pop("id", "test"), language, code, JsonText(json.dumps(args or {})), **more), pieces.append
        )

    return call


@pytest.fixture(scope="session")
def mysql() -> Iterator[dict[str, object]]:
    """A resource of type mysql for a MariaDB server of this test run."""
    with mysql_server() as server:
        yield server.resource


@pytest.fixture(scope="session")
def pg(postgres: PostgresServer) -> dict[str, object]:
    """A resource of type postgresql."""
    postgres.create("cells")
    address = {"host": "127.0.0.1", "port": postgres.port, "user": USER, "password": postgres.password}
    return {**address, "dbname": "cells", "sslmode": "prefer"}


@pytest.fixture(params=["sqlite", "duckdb", "postgresql", "mysql"])
def database(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """A language, and the input that connects it."""
    name = {"postgresql": "pg", "mysql": "mysql"}.get(request.param)
    return request.param, {"database": request.getfixturevalue(name)} if name else {}
