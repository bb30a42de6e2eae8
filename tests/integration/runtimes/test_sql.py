"""SQL cells with real databases: SQLite, DuckDB, PostgreSQL and MariaDB."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from flowapp.runtimes import Limits, Runtimes
from tests.integration.runtimes.conftest import Run

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def value(run: Run, language: str, code: str, args: dict[str, Any] | None = None) -> Any:
    outcome = await run(language, code, args)
    assert outcome.error is None, outcome.error
    assert outcome.result is not None
    return json.loads(outcome.result)


async def error(run: Run, language: str, code: str, args: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    outcome = await run(language, code, args, **more)
    assert outcome.result is None, outcome.result
    assert outcome.error is not None
    return outcome.error


MARK = {"sqlite": ":", "duckdb": "$", "mysql": ":"}


def inputs(language: str, *declared: str) -> str:
    """A header; `declared` are such as "a (int) = 5"."""
    if language == "postgresql":
        return "".join(f"-- ${number} {text}\n" for number, text in enumerate(declared, 1))
    return "".join(f"-- {MARK[language]}{text}\n" for text in declared)


def mark(language: str, name: str, number: int) -> str:
    return f"${number}" if language == "postgresql" else f"{MARK[language]}{name}"


# --- all of them --------------------------------------------------------------------------------------------------------


async def test_inputs_defaults_and_text_that_looks_like_sql(run: Run, database: tuple[str, dict[str, Any]]) -> None:
    language, given = database
    a, b = mark(language, "a", 1), mark(language, "b", 2)
    code = f"{inputs(language, 'a (text)', 'b (int) = 5')}SELECT {a} AS a, {b} + 1 AS b, '{a}; %s' AS c"
    evil = "x'; DROP TABLE users; -- \\' % %s ä"
    expected = [{"a": evil, "b": 6, "c": f"{a}; %s"}]
    assert await value(run, language, code, {**given, "a": evil}) == expected
    assert await value(run, language, code, {**given, "a": None, "b": 2}) == [{"a": None, "b": 3, "c": f"{a}; %s"}]


async def test_results_by_collection(run: Run, database: tuple[str, dict[str, Any]]) -> None:
    language, given = database
    code = "SELECT 1 AS a; SELECT 2 AS b UNION ALL SELECT 3 ORDER BY 1"
    rows = [{"b": 2}, {"b": 3}]
    expected = {
        "last_statement_all_rows": rows,
        "last_statement_first_row": {"b": 2},
        "last_statement_all_rows_scalar": [2, 3],
        "last_statement_first_row_scalar": 2,
        "all_statements_all_rows": [[{"a": 1}], rows],
        "all_statements_first_row_scalar": [1, 2],
        "legacy": [[{"a": 1}], rows],
    }
    assert await value(run, language, code, given) == rows
    for name, wanted in expected.items():
        assert await value(run, language, f"-- result_collection={name}\n{code}", given) == wanted, name
    assert await value(run, language, f"-- return_last_result\n{code}", given) == rows
    assert await value(run, language, "-- only a comment\n", given) == []


async def test_statements_share_a_connection(run: Run, database: tuple[str, dict[str, Any]]) -> None:
    language, given = database
    code = """
