"""Rows that become a stored file (`-- s3`), from real databases: whole or not at all, and held by nobody."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from flowapp.jsontext import JsonText, dumps
from flowapp.runtimes import Limits, Runtimes
from flowapp.runtimes.errors import ResultRefused
from tests.integration.runtimes.conftest import Run
from tests.integration.runtimes.test_sql_large import ENDLESS
from tests.support.warehouses import BigQueryServer, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")
Database = tuple[str, dict[str, Any]]

ROWS = {
    "sqlite": "SELECT 1 AS n, 'a,\"ä\"' AS t, 1.25 AS x, NULL AS z UNION ALL SELECT 9007199254740993, '', -2.25, NULL",
    "duckdb": "SELECT 1 AS n, 'a,\"ä\"' AS t, 1.25 AS x, NULL AS z UNION ALL SELECT 9007199254740993, '', -2.25, NULL",
    "postgresql": "SELECT 1 AS n, 'a,\"ä\"' AS t, 1.25 AS x, NULL AS z UNION ALL SELECT 9007199254740993, '', -2.25, NULL",
    "mysql": "SELECT 1 AS n, 'a,\"ä\"' AS t, 1.25 AS x, NULL AS z UNION ALL SELECT 9007199254740993, '', -2.25, NULL",
}
MILLION = "SELECT n, n * 0.5::float8 AS x, repeat('row ', 50) || n AS t FROM generate_series(1, 1000000) AS s(n)"
NAMED = JsonText('{"s3":"x"}')


class Kept:
    """A file in memory, as a storage would keep it."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.finished = self.dropped = False
        self.begun = asyncio.Event()

    @property
    def content(self) -> bytes:
        return b"".join(self.pieces)

    async def write(self, piece: bytes) -> None:
        self.pieces.append(piece)
        self.begun.set()

    async def finish(self) -> JsonText:
        self.finished = True
        return NAMED

    async def discard(self) -> None:
        self.dropped = not self.finished


async def read(run: Run, runtimes: Runtimes, content: bytes, sql: str) -> list[dict[str, Any]]:
    """What DuckDB finds in a file of Parquet."""
    shared = runtimes.shared_folder("parquet")
    try:
        await asyncio.to_thread(Path(shared, "x.parquet").write_bytes, content)
        outcome = await run("duckdb", sql.replace("FILE", "'shared/x.parquet'"), shared=shared)
    finally:
        runtimes.drop_shared_folder("parquet")
    assert outcome.error is None, outcome.error
    rows: list[dict[str, Any]] = json.loads(outcome.result or "")
    return rows


@pytest.mark.parametrize("kind", ["json", "csv", "parquet"])
async def test_all_rows_in_each_format(run: Run, runtimes: Runtimes, database: Database, kind: str) -> None:
    language, given = database
    file = Kept()
    code = f"-- s3 format={kind}\nSELECT 7 AS other; {ROWS[language]}"
    outcome = await run(language, code, given, file=lambda: file)
    assert (outcome.error, outcome.result, outcome.stored) == (None, None, NAMED)
    assert file.finished and not file.dropped
    if kind == "json":
        big = {"n": "9007199254740993", "t": "", "x": -2.25, "z": None}
        assert json.loads(file.content) == [{"n": 1, "t": 'a,"ä"', "x": 1.25, "z": None}, big]
    elif kind == "csv":
        found = list(csv.reader(io.StringIO(file.content.decode(), newline="")))
        assert found == [["n", "t", "x", "z"], ["1", 'a,"ä"', "1.25", ""], ["9007199254740993", "", "-2.25", ""]]
    else:
        sql = "SELECT n::VARCHAR AS n, t, x, z FROM FILE"
        assert await read(run, runtimes, file.content, sql) == [
            {"n": "1", "t": 'a,"ä"', "x": 1.25, "z": None},
            {"n": "9007199254740993", "t": "", "x": -2.25, "z": None},
        ]


