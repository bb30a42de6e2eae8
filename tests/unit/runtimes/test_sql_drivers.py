"""Databases whose drivers are installed on demand: their locks, and what is handed to a driver where no server is at hand."""

from __future__ import annotations

import sys
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from flowapp.runtimes.guest import sql_bigquery, sql_dbapi, sql_mssql, sql_oracle, sql_snowflake
from flowapp.runtimes.guest.sql_base import SqlError
from flowapp.runtimes.packages.python_locks import PythonLock
from flowapp.runtimes.sql_more import DRIVERS, LOCKS


@pytest.mark.parametrize("language", DRIVERS)
def test_locks_are_exact_have_hashes_and_name_no_registry(language: str) -> None:
    text = (LOCKS / f"{language}.txt").read_text()
    lock = PythonLock.read(text)
    assert DRIVERS[language].package in lock.names
    assert all("--hash=sha256:" in line for line in lock.lines)
    assert "://" not in text


class Cursor:
    """What a driver of Oracle's would be told."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.rowcount = 2
        self.description: list[tuple[Any, ...]] | None = [("A", None)]
        self.left = [[(1,)], [(2,)], []]

    def execute(self, *told: Any) -> None:
        self.told.append(told)

    def fetchmany(self, _count: int) -> list[tuple[int]]:
        return self.left.pop(0)


def oracle(cursor: Cursor) -> sql_oracle.Oracle:
    made = sql_oracle.Oracle.__new__(sql_oracle.Oracle)
    made._connection = SimpleNamespace(cursor=lambda: cursor)
    made._error = OracleError
    return made


class OracleError(Exception):
    """As oracledb raises it: one argument that knows more."""


def test_oracle_is_connected_with_the_resource_and_commits_each_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, Any]] = []
    connection = SimpleNamespace(autocommit=False, call_timeout=0)

    def connect(**given: Any) -> SimpleNamespace:
        told.append(given)
        if given["password"] == "wrong":
            raise OracleError("ORA-01017: invalid credential")
        return connection

    driver = SimpleNamespace(connect=connect, Error=OracleError, defaults=SimpleNamespace())
    monkeypatch.setitem(sys.modules, "oracledb", driver)
    resource = {"user": "ada", "password": "right", "database": "db.example:1521/SALES"}
    script = {"timeout_s": 2.5, "read_only": False}
    sql_oracle.connect(script, {"database": resource})
    assert [(one["user"], one["password"], one["dsn"]) for one in told] == [("ada", "right", "db.example:1521/SALES")]
    assert (connection.autocommit, connection.call_timeout) == (True, 2500)
    assert (driver.defaults.fetch_decimals, driver.defaults.fetch_lobs) == (True, False)
    with pytest.raises(SqlError, match="Oracle cannot be reached: ORA-01017"):
        sql_oracle.connect(script, {"database": {**resource, "password": "wrong"}})
    with pytest.raises(SqlError, match="read_only` is not supported"):
        sql_oracle.connect({**script, "read_only": True}, {"database": resource})


def test_oracle_gets_names_and_exact_values() -> None:
    cursor = Cursor()
    found = oracle(cursor).execute(
        "SELECT :p1, :p2, :p3, :p4 FROM dual",
        [Decimal("1.10"), "AP8=", {"k": 1}, None],
        ["number(10, 2)", "blob", "json", ""],
    )
    assert cursor.told == [
        (
            "SELECT :p1, :p2, :p3, :p4 FROM dual",
            {"p1": Decimal("1.10"), "p2": b"\x00\xff", "p3": '{"k":1}', "p4": None},
        )
    ]
    assert (found.columns, list(found.rows)) == (["A"], [(1,), (2,)])
    cursor.description = None
    assert oracle(cursor).execute("DELETE FROM t", [], []).note == "2 rows changed"


def test_oracle_errors_have_their_line() -> None:
    said = SimpleNamespace(full_code="ORA-00904", message='ORA-00904: "B": invalid identifier', offset=11)
    text = "SELECT a,\n b FROM t"
    found = oracle(Cursor()).problem(OracleError(said), text)
    assert found is not None
    assert (str(found), found.line, found.extra) == (said.message, 2, {"code": "ORA-00904"})
    late = oracle(Cursor()).problem(OracleError(SimpleNamespace(full_code="DPY-4024", message="late", offset=0)), text)
    assert late is not None
    assert late.name == "Timeout"
    assert oracle(Cursor()).problem(KeyError("x"), text) is None


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("5", "int64", 5),
        (2, "float64", 2.0),
        ("1.10", "numeric(10, 2)", Decimal("1.10")),
        ("AP8=", "bytes", b"\x00\xff"),
        (True, "bool", True),
        ("false", "boolean", False),
        ({"k": [1]}, "json", '{"k": [1]}'),
        (7, "string", "7"),
        ([1], "", "[1]"),
        (None, "int64", None),
    ],
)
def test_bigquery_values(value: Any, kind: str, expected: Any) -> None:
    found = sql_bigquery._value(value, sql_bigquery._type(kind))
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("module", [sql_bigquery, sql_mssql, sql_oracle, sql_snowflake])
def test_what_is_missing_is_said_before_a_driver_is_loaded(module: Any) -> None:
    with pytest.raises(SqlError, match="There is no connection: set the input `database` to a resource of type"):
        module.connect({"timeout_s": 1.0, "read_only": False}, {})
    with pytest.raises(SqlError, match="`-- read_only` is not supported"):
        module.connect({"timeout_s": 1.0, "read_only": True}, {"database": {}})


def test_missing_fields_are_named() -> None:
    assert sql_dbapi.needed({"host": "h", "port": 5}, "host", "port") == ["h", "5"]
    with pytest.raises(SqlError, match="has no user and no password"):
        sql_dbapi.needed({"host": "h", "password": ""}, "host", "user", "password")
