"""Rows that are too many to be held: they go to the store while they come, from real databases."""

from __future__ import annotations

import asyncio
import errno
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from flowapp.jsontext import JsonText, hash_of
from flowapp.runtimes import Limits, Runtimes
from flowapp.runtimes.errors import ResultRefused
from flowapp.store.errors import DatabaseAway
from flowapp.store.large_values import ValueRef, ValueWriter
from flowapp.store.stores import Store
from tests.integration.runtimes.conftest import Run

pytestmark = pytest.mark.asyncio(loop_scope="module")
Database = tuple[str, dict[str, Any]]

WIDE = {
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 75) "
    "SELECT n, printf('%.*c', 1000000, 'x') AS t FROM s",
    "duckdb": "SELECT range + 1 AS n, repeat('x', 1000000) AS t FROM range(75)",
    "postgresql": "SELECT n, repeat('x', 1000000) AS t FROM generate_series(1, 75) AS s(n)",
    "mysql": "SELECT seq AS n, repeat('x', 1000000) AS t FROM seq_1_to_75",
}
MANY = {
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 3000) "
    "SELECT n, n * 9007199254740993 AS big, 'a\"ä' AS t FROM s",
    "duckdb": "SELECT range AS n, range::HUGEINT * 9007199254740993 AS big, 'a\"ä' AS t FROM range(3000)",
    "postgresql": "SELECT n, n * 9007199254740993.5 AS big, 'a\"ä' AS t FROM generate_series(1, 3000) AS s(n)",
    "mysql": "SELECT seq AS n, seq * 9007199254740993.5 AS big, 'a\"ä' AS t FROM seq_1_to_3000",
}
ENDLESS = {
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s) SELECT n, 'flowapp_stream' AS t FROM s",
    "duckdb": "SELECT range AS n, 'flowapp_stream' AS t FROM range(1000000000000)",
    "postgresql": "SELECT generate_series(1, 1000000000000) AS n, 'flowapp_stream' AS t",
    "mysql": "SELECT seq AS n, 'flowapp_stream' AS t FROM seq_1_to_1000000000000",
}
#: a result of more than 10 KB leaves in parts
SMALL = Limits(result_bytes=10_000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Store]:
    made = await Store.open("", Path(tmp_path_factory.mktemp("store")))
    yield made
    await made.close()


@pytest.fixture(autouse=True)
def nothing_is_left(store: Store) -> Any:
    """Whatever a test does, no unfinished file stays."""
    yield
    assert not list((store.home / "blobs").glob("*.part"))


def blobs(store: Store) -> set[Path]:
    return set((store.home / "blobs").rglob("*.zst"))


class Watched:
    """Tells of the first part that was written."""

    def __init__(self, writer: ValueWriter) -> None:
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self.begun = asyncio.Event()

    def write(self, piece: bytes) -> None:
        self._writer.write(piece)
        self._loop.call_soon_threadsafe(self.begun.set)

    async def finish(self) -> JsonText:
        return await self._writer.finish()

    def discard(self) -> None:
        self._writer.discard()


async def test_more_than_was_ever_held(run: Run, store: Store, database: Database) -> None:
    language, given = database
    outcome = await run(language, WIDE[language], given, large=store.values.writer)
    assert outcome.error is None, outcome.error
    assert outcome.result is None
    assert outcome.stored is not None
    prepared = await store.values.prepare(outcome.stored)
    text = await store.values.get_value(prepared.hash)
    assert hash_of(text) == prepared.hash
    assert len(text) == prepared.size > 75_000_000
    assert json.loads(text) == [{"n": n, "t": "x" * 1_000_000} for n in range(1, 76)]