@pytest.mark.parametrize("kind", ["json", "csv", "parquet"])
async def test_no_rows_are_a_file_too(run: Run, runtimes: Runtimes, database: Database, kind: str) -> None:
    language, given = database
    file = Kept()
    sql = f'-- s3 format={kind}\nSELECT n AS "a\'b" FROM (SELECT 1 AS n) s WHERE n > 1'.replace(
        '"', "`" if language == "mysql" else '"'
    )
    outcome = await run(language, sql, given, file=lambda: file)
    assert (outcome.error, outcome.stored) == (None, NAMED)
    if kind == "json":
        assert json.loads(file.content) == []
    elif kind == "csv":
        assert file.content == b"a'b\r\n"
    else:
        assert await read(run, runtimes, file.content, "SELECT column_name AS c FROM (DESCRIBE FROM FILE)") == [
            {"c": "a'b"}
        ]


async def test_inputs_and_types_of_duckdb_reach_its_own_parquet(run: Run, runtimes: Runtimes) -> None:
    file = Kept()
    code = (
        "-- s3 format=parquet\n-- $n (int)\nSELECT $n::DECIMAL(30, 2) AS d, TIMESTAMP '2026-01-02 03:04:05' AS t -- end"
    )
    outcome = await run("duckdb", code, {"n": 5}, file=lambda: file)
    assert outcome.error is None, outcome.error
    kinds = await read(run, runtimes, file.content, "SELECT column_type AS c FROM (DESCRIBE FROM FILE)")
    assert [row["c"] for row in kinds] == ["DECIMAL(30,2)", "TIMESTAMP"]


async def test_a_column_of_several_types_is_text_in_parquet(run: Run, runtimes: Runtimes, pg: dict[str, Any]) -> None:
    file = Kept()
    code = "-- s3 format=parquet\nSELECT * FROM (VALUES ('{\"a\": [1]}'::json, 1.5), ('\"x\"', 12345678901234567890.5)) v(j, d)"
    outcome = await run("postgresql", code, {"database": pg}, file=lambda: file)
    assert outcome.error is None, outcome.error
    assert await read(run, runtimes, file.content, "FROM FILE") == [
        {"j": '{"a":[1]}', "d": "1.5"},
        {"j": "x", "d": "12345678901234567890.5"},
    ]


async def test_parquet_needs_columns(run: Run) -> None:
    file = Kept()
    outcome = await run("sqlite", "-- s3 format=parquet\nCREATE TABLE t (a)", file=lambda: file)
    assert "no columns" in (outcome.error or {})["message"]
    assert file.dropped


@pytest.mark.parametrize("kind", ["json", "csv", "parquet"])
async def test_an_error_in_the_middle_leaves_nothing(run: Run, pg: dict[str, Any], kind: str) -> None:
    file = Kept()
    code = f"-- s3 format={kind}\nSELECT n, 1 / (90000 - n) AS x FROM generate_series(1, 100000) AS s(n)"
    outcome = await run("postgresql", code, {"database": pg}, file=lambda: file)
    assert (outcome.error or {})["name"] == "DivisionByZero"
    assert file.dropped and not file.finished


async def test_canceled_in_the_middle(run: Run, runtimes: Runtimes, database: Database) -> None:
    language, given = database
    file = Kept()
    code = f"-- s3 format=csv\n{ENDLESS[language]}"
    task = asyncio.ensure_future(run(language, code, given, file=lambda: file, id="to-file"))
    async with asyncio.timeout(20):
        await file.begun.wait()
        assert await runtimes.cancel("to-file")
        assert ((await task).error or {})["name"] == "Canceled"
    assert file.dropped and not file.finished


async def test_what_the_storage_refuses_is_the_error_of_the_step(run: Run) -> None:
    class Full(Kept):
        async def write(self, piece: bytes) -> None:
            raise ResultRefused("The storage of files does not do that: it is full.")

    file = Full()
    outcome = await run("sqlite", f"-- s3\n{ENDLESS['sqlite']}", file=lambda: file)
    assert "it is full" in (outcome.error or {})["message"]
    assert file.dropped