CREATE TEMPORARY TABLE kept (id int, note varchar(20));
INSERT INTO kept VALUES (1, 'one;'), (2, NULL);
SELECT * FROM kept ORDER BY id;
"""
    assert await value(run, language, code, given) == [{"id": 1, "note": "one;"}, {"id": 2, "note": None}]
    assert await value(run, language, code.replace("SELECT * FROM kept ORDER BY id;", ""), given) == []


async def test_errors_point_at_the_line(run: Run, database: tuple[str, dict[str, Any]]) -> None:
    language, given = database
    found = await error(run, language, "-- a header\nSELECT 1;\n\nSELECT\n  2,\n  nothing_of_this\nFROM nowhere", given)
    assert "no" in found["message"]
    assert found["line"] in (4, 6, 7)  # MariaDB knows only the statement, others what they miss first
    found = await error(run, language, "SELECT 1;\nSELEC 2", given)
    assert found["line"] == 2
    assert "SELEC" in found["message"]


async def test_text_is_put_in_only_from_declared_values(run: Run, database: tuple[str, dict[str, Any]]) -> None:
    language, given = database
    code = "-- %%name%% first/second\nSELECT 1 AS %%name%%, '%%name%%' AS quoted"
    assert await value(run, language, code, {**given, "name": "second"}) == [{"second": 1, "quoted": "%%name%%"}]
    for wrong in ("third", None, "first, 2"):
        assert "must be one of first, second" in (await error(run, language, code, {**given, "name": wrong}))["message"]


async def test_too_many_rows_are_an_error_and_not_a_dead_process(
    run: Run, database: tuple[str, dict[str, Any]]
) -> None:
    language, given = database
    numbers = {"mysql": "SELECT seq AS n FROM seq_1_to_500000", "sqlite": _SERIES}.get(
        language, "SELECT n FROM generate_series(1, 500000) AS s(n)"
    )
    found = await error(run, language, numbers, given, limits=Limits(result_bytes=1_000_000))
    assert found["name"] == "ResultTooLarge"
    assert "LIMIT" in found["message"]


_SERIES = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 500000) SELECT n FROM s"
_SLOW = {
    "sqlite": _SERIES.replace("SELECT n FROM s", "SELECT sum(n) FROM s").replace("500000", "5000000000"),
    "duckdb": "SELECT sum(sin(a.range)) FROM range(1000000) a, range(1000000) b",
    "postgresql": "SELECT pg_sleep(600)",
    "mysql": "SELECT sleep(600) FROM (SELECT 1) t WHERE 'flowapp_cancel' <> ''",
}


async def test_timeout(run: Run, database: tuple[str, dict[str, Any]]) -> None:
    language, given = database
    await run(language, "SELECT 1", given)  # the driver is loaded
    found = await error(run, language, _SLOW[language], given, timeout_s=0.7)
    assert found["name"] == "Timeout"


async def test_cancel(run: Run, runtimes: Runtimes, database: tuple[str, dict[str, Any]]) -> None:
    language, given = database
    await run(language, "SELECT 1", given)
    task = asyncio.ensure_future(run(language, _SLOW[language], given, id="slow"))
    await asyncio.sleep(0.3)
    assert await runtimes.cancel("slow")
    assert ((await task).error or {})["name"] == "Canceled"


async def test_python_cells_see_no_drivers(run: Run) -> None:
    code = "from importlib.util import find_spec\ndef main():\n    return [n for n in ('psycopg', 'pymysql', 'duckdb') if find_spec(n)]\n"
    assert await value(run, "python3", code) == []


# --- SQLite -------------------------------------------------------------------------------------------------------------


async def test_sqlite_files_in_the_shared_folder(run: Run, runtimes: Runtimes) -> None:
    shared = runtimes.shared_folder("sql-1")
    write = "-- database shared/a.db\nCREATE TABLE t (a, b BLOB);\nINSERT INTO t VALUES (9007199254740993, x'00ff')"
    log: list[str] = []
    assert (await run("sqlite", write, {}, log, shared=shared)).error is None
    assert "1 row changed" in "".join(log)
    read = await run("sqlite", "SELECT * FROM t", {"database": {"path": "shared/a.db"}}, shared=shared)
    assert json.loads(read.result or "") == [{"a": "9007199254740993", "b": "AP8="}]
    refused = await run("sqlite", "-- database shared/a.db\n-- read_only\nDELETE FROM t", shared=shared)
    assert "readonly" in (refused.error or {})["message"]
    missing = await run("sqlite", "-- database shared/no.db\n-- read_only\nSELECT 1", shared=shared)
    assert (missing.error or {})["name"] == "ConnectionFailed"
    runtimes.drop_shared_folder("sql-1")


async def test_sqlite_sees_no_file_of_the_server(run: Run, runtimes: Runtimes) -> None:
    for path in (runtimes.settings.home / "flowapp.db", "/etc/shadow"):
        found = await error(run, "sqlite", f"ATTACH '{path}' AS x; SELECT * FROM x.sqlite_master")
        assert "unable to open" in found["message"]


async def test_sqlite_triggers_and_values(run: Run) -> None:
    code = """-- :data (json)
-- :price (numeric)
CREATE TABLE a (x); CREATE TABLE log (y);
CREATE TRIGGER t AFTER INSERT ON a BEGIN
  INSERT INTO log VALUES (CASE WHEN NEW.x > 1 THEN 'big' ELSE 'small' END);
END;
INSERT INTO a VALUES (2);
SELECT y, json_extract(:data, '$.k') AS k, :price AS price, 9e999 AS endless FROM log"""
    found = await value(run, "sqlite", code, {"data": {"k": [1]}, "price": 1.5})
    assert found == [{"y": "big", "k": "[1]", "price": "1.5", "endless": None}]


# --- DuckDB -------------------------------------------------------------------------------------------------------------


async def test_duckdb_types(run: Run) -> None:
    code = """-- $rows (json)