async def test_a_prepared_statement_of_mysql_is_held_by_nobody_either(
    run: Run, store: Store, mysql: dict[str, object]
) -> None:
    code = f"-- :a (int)\n{WIDE['mysql']} WHERE 1 = :a"
    args = {"database": mysql, "a": 1}
    outcome = await run("mysql", code, args, large=store.values.writer, limits=Limits(memory_mb=128))
    assert outcome.error is None, outcome.error
    prepared = await store.values.prepare(outcome.stored or JsonText(""))
    assert json.loads(await store.values.get_value(prepared.hash)) == [
        {"n": n, "t": "x" * 1_000_000} for n in range(1, 76)
    ]
    endless = f"-- :a (int)\n{ENDLESS['mysql']} WHERE 1 = :a"
    bounded = Limits(result_bytes=10_000, rows_bytes=1_000_000)
    error = (await run("mysql", endless, args, large=store.values.writer, limits=bounded)).error
    assert error is not None and error["name"] == "ResultTooLarge"
    left = "SELECT count(*) AS n FROM information_schema.PROCESSLIST WHERE INFO LIKE '%flowapp_stream%1 = %' AND ID <> connection_id()"
    async with asyncio.timeout(30):
        while (await run("mysql", left, {"database": mysql})).result != '[{"n":0}]':
            continue


@pytest.mark.parametrize(
    "collection", ["last_statement_all_rows", "last_statement_all_rows_scalar", "all_statements_all_rows"]
)
async def test_parts_make_the_text_that_would_come_at_once(
    run: Run, store: Store, database: Database, collection: str
) -> None:
    language, given = database
    code = f"-- result_collection={collection}\nSELECT 1 AS a; {MANY[language]}; {MANY[language]}"
    whole = await run(language, code, given)
    parts = await run(language, code, given, large=store.values.writer, limits=SMALL)
    assert parts.error is None, parts.error
    prepared = await store.values.prepare(parts.stored or JsonText(""))
    assert await store.values.get_value(prepared.hash) == whole.result
    assert prepared.hash == hash_of(whole.result or "")


async def test_few_rows_are_answered_at_once(run: Run, store: Store, database: Database) -> None:
    language, given = database
    outcome = await run(language, "SELECT 1 AS a", given, large=store.values.writer)
    assert (outcome.result, outcome.stored) == ('[{"a":1}]', None)


async def test_the_bound_says_what_to_do(run: Run, store: Store, database: Database) -> None:
    language, given = database
    before = blobs(store)
    limits = Limits(result_bytes=10_000, rows_bytes=1_000_000)
    outcome = await run(language, ENDLESS[language], given, large=store.values.writer, limits=limits)
    assert outcome.error is not None
    assert outcome.error["name"] == "ResultTooLarge"
    assert "1.0 MB" in outcome.error["message"]
    assert "LIMIT" in outcome.error["message"]
    assert blobs(store) == before


async def test_an_error_in_the_middle_is_the_answer(run: Run, store: Store, pg: dict[str, object]) -> None:
    before = blobs(store)
    code = "SELECT n, 1 / (2000 - n) AS x FROM generate_series(1, 3000) AS s(n)"
    outcome = await run("postgresql", code, {"database": pg}, large=store.values.writer, limits=SMALL)
    assert outcome.stored is None
    assert (outcome.error or {})["name"] == "DivisionByZero"
    assert blobs(store) == before


async def test_canceled_in_the_middle(
    run: Run, runtimes: Runtimes, store: Store, database: Database, pg: dict[str, Any]
) -> None:
    language, given = database
    before = blobs(store)
    writer = Watched(store.values.writer())
    task = asyncio.ensure_future(
        run(language, ENDLESS[language], given, large=lambda: writer, limits=SMALL, id="stream")
    )
    async with asyncio.timeout(20):
        await writer.begun.wait()
        assert await runtimes.cancel("stream")
        assert ((await task).error or {})["name"] == "Canceled"
    assert blobs(store) == before
    if language == "postgresql":
        await no_query(pg)


async def no_query(pg: dict[str, Any]) -> None:
    """The query has ended on the database's server too."""
    address = " ".join(f"{name}={pg[name]}" for name in ("host", "port", "user", "password", "dbname"))
    found = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%flowapp_stream%' AND state = 'active' AND pid <> pg_backend_pid()"
    async with asyncio.timeout(20), await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
        while (await (await connection.execute(found)).fetchall())[0][0]:
            await asyncio.sleep(0.05)


