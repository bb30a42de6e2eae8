"""BigQuery, Snowflake, SQL Server and Oracle: their real drivers, against small servers of the tests, or against none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.runtimes.conftest import Run
from tests.support.tds import TdsServer, tds_server
from tests.support.tns import listener
from tests.support.warehouses import BigQueryServer, SnowflakeServer, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def bigquery() -> Iterator[BigQueryServer]:
    with serving(BigQueryServer()) as server:
        yield server


@pytest.fixture
def snowflake() -> Iterator[SnowflakeServer]:
    with serving(SnowflakeServer()) as server:
        yield server


@pytest.fixture
def sql_server() -> Iterator[TdsServer]:
    with tds_server() as server:
        yield server


async def value(run: Run, language: str, code: str, args: dict[str, Any]) -> Any:
    outcome = await run(language, code, args)
    assert outcome.error is None, outcome.error
    return json.loads(outcome.result or "")


# --- BigQuery -----------------------------------------------------------------------------------------------------------


async def test_bigquery_inputs_and_values(run: Run, bigquery: BigQueryServer) -> None:
    bigquery.schema = [
        {"name": "big", "type": "INTEGER"},
        {"name": "price", "type": "NUMERIC"},
        {"name": "at", "type": "TIMESTAMP"},
        {"name": "day", "type": "DATE"},
        {"name": "raw", "type": "BYTES"},
        {"name": "tags", "type": "STRING", "mode": "REPEATED"},
        {"name": "one", "type": "RECORD", "fields": [{"name": "a", "type": "INTEGER"}]},
        {"name": "nothing", "type": "STRING"},
    ]
    row = [
        "9007199254740993",
        "1.10",
        "1767323045000000",
        "2026-01-02",
        "AP8=",
        [{"v": "x"}],
        {"f": [{"v": "1"}]},
        None,
    ]
    bigquery.rows = [row]
    code = """-- @since (date)
-- @n (int64) = 5
-- @tags (array<string>)
-- @price (numeric)
DECLARE x INT64 DEFAULT 1;
SELECT '@since', t.* FROM `p.d.t` t WHERE day > @since AND n = @n AND @n > x AND tag IN UNNEST(@tags) AND price = @price;"""
    args = {"since": "2026-01-01", "tags": ["a", "ä"], "price": 1.5, "database": bigquery.resource}
    assert await value(run, "bigquery", code, args) == [
        {
            "big": "9007199254740993",
            "price": 1.1,
            "at": "2026-01-02T03:04:05+00:00",
            "day": "2026-01-02",
            "raw": "AP8=",
            "tags": ["x"],
            "one": {"a": 1},
            "nothing": None,
        }
    ]
    (sent,) = [body["configuration"] for body in bigquery.bodies("/jobs") if isinstance(body, dict)]
    assert sent["query"]["query"].startswith("DECLARE x INT64 DEFAULT 1;\nSELECT '@since', t.* FROM `p.d.t` t")
    assert "day > @p1 AND n = @p2 AND @p2 > x AND tag IN UNNEST(@p3) AND price = @p4" in sent["query"]["query"]
    assert 0 < int(sent["jobTimeoutMs"]) <= 300_000
    given = [
        (one["name"], one["parameterType"]["type"], one["parameterValue"]) for one in sent["query"]["queryParameters"]
    ]
    assert given == [
        ("p1", "DATE", {"value": "2026-01-01"}),
        ("p2", "INT64", {"value": "5"}),
        ("p3", "ARRAY", {"arrayValues": [{"value": "a"}, {"value": "ä"}]}),
        ("p4", "NUMERIC", {"value": "1.5"}),
    ]


async def test_bigquery_errors(run: Run, bigquery: BigQueryServer) -> None:
    message = "Unrecognized name: b at [2:8]"
    bigquery.failure = {"code": 400, "message": message, "errors": [{"reason": "invalidQuery", "message": message}]}
    outcome = await run("bigquery", "-- a comment\nSELECT 1,\n  a, b", {"database": bigquery.resource})
    assert outcome.error is not None
    assert (outcome.error["name"], outcome.error["line"]) == ("BadRequest", 3)
    assert "Unrecognized name: b" in outcome.error["message"]
    assert outcome.error["extra"] == {"reason": "invalidQuery"}
    outcome = await run("bigquery", "SELECT 1", {"database": {"project_id": "p"}})
    assert "no key of a service account" in (outcome.error or {})["message"]
    outcome = await run("bigquery", "-- result_collection=all_statements_all_rows\nSELECT 1", {})
    assert "BigQuery runs a script as a whole" in (outcome.error or {})["message"]


# --- Snowflake ----------------------------------------------------------------------------------------------------------


async def test_snowflake_inputs_and_values(run: Run, snowflake: SnowflakeServer) -> None:
    names = [
        ("N", "fixed", 0),
        ("PRICE", "fixed", 2),
        ("NAME", "text", None),
        ("OK", "boolean", None),
        ("DAY", "date", None),
    ]
    snowflake.schema = [
        {
            "name": name,
            "type": kind,
            "scale": scale,
            "precision": 38 if scale is not None else None,
            "nullable": True,
            "length": None,
            "byteLength": None,
        }
        for name, kind, scale in names
    ]
    snowflake.rows = [["9007199254740993", "1.10", "ä", "1", "20455"], [None, None, None, None, None]]
    code = "-- ? a (int)\n-- ? b (varchar) = x\nSELECT *, '?' FROM t WHERE a = ? AND b = ?;\n"
    found = await value(run, "snowflake", code, {"a": 7, "database": snowflake.resource})
    assert found == [
        {"N": "9007199254740993", "PRICE": 1.1, "NAME": "ä", "OK": True, "DAY": "2026-01-02"},
        {"N": None, "PRICE": None, "NAME": None, "OK": None, "DAY": None},
    ]
    (login,) = snowflake.bodies("/login-request")
    assert (login["data"]["LOGIN_NAME"], login["data"]["PASSWORD"]) == ("flows", "secret")
    asked = snowflake.bodies("/query-request")[-1]
    assert asked["sqlText"] == "SELECT *, '?' FROM t WHERE a = ? AND b = ?"
    assert [asked["bindings"][name]["value"] for name in ("1", "2")] == ["7", "x"]


async def test_snowflake_errors(run: Run, snowflake: SnowflakeServer) -> None:
    message = "SQL compilation error: error line 1 at position 7\ninvalid identifier 'B'"
    snowflake.failure = {"code": "000904", "message": message}
    outcome = await run("snowflake", "SELECT 1;\n\nSELECT b", {"database": snowflake.resource})
    assert outcome.error is not None
    assert outcome.error["name"] == "ProgrammingError"
    assert "invalid identifier 'B'" in outcome.error["message"]
    assert "secret" not in json.dumps(outcome.error)
    without = {key: item for key, item in snowflake.resource.items() if key != "password"}
    outcome = await run("snowflake", "SELECT 1", {"database": without})
    assert "no private_key, no token and no password" in (outcome.error or {})["message"]


# --- SQL Server ---------------------------------------------------------------------------------------------------------


async def test_sql_server_inputs_and_values(run: Run, sql_server: TdsServer) -> None:
    row = (9007199254740993, Decimal("1.10"), date(2026, 1, 2), b"\x00\xff", "ä", None)
    sql_server.results = [(["x"], [[1]]), (["big", "price", "day", "raw", "name", "nothing"], [row])]
    code = """-- @P1 a (int)