-- $big (hugeint)
SELECT sum(CAST(json_extract(value, '$.x') AS INT)) AS total, 1.10::DECIMAL(5,2) AS price,
  170141183460469231731687303715884105727::HUGEINT AS huge, 'nan'::DOUBLE AS nothing, {'a': [1, 2]} AS nested,
  TIMESTAMPTZ '2026-01-02 03:04:05+01' AS moment, $big + 1 AS more
FROM json_each($rows)"""
    found = await value(run, "duckdb", code, {"rows": [{"x": 1}, {"x": 2}], "big": 2**60})
    assert found == [
        {
            "total": 3,
            "price": 1.1,
            "huge": "170141183460469231731687303715884105727",
            "nothing": None,
            "nested": {"a": [1, 2]},
            "moment": "2026-01-02T02:04:05+00:00",
            "more": str(2**60 + 1),
        }
    ]


async def test_duckdb_reads_its_own_folder_and_nothing_else(run: Run, runtimes: Runtimes) -> None:
    shared = runtimes.shared_folder("sql-2")
    (shared / "a.csv").write_text("x,y\n1,a\n2,b\n")
    read = await run("duckdb", "SELECT sum(x) AS x FROM 'shared/a.csv'", shared=shared)
    assert read.error is None, read.error
    assert json.loads(read.result or "") == [{"x": 3}]
    runtimes.drop_shared_folder("sql-2")
    for code in (
        "SELECT * FROM read_text('/etc/passwd')",
        "ATTACH '/etc/x.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "COPY (SELECT 1) TO '/etc/x.csv'",
    ):
        found = await error(run, "duckdb", code)
        assert "Permission" in found["name"] or "locked" in found["message"], (code, found)


# --- PostgreSQL ---------------------------------------------------------------------------------------------------------


async def test_postgresql_types(run: Run, pg: dict[str, object]) -> None:
    code = """-- $1 data (jsonb)
-- $2 tags (text[])
-- $3 amount (numeric)
-- $4 raw (bytea)
-- $5 at (timestamptz)
SELECT $1 AS data, $2 AS tags, $3 AS amount, $4 AS raw, $5 AT TIME ZONE 'UTC' AS at, 9007199254740993 AS big,
  count(*) AS n, 'NaN'::float8 AS nothing, '[1,3)'::int4range AS span, interval '1 day 2 hours' AS took,
  timestamptz 'infinity' AS never, ARRAY[1.5, NULL] AS list, '{"a": 1.50}'::jsonb AS doc,
  '00000000-0000-0000-0000-000000000001'::uuid AS id, date '2026-01-02' AS day"""
    args = {
        "data": {"k": [1, None, "ä"]},
        "tags": ['a"b', None, "c,d\\"],
        "amount": 1.1,
        "raw": "AP8=",
        "at": "2026-01-02T03:00+01:00",
    }
    assert await value(run, "postgresql", code, {**args, "database": pg}) == [
        {
            "data": {"k": [1, None, "ä"]},
            "tags": ['a"b', None, "c,d\\"],
            "amount": 1.1,
            "raw": "AP8=",
            "at": "2026-01-02T02:00:00",
            "big": "9007199254740993",
            "n": 1,
            "nothing": None,
            "span": "[1,3)",
            "took": "P1DT2H",
            "never": "infinity",
            "list": [1.5, None],
            "doc": {"a": 1.5},
            "id": "00000000-0000-0000-0000-000000000001",
            "day": "2026-01-02",
        }
    ]


async def test_postgresql_finds_types_out_and_statements_have_their_own_parameters(
    run: Run, pg: dict[str, object]
) -> None:
    code = """-- $1 a (int)