async def test_timed_out_in_the_middle(run: Run, store: Store, database: Database) -> None:
    language, given = database
    await run(language, "SELECT 1", given)  # the driver is loaded
    before = blobs(store)
    outcome = await run(language, ENDLESS[language], given, large=store.values.writer, limits=SMALL, timeout_s=0.7)
    assert (outcome.error or {})["name"] == "Timeout"
    assert blobs(store) == before


async def test_killed_in_the_middle(run: Run, runtimes: Runtimes, store: Store, database: Database) -> None:
    language, given = database
    before = blobs(store)
    writer = Watched(store.values.writer())
    task = asyncio.ensure_future(run(language, ENDLESS[language], given, large=lambda: writer, limits=SMALL, id="dies"))
    async with asyncio.timeout(20):
        await writer.begun.wait()
        conversation = runtimes._running["dies"][0].conversation
        assert conversation is not None
        signal.pidfd_send_signal(conversation._sandbox.handle, signal.SIGKILL)
        outcome = await task
    assert outcome.stored is None
    assert (outcome.error or {})["name"] == "ExecutionErr"
    assert blobs(store) == before


@pytest.mark.parametrize(
    ("error", "said"),
    [(ResultRefused("Not this."), "Not this."), (OSError(errno.ENOSPC, "No space left on device"), "No space left")],
)
async def test_what_cannot_be_stored_is_an_error(run: Run, store: Store, error: Exception, said: str) -> None:
    class Full(Watched):
        def write(self, piece: bytes) -> None:
            raise error

    writer = Full(store.values.writer())
    outcome = await run("sqlite", MANY["sqlite"], large=lambda: writer, limits=SMALL)
    assert outcome.stored is None
    assert said in (outcome.error or {})["message"]


async def test_a_database_that_is_away_is_no_error_of_the_step(run: Run, store: Store) -> None:
    class Away(Watched):
        async def finish(self) -> JsonText:
            raise DatabaseAway("The database is away.")

    before = blobs(store)
    writer = Away(store.values.writer())
    with pytest.raises(DatabaseAway):
        await run("sqlite", MANY["sqlite"], large=lambda: writer, limits=SMALL)
    assert blobs(store) == before


async def test_only_sql_cells_send_parts(run: Run, store: Store) -> None:
    writer = Watched(store.values.writer())
    forged = """
import os, struct
def main():
    for fd in range(3, 32):
        for kind, body in ((b"[", b""), (b"I", b"[],[]"), (b"]", b""), (b"O", b"")):
            try:
                os.write(fd, struct.pack(">cI", kind, len(body)) + body)
            except OSError:
                break
"""
    outcome = await run("python3", forged, large=lambda: writer)
    assert not writer.begun.is_set()
    assert outcome.stored is None
    assert "wrote into the channel" in (outcome.error or {})["message"]
    writer.discard()


async def test_a_connection_stays_open_after_a_stream(
    run: Run, store: Store, pg: dict[str, object], mysql: dict[str, object]
) -> None:
    for language, resource, number in (
        ("postgresql", pg, "pg_backend_pid()"),
        ("mysql", mysql, "CONNECTION_ID()"),
    ):
        given = {"database": resource}
        first = await run(language, f"SELECT {number} AS p", given, owner="ada")
        streamed = await run(language, MANY[language], given, owner="ada", large=store.values.writer, limits=SMALL)
        assert ValueRef.from_text(streamed.stored or "") is not None
        assert (await run(language, f"SELECT {number} AS p", given, owner="ada")).result == first.result


async def test_duckdb_writes_rows_to_a_file_of_the_run(run: Run, runtimes: Runtimes) -> None:
    shared = runtimes.shared_folder("large-1")
    written = await run("duckdb", "COPY (SELECT range AS n FROM range(10)) TO 'shared/rows.parquet'", shared=shared)
    assert written.error is None, written.error
    read = await run("duckdb", "SELECT sum(n)::INT AS n FROM 'shared/rows.parquet'", shared=shared)
    assert read.result == '[{"n":45}]'
    runtimes.drop_shared_folder("large-1")
