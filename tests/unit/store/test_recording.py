"""`Database.record`: small writes that the event loop does itself on SQLite, with the same promises as `write`."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.errors import DatabaseClosed, DatabaseFailed
from flowapp.store.events import Event
from flowapp.store.sqlite import TIDY_AFTER, SqliteDatabase
from flowapp.store.stores import Store

_INSERT = sa.text("INSERT INTO workspace VALUES (:id, '', '', '', '{}')")


@pytest.fixture
async def store(tmp_path: Path, store_url: str) -> AsyncIterator[Store]:
    opened = await Store.open(store_url, tmp_path / "home")
    yield opened
    await opened.close()


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Store]:
    """A store on SQLite."""
    opened = await Store.open("", tmp_path / "home")
    yield opened
    await opened.close()


def _insert(connection: Connection, name: str) -> str:
    connection.execute(_INSERT, {"id": name})
    return threading.current_thread().name


def _names(connection: Connection) -> list[str]:
    return sorted(row[0] for row in connection.execute(sa.text("SELECT id FROM workspace")))


async def test_what_is_recorded_is_there_for_every_reader(store: Store) -> None:
    for name in "abc":
        await store.database.record(lambda c, name=name: _insert(c, name))  # type: ignore[misc]
    assert await store.database.read(_names) == ["a", "b", "c"]


async def test_a_failing_record_undoes_itself_and_says_nothing(store: Store) -> None:
    listener = store.events.subscribe(["t"])

    def announce(connection: Connection, name: str) -> None:
        _insert(connection, name)
        store.events.after_commit(Event("t", name))
        if name == "bad":
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await store.database.record(lambda c: announce(c, "bad"))
    await store.database.record(lambda c: announce(c, "good"))
    assert (await anext(listener)).type == "good"
    assert await store.database.read(_names) == ["good"]
    with pytest.raises(RuntimeError):
        store.events.after_commit(Event("t", "late"))


async def test_records_and_writes_at_once(store: Store) -> None:
    database = store.database
    works = [(database.record, f"r{n:03}") for n in range(100)] + [(database.write, f"w{n:03}") for n in range(100)]
    works.sort(key=lambda work: work[1][1:])
    await asyncio.gather(*[do(lambda c, name=name: _insert(c, name)) for do, name in works])  # type: ignore[misc]
    assert await database.read(_names) == sorted(name for _, name in works)


async def test_a_closed_database_refuses_records(tmp_path: Path, store_url: str) -> None:
    closed = await Store.open(store_url, tmp_path)
    await closed.database.record(lambda c: _insert(c, "a"))
    await closed.close()
    with pytest.raises(DatabaseClosed):
        await closed.database.record(lambda c: _insert(c, "b"))


async def test_sqlite_writes_it_on_the_spot(local: Store) -> None:
    assert await local.database.record(lambda c: _insert(c, "a")) == threading.current_thread().name
    assert await local.database.write(lambda c: _insert(c, "b")) == "store-write"


async def test_the_event_loop_waits_for_no_other_writer(local: Store) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        _insert(connection, "slow")
        begun.set()
        assert go_on.wait(20)

    writing = asyncio.create_task(local.database.write(slow))
    await asyncio.to_thread(begun.wait, 20)
    recording = asyncio.create_task(local.database.record(lambda c: _insert(c, "record")))
    await asyncio.sleep(0)  # if it waited, the slow write could never be told to go on
    go_on.set()
    await writing
    assert await recording == "store-write"
    assert await local.database.read(_names) == ["record", "slow"]


async def test_another_process_that_writes_is_waited_for_elsewhere(local: Store) -> None:
    await local.database.record(lambda c: _insert(c, "before"))
    with _held(local.home / "flowapp.db"):
        recording = asyncio.create_task(local.database.record(lambda c: _insert(c, "meanwhile")))
        await asyncio.sleep(0)
        assert not recording.done()
    assert await recording == "store-write"


async def test_the_log_of_sqlite_does_not_grow_with_what_is_recorded(local: Store) -> None:
    text = "x" * 2000

    def note(connection: Connection, number: int) -> None:
        connection.execute(
            sa.text("INSERT INTO value VALUES (:hash, :text, NULL, 1, '', '')"), {"hash": str(number), "text": text}
        )

    log = local.home / "flowapp.db-wal"
    sizes = []
    for number in range(TIDY_AFTER * 8):
        await local.database.record(lambda c, number=number: note(c, number))  # type: ignore[misc]
        if number % TIDY_AFTER == TIDY_AFTER - 1:
            await local.database.write(lambda _: None)  # what tidies is behind
            sizes.append(log.stat().st_size)
    assert sizes[-1] < 3 * sizes[0], sizes


async def test_a_log_that_cannot_be_moved_stops_no_write(local: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = asyncio.Event()
    loop = asyncio.get_running_loop()

    def full(database: SqliteDatabase, raw: sqlite3.Connection) -> None:
        database._untidy = 0
        loop.call_soon_threadsafe(tried.set)
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(SqliteDatabase, "_tidy", full)
    for number in range(TIDY_AFTER):
        await local.database.record(lambda c, number=number: _insert(c, f"r{number}"))  # type: ignore[misc]
    async with asyncio.timeout(20):
        await tried.wait()
        await local.database.write(lambda c: _insert(c, "after"))


@pytest.mark.parametrize("do", ["write", "record"])
async def test_what_the_driver_refuses_is_the_databases_failure(local: Store, do: str) -> None:
    def full(_: Connection) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with pytest.raises(DatabaseFailed, match="disk is full"):
        await getattr(local.database, do)(full)
    await getattr(local.database, do)(lambda c: _insert(c, "after"))
    assert await local.database.read(_names) == ["after"]


@contextmanager
def _held(file: Path) -> Iterator[None]:
    """Somebody else is writing."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()