-- @P2 b (nvarchar) = x
-- @p3 c (decimal)
DECLARE @local int = @p1; SELECT 1 AS x;
SELECT '@P1; 100%', [odd;@P1] FROM t WHERE a = @P1 AND b = @p2 AND c = @P3 AND d = @local"""
    found = await value(run, "mssql", code, {"a": 7, "c": None, "database": sql_server.resource})
    assert found == [
        {"big": "9007199254740993", "price": 1.1, "day": "2026-01-02", "raw": "AP8=", "name": "ä", "nothing": None}
    ]
    # Each mark has a value of its own; NULL is part of the text.
    assert sql_server.has_got(
        "DECLARE @local int = @P1; SELECT 1 AS x;\n"
        "SELECT '@P1; 100%', [odd;@P1] FROM t WHERE a = @P2 AND b = @P3 AND c = NULL AND d = @local"
    )
    assert not sql_server.has_got("very-secret")  # the protocol hides it a little


async def test_sql_server_batches_errors_and_counts(run: Run, sql_server: TdsServer) -> None:
    sql_server.changed = 3
    log: list[str] = []
    outcome = await run("mssql", "UPDATE t SET a = 1;\nGO\nDELETE t", {"database": sql_server.resource}, log)
    assert outcome.result == "[]", outcome.error
    assert "".join(log).count("3 rows changed") == 2
    sql_server.failure = (207, 2, "Invalid column name 'b'.")
    outcome = await run("mssql", "SELECT 1\nGO\nSELECT a,\n b FROM t", {"database": sql_server.resource})
    assert outcome.error is not None
    assert outcome.error["message"].startswith("Invalid column name 'b'.")
    assert outcome.error["extra"] == {"number": 207}
    assert outcome.error["line"] == 4


# --- Oracle and SQL Server where there is none --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "resource", "label"),
    [
        ("oracledb", {"database": "127.0.0.1:1/XE"}, "Oracle"),
        ("mssql", {"host": "127.0.0.1", "port": 1, "dbname": "d"}, "SQL Server"),
    ],
)
async def test_a_server_that_is_not_there(run: Run, language: str, resource: dict[str, Any], label: str) -> None:
    log: list[str] = []
    given = {**resource, "user": "u", "password": "very-secret"}
    outcome = await run(language, "SELECT 1 FROM dual", {"database": given}, log)
    assert outcome.error is not None
    assert outcome.error["name"] == "ConnectionFailed"
    assert outcome.error["message"].startswith(f"{label} cannot be reached: ")
    assert "very-secret" not in json.dumps(outcome.error) + "".join(log)
    outcome = await run(language, "SELECT 1 FROM dual", {"database": resource})
    assert "has no user and no password" in (outcome.error or {})["message"]
    outcome = await run(language, "SELECT 1 FROM dual", {})
    assert "There is no connection" in (outcome.error or {})["message"]


async def test_what_a_listener_of_oracle_hears_and_says(run: Run) -> None:
    """The real driver's request, and a refusal by the one that answers; nothing of the password is in either."""
    with listener() as made:
        resource = {"user": "ada", "password": "hush-hush", "database": f"127.0.0.1:{made.port}/SALES"}
        outcome = await run("oracledb", "SELECT 1 FROM dual", {"database": resource})
    assert outcome.error is not None, outcome.result
    assert outcome.error["name"] == "ConnectionFailed", outcome.error
    assert "Oracle cannot be reached" in outcome.error["message"]
    assert "SALES" in outcome.error["message"] and "not registered" in outcome.error["message"]
    heard = made.received.decode("latin-1")
    assert "(SERVICE_NAME=SALES)" in heard and "(PROGRAM=flowapp)" in heard
    assert f"(HOST=127.0.0.1)(PORT={made.port})" in heard and "(PROTOCOL=tcp)" in heard.replace("TCP", "tcp")
    assert "hush" not in heard and "hush" not in json.dumps(outcome.error)