-- $2 b
CREATE TEMP TABLE t (x int, y text);
INSERT INTO t VALUES ($1, $2);
INSERT INTO t SELECT x + 1, $2 FROM t RETURNING x;
SELECT x, y FROM t WHERE y = $2 ORDER BY x"""
    log: list[str] = []
    outcome = await run("postgresql", code, {"a": "7", "b": "it", "database": pg}, log)
    assert outcome.error is None, outcome.error
    assert json.loads(outcome.result or "") == [{"x": 7, "y": "it"}, {"x": 8, "y": "it"}]
    assert "INSERT 0 1" in "".join(log)


async def test_postgresql_notices_blocks_and_read_only(run: Run, pg: dict[str, object]) -> None:
    log: list[str] = []
    code = (
        "DO $$ BEGIN RAISE NOTICE 'hello; from %', 'inside'; END $$; SELECT 1 AS a INTO TEMP made; SELECT a FROM made"
    )
    outcome = await run("postgresql", code, {"database": pg}, log)
    assert outcome.result == '[{"a":1}]', outcome.error
    assert "NOTICE: hello; from inside" in "".join(log)
    found = await error(run, "postgresql", "-- read_only\nCREATE TABLE x (a int)", {"database": pg})
    assert found["extra"] == {"sqlstate": "25006"}
    found = await error(run, "postgresql", "SELECT 1 / 0", {"database": pg})
    assert (found["name"], found["line"]) == ("DivisionByZero", 1)


async def test_postgresql_that_is_not_there(run: Run, pg: dict[str, object], mysql: dict[str, object]) -> None:
    found = await error(run, "postgresql", "SELECT 1", {"database": {**pg, "port": 1}})
    assert found["name"] == "ConnectionFailed"
    assert "-- database" in (await error(run, "postgresql", "SELECT 1"))["message"]
    found = await error(run, "mysql", "SELECT 1", {"database": {**mysql, "password": "wrong"}})
    assert found["name"] == "ConnectionFailed"
    assert "Access denied" in found["message"]


@pytest.mark.parametrize("ended", ["by a person", "by the clock"])
@pytest.mark.parametrize("language", ["postgresql", "mysql"])
async def test_what_is_stopped_ends_on_the_server_too(
    run: Run, runtimes: Runtimes, request: pytest.FixtureRequest, language: str, ended: str
) -> None:
    given = {"database": request.getfixturevalue("pg" if language == "postgresql" else "mysql")}
    mark = f"flowapp_gone_{ended[-1]}"
    slow = (
        f"SELECT pg_sleep(50), '{mark}'" if language == "postgresql" else f"SELECT sleep(50), '{mark}' FROM seq_1_to_2"
    )
    table = "pg_stat_activity" if language == "postgresql" else "information_schema.processlist"
    column, state = ("query", "state = 'active'") if language == "postgresql" else ("info", "1 = 1")
    looking = f"-- result_collection=last_statement_first_row_scalar\nSELECT count(*) FROM {table} WHERE {column} LIKE '%{mark}%' AND {column} NOT LIKE '%count%' AND {state}"

    async def until(count: int) -> None:
        end = time.monotonic() + 10
        while await value(run, language, looking, given) != count:
            assert time.monotonic() < end

    limit = 30.0 if ended == "by a person" else 3.0
    task = asyncio.ensure_future(run(language, slow, given, id="gone", timeout_s=limit))
    await until(1)
    if ended == "by a person":
        assert await runtimes.cancel("gone")
    outcome = await task
    assert (outcome.error or {})["name"] == ("Canceled" if ended == "by a person" else "Timeout")
    await until(0)


# --- MySQL --------------------------------------------------------------------------------------------------------------


async def test_mysql_types(run: Run, mysql: dict[str, object]) -> None:
    code = """-- :doc (json)
-- ? flag (bool)
SELECT JSON_EXTRACT(:doc, '$.k') AS k, ? AS flag, CAST(1.10 AS DECIMAL(20, 2)) AS price, 9007199254740993 AS big,
  CAST('2026-01-02 03:04:05' AS DATETIME) AS moment, CAST('30:00:00' AS TIME) AS took, x'00ff' AS raw, 'ä%' AS text"""
    assert await value(run, "mysql", code, {"doc": {"k": 5}, "flag": True, "database": mysql}) == [
        {
            "k": "5",
            "flag": 1,
            "price": 1.1,
            "big": "9007199254740993",
            "moment": "2026-01-02T03:04:05",
            "took": "30:00:00",
            "raw": "AP8=",
            "text": "ä%",
        }
    ]


async def test_mysql_read_only_and_procedures(run: Run, mysql: dict[str, object]) -> None:
    code = """CREATE OR REPLACE TABLE t (a int);
CREATE OR REPLACE PROCEDURE p() BEGIN INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); END;
CALL p();
SELECT sum(a) AS a FROM t"""
    assert await value(run, "mysql", code, {"database": mysql}) == [{"a": 3}]
    found = await error(run, "mysql", "-- read_only\nINSERT INTO t VALUES (3)", {"database": mysql})
    assert "READ ONLY" in found["message"].upper()
