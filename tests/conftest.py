"""Databases for all tests: the embedded SQLite file, and a real PostgreSQL server that is started when a test asks for it."""

from __future__ import annotations

import asyncio
import functools
import itertools
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy.engine import Engine

from flowapp.store import sqlite
from flowapp.store.migrations import migrate
from flowapp.store.stores import Store
from tests.support.postgres import PostgresServer, postgres_server

_NUMBERS = itertools.count(1)
#: how busy the machine is says nothing about the code
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(scope="session", autouse=True)
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new SQLite file is the copy of one that all migrations made, in a fiftieth of their time. Files that hold anything are migrated."""

    @functools.cache
    def made() -> Path:
        file = tmp_path_factory.mktemp("tables") / "flowapp.db"
        engine = sqlite.sqlite_engine(file)
        migrate(engine)
        engine.dispose()
        return file

    def copy_or_migrate(engine: Engine) -> None:
        file = Path(engine.url.database or "")
        if file.stat().st_size:
            migrate(engine)
        else:
            shutil.copyfile(made(), file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite, "migrate", copy_or_migrate)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The one PostgreSQL server of this test run."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres: PostgresServer) -> str:
    """The address of an empty database on it. Tests that write take `postgres_database`, which is theirs alone."""
    return postgres.create("shared")


@pytest.fixture(scope="session")
def postgres_tables(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database with our tables in it; a copy of it is made in a fifth of the time that all migrations take."""

    async def migrate() -> None:
        await (await Store.open(postgres.create("tables"), tmp_path_factory.mktemp("tables"))).close()

    with ThreadPoolExecutor(1) as thread:  # in this one an event loop may be running
        thread.submit(asyncio.run, migrate()).result()
    return "tables"


@pytest.fixture
def postgres_database(postgres: PostgresServer, postgres_tables: str) -> Iterator[str]:
    """The address of a database of this test's own: our tables, and nothing in them."""
    name = f"test_{next(_NUMBERS)}"
    yield postgres.create(name, postgres_tables)
    postgres.drop(name)


@pytest.fixture
def new_postgres_database(postgres: PostgresServer) -> Iterator[str]:
    """The address of a database of this test's own that nobody has opened yet."""
    name = f"new_{next(_NUMBERS)}"
    yield postgres.create(name)
    postgres.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """What DATABASE_URL would be: a test that takes this runs once on each database."""
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres_database"))


@pytest.fixture(params=["sqlite", "postgresql"])
def new_store_url(request: pytest.FixtureRequest) -> str:
    """The same of a database without our tables: for a test that takes it from one schema to the next."""
    return "" if request.param == "sqlite" else str(request.getfixturevalue("new_postgres_database"))