async def test_a_file_has_a_bound(run: Run) -> None:
    file = Kept()
    limits = Limits(file_bytes=1_000_000)
    outcome = await run("sqlite", f"-- s3 format=csv\n{ENDLESS['sqlite']}", file=lambda: file, limits=limits)
    assert (outcome.error or {})["name"] == "ResultTooLarge"
    assert file.dropped


async def test_without_a_storage_it_is_refused(run: Run) -> None:
    outcome = await run("sqlite", "-- s3\nSELECT 1")
    assert "cannot become a stored file here" in (outcome.error or {})["message"]


async def test_a_connection_stays_open_after_a_file(run: Run, pg: dict[str, Any]) -> None:
    given = {"database": pg}
    first = await run("postgresql", "SELECT pg_backend_pid() AS p", given, owner="ada")
    for kind in ("csv", "json"):
        file = Kept()
        code = f"-- s3 format={kind}\nSELECT pg_backend_pid() AS p"
        await run("postgresql", code, given, owner="ada", file=lambda made=file: made)
        assert dumps(json.loads(first.result or "")[0]["p"]).encode() in file.content


@pytest.mark.parametrize(("kind", "memory_mb"), [("json", 256), ("csv", 256), ("parquet", 1024)])
async def test_a_million_rows(run: Run, runtimes: Runtimes, pg: dict[str, Any], kind: str, memory_mb: int) -> None:
    class Counting(Kept):
        size = 0

        async def write(self, piece: bytes) -> None:
            assert len(piece) < 1 << 20
            self.size += len(piece)
            if kind == "parquet":
                await super().write(piece)

    file = Counting()
    limits = Limits(memory_mb=memory_mb)
    code = f"-- s3 format={kind}\n{MILLION}"
    outcome = await run("postgresql", code, {"database": pg}, file=lambda: file, limits=limits)
    assert (outcome.error, outcome.stored) == (None, NAMED)
    if kind == "parquet":
        sums = "SELECT count(*) AS c, sum(n)::BIGINT AS n, sum(x) AS x FROM FILE"
        found = {"c": 1_000_000, "n": 500_000_500_000, "x": 250_000_250_000.0}
        assert await read(run, runtimes, file.content, sums) == [found]
    else:
        assert file.size > 200_000_000


@pytest.mark.parametrize("kind", ["csv", "parquet"])
async def test_a_database_whose_driver_is_a_package(run: Run, runtimes: Runtimes, kind: str) -> None:
    file = Kept()
    with serving(BigQueryServer()) as bigquery:
        bigquery.schema = [{"name": "n", "type": "INTEGER"}, {"name": "t", "type": "STRING"}]
        bigquery.rows = [["1", "a"], ["2", None]]
        code = f"-- s3 format={kind}\nSELECT n, t FROM x"
        outcome = await run("bigquery", code, {"database": bigquery.resource}, file=lambda: file)
    assert (outcome.error, outcome.stored) == (None, NAMED)
    if kind == "csv":
        assert file.content == b"n,t\r\n1,a\r\n2,\r\n"
    else:
        assert await read(run, runtimes, file.content, "FROM FILE") == [{"n": 1, "t": "a"}, {"n": 2, "t": None}]


async def test_canceled_while_the_storage_takes_the_last_of_it(run: Run, runtimes: Runtimes) -> None:
    """Then the step has no file either."""
    taken, go, calls = asyncio.Event(), asyncio.Event(), []

    class Slow(Kept):
        async def finish(self) -> JsonText:
            taken.set()
            await go.wait()
            return await super().finish()

        async def discard(self) -> None:
            calls.append(self.finished)

    file = Slow()
    task = asyncio.ensure_future(run("sqlite", "-- s3\nSELECT 1 AS n", file=lambda: file, id="slow"))
    async with asyncio.timeout(20):
        await taken.wait()
        assert await runtimes.cancel("slow")
        go.set()
        assert ((await task).error or {})["name"] == "Canceled"
    assert calls == [True]
    kept = Slow()
    assert (await run("sqlite", "-- s3\nSELECT 1 AS n", file=lambda: kept)).stored == NAMED
    assert calls == [True], "what is kept is not forgotten"
