"""An SQL cell: its statements, read and prepared by the server, one after the other on one connection.

Runs in the isolated process, which is the only one that has the drivers.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from types import ModuleType
from typing import Any, NoReturn, cast

from flowapp.runtimes.guest import (
    frames,
    kernel,
    python_packages,
    sql_bigquery,
    sql_embedded,
    sql_mssql,
    sql_mysql,
    sql_oracle,
    sql_postgres,
    sql_snowflake,
)
from flowapp.runtimes.guest.sql_base import Connection, Session, SqlError
from flowapp.runtimes.guest.sql_files import RowsToFile
from flowapp.runtimes.guest.sql_results import JsonRows, TooLarge

#: kinds of processes that have a driver loaded, by the language that they run
MODULES = {"postgresql": "psycopg", "mysql": "pymysql", "duckdb": "duckdb", "sqlite": "sqlite3"}
_CONNECT: dict[str, Callable[[dict[str, Any], dict[str, Any]], Connection]] = {
    "postgresql": sql_postgres.connect,
    "mysql": sql_mysql.connect,
    "duckdb": sql_embedded.connect_duckdb,
    "sqlite": sql_embedded.connect_sqlite,
    # The drivers of these are packages of the job.
    "mssql": sql_mssql.connect,
    "bigquery": sql_bigquery.connect,
    "snowflake": sql_snowflake.connect,
    "oracledb": sql_oracle.connect,
}
_INTERPOLATED = "\0"
#: a connection gets no older: databases move, and memory adds up
_STAYS_S = 900.0
_LAST_MOMENT_S = 5.0


_sessions: list[Session] = []
"""The connection that is kept, if any."""
_loaded: dict[str, ModuleType] = {}
"""What `load` has imported and hidden."""


def load(kind: str, drivers: str) -> None:
    """In the launcher, before the first fork for a database: import its driver, and hide it from all other cells.

    Importing takes up to half a second, a fork of a process that has done it none of it.
    """
    driver = MODULES[kind]
    if driver in _loaded:
        return
    sys.path.append(drivers)
    try:
        importlib.import_module(driver)
    finally:
        sys.path.remove(drivers)
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(f"{drivers}/") or name == driver:
            _loaded[name] = module
            if driver != "sqlite3":
                del sys.modules[name]


def show(kind: str, drivers: str) -> None:
    """In the idle process of an SQL cell: bring the drivers back."""
    sys.path.append(drivers)
    sys.modules.update(_loaded)
    if kind == "duckdb":
        sql_embedded.warm_duckdb()


def stay(job: frames.JobText, channel: socket.socket, flush: Callable[[], None]) -> None:
    """After a job that has succeeded: serve others on the connection that it has opened, if the server wants that.

    Returns when there are no more, or when one of them fails. `flush` brings what was printed into the log.
    """
    if not job.header["sql"]["keeps"]:
        return
    kernel.set_dumpable(False)
    until = time.monotonic() + _STAYS_S
    # The server letting go of the process is no error.
    with contextlib.suppress(OSError):
        while time.monotonic() < until and _is_reset():
            frames.send(channel, frames.KEPT)
            following = frames.receive_job(channel)
            if following is None:
                return
            answer, body = run(following, channel)
            flush()
            frames.send(channel, answer, body)
            if answer != frames.RESULT:
                return


def _is_reset() -> bool:
    try:
        for session in _sessions:
            session.reset()
    except Exception:
        return False
    return bool(_sessions)


def run(job: frames.JobText, channel: socket.socket) -> tuple[bytes, bytes]:
    """Run the statements; the frame to answer with. The parts of a large result are sent before that."""
    script = job.header["sql"]
    python_packages.use(job.header.get("packages"))
    inputs = json.loads(job.args, parse_float=Decimal)

    def send(kind: bytes, body: bytes) -> None:
        try:
            frames.send(channel, kind, body)
        except OSError:
            _end_quietly()

    most = script["most_bytes"]
    kind = script["file"]
    try:
        result: JsonRows | RowsToFile
        if kind:
            result = RowsToFile(kind, send, most)
        else:
            result = JsonRows(job.header["result_bytes"], send if most else None, most)
        return frames.RESULT, _run(script, inputs, result)
    except SqlError as error:
        found = {"name": error.name, "message": str(error), "line": error.line, "extra": error.extra}
    except TooLarge as error:
        found = {"name": "ResultTooLarge", "message": str(error)}
    except MemoryError:
        found = {"name": "MemoryError", "message": "The step needed more memory than its limit."}
    return frames.ERROR, json.dumps({name: value for name, value in found.items() if value is not None}).encode()


def _end_quietly() -> NoReturn:
    """The server has hung up in the middle of a result: it kills us in a moment, which is for `when_stopped` to use."""
    time.sleep(_LAST_MOMENT_S)
    os._exit(0)


def _run(script: dict[str, Any], inputs: dict[str, Any], result: JsonRows | RowsToFile) -> bytes:
    texts = {name: _chosen(name, values, inputs) for name, values in script["interpolated"].items()}
    connection = _connection(script, inputs)
    collection = script["collection"]
    statements = script["statements"]
    if collection == "legacy":
        collection = "last_statement_all_rows" if len(statements) < 2 else "all_statements_all_rows"
    every = collection.startswith("all_statements")
    shape = {"first": "first_row" in collection, "scalar": collection.endswith("_scalar")}
    if every:
        result.begin()
    for number, statement in enumerate(statements):
        kept = every or number == len(statements) - 1
        _one(connection, statement, _bound(statement, script, inputs), texts, result if kept else None, shape)
    if every:
        result.end()
    elif not statements:
        result.rows([], [], **shape)
    return result.rest()


def _connection(script: dict[str, Any], inputs: dict[str, Any]) -> Connection:
    """A new connection, or the one that an earlier job of the same person has opened to the same place."""
    if _sessions:
        try:
            _sessions[0].begin(script["timeout_s"], script["read_only"])
        except Exception:
            # It was lost while nobody used it. Nothing of this job has happened on it.
            _sessions.clear()
        else:
            return _sessions[0]
    connection = _CONNECT[script["dialect"]](script, inputs)
    if script["keeps"]:
        _sessions.append(cast("Session", connection))
    return connection


def _one(
    connection: Connection,
    statement: dict[str, Any],
    bound: tuple[list[Any], list[str]],
    texts: dict[str, str],
    result: JsonRows | RowsToFile | None,
    shape: dict[str, bool],
) -> None:
    text = statement["text"]
    for name, value in texts.items():
        text = text.replace(f"{_INTERPOLATED}{name}{_INTERPOLATED}", value)
    try:
        if isinstance(result, RowsToFile):
            result.write(connection, text, *bound)
            return
        answer = connection.execute(text, *bound)
        if result is not None:
            result.rows(answer.columns, answer.rows, **shape)
        else:
            for _ in answer.rows:
                continue
        if answer.note:
            sys.stdout.write(f"{answer.note}\n")
    except (SqlError, TooLarge):
        raise
    except Exception as error:
        found = connection.problem(error, text)
        if found is None:
            raise SqlError(type(error).__name__, str(error), statement["line"]) from error
        found.line = statement["line"] + (found.line or 1) - 1
        raise found from error


def _chosen(name: str, values: list[str], inputs: dict[str, Any]) -> str:
    value = inputs.get(name)
    if value not in values:
        raise SqlError("ExecutionErr", f"{name} must be one of {', '.join(values)}, not {value!r}.")
    return str(value)


def _bound(statement: dict[str, Any], script: dict[str, Any], inputs: dict[str, Any]) -> tuple[list[Any], list[str]]:
    """The values of a statement's parameters, in its order, and their declared types. Missing and null take the default."""
    values, types = [], []
    for key in statement["keys"]:
        argument = script["arguments"][key]
        value = inputs.get(argument["name"])
        values.append(argument["default"] if value is None else value)
        types.append(argument["type"])
    return values, types
