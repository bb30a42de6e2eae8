"""SQLite and DuckDB, which run in the job's own process and see the job's files only."""

from __future__ import annotations

import contextlib
import os
import re
import resource
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flowapp.runtimes.guest.sql_base import Rows, SqlError
from flowapp.runtimes.guest.sql_values import plain

if TYPE_CHECKING:
    import duckdb

_CHUNK = 1000
_NEAR = re.compile(r'near "(.+?)"|no such \w+: (?:\w+\.)?(\w+)')
_LINE = re.compile(r"^LINE (\d+):", re.MULTILINE)
_POINTER = re.compile(r"\s*^LINE \d+:.*", re.MULTILINE | re.DOTALL)
_BUSY_S = 5.0
MEMORY = ":memory:"


def connect_sqlite(script: dict[str, Any], inputs: dict[str, Any]) -> Sqlite:
    """The file that `-- database` or the input `database` names, or a database in memory."""
    given = inputs.get("database")
    path = (given.get("path") if isinstance(given, dict) else given) or script["database"] or MEMORY
    return Sqlite(str(path), script["read_only"])


def connect_duckdb(script: dict[str, Any], _inputs: dict[str, Any]) -> Duckdb:
    """The database in memory that lies ready, or the file that `-- database` names."""
    path = script["database"] or MEMORY
    if path != MEMORY:
        return Duckdb(path, script["read_only"])
    # Taking it apart would take longer than a small query, and the process is about to end.
    _used.append(_warm.pop() if _warm else Duckdb(MEMORY, script["read_only"]))
    return _used[-1]


_warm: list[Duckdb] = []
_used: list[Duckdb] = []


def warm_duckdb() -> None:
    """In the idle process: open a database ahead of its job, which takes DuckDB a tenth of a second."""
    # What keeps it from opening is said to the job, which tries again.
    with contextlib.suppress(SqlError):
        database = Duckdb(MEMORY, read_only=False)
        # The first statement writes to memory that the job would otherwise have to copy page by page.
        list(database.execute("SELECT $1 + 1 AS a, 'b' AS b", [1], ["int"]).rows)
        _warm.append(database)


class Sqlite:
    """One SQLite database."""

    def __init__(self, path: str, read_only: bool) -> None:
        import sqlite3

        try:
            if path == MEMORY:
                self._connection = sqlite3.connect(path)
            else:
                address = f"file:{quote(path)}?mode={'ro' if read_only else 'rwc'}"
                self._connection = sqlite3.connect(address, uri=True, timeout=_BUSY_S)
            self._connection.isolation_level = None  # transactions are the script's own affair
            self._connection.execute("PRAGMA foreign_keys = ON")
            if read_only:
                self._connection.execute("PRAGMA query_only = ON")
        except sqlite3.Error as error:
            raise SqlError("ConnectionFailed", f"The SQLite file {path} cannot be opened: {error}.") from error

    def execute(self, text: str, values: list[Any], types: list[str]) -> Rows:
        """See `Connection.execute`."""
        cursor = self._connection.execute(text, [_for_sqlite(v, t) for v, t in zip(values, types, strict=True)])
        columns = [column[0] for column in cursor.description or ()]
        return Rows(columns, cursor if columns else (), _changed(cursor.rowcount))

    def problem(self, error: Exception, text: str) -> SqlError | None:
        """See `Connection.problem`. SQLite says no line, only what it stopped at."""
        import sqlite3

        if not isinstance(error, (sqlite3.Error, OverflowError, ValueError)):
            return None
        near = _NEAR.search(str(error))
        word = next((found for found in near.groups() if found), "") if near is not None else ""
        place = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) if word else None
        line = text.count("\n", 0, place.start()) + 1 if place is not None else None
        return SqlError(type(error).__name__, str(error), line)


class Duckdb:
    """One DuckDB database, closed in: it reads and writes files of the job's own folder and of `./shared` only."""

    def __init__(self, path: str, read_only: bool, threads: int = 2, share: int = 2) -> None:
        """`share`: it may have this part of the memory that the job may have."""
        import duckdb

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        self._error = duckdb.Error
        self._query_result = duckdb.ExpectedResultType.QUERY_RESULT
        self._changed_rows = duckdb.ExpectedResultType.CHANGED_ROWS
        settings: dict[str, str | bool | int | float | list[str]] = {
            "threads": str(threads),
            # The job's limit counts address space, of which DuckDB's own code and buffers need a part.
            "memory_limit": f"{max((soft >> 20) // share, 64)}MB",
            "temp_directory": f"{os.environ['TMPDIR']}/duckdb",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        try:
            self._connection: duckdb.DuckDBPyConnection = duckdb.connect(
                path, read_only=read_only and path != MEMORY, config=settings
            )
            # Its home is not among them: extensions would be installed there.
            seen = dict.fromkeys((os.getcwd(), os.path.realpath("shared"), str(settings["temp_directory"])))
            folders = ", ".join(f"'{folder}/'" for folder in seen)
            for locked in (
                "SET TimeZone = 'UTC'",
                f"SET allowed_directories = [{folders}]",
                "SET enable_external_access = false",
                "SET lock_configuration = true",
            ):
                self._connection.execute(locked)
        except duckdb.Error as error:
            raise SqlError("ConnectionFailed", f"DuckDB cannot open {path}: {error}") from error

    def run(self, text: str) -> list[tuple[Any, ...]]:
        """A statement of our own."""
        rows: list[tuple[Any, ...]] = self._connection.execute(text).fetchall()
        return rows

    def is_query(self, text: str) -> bool:
        """Whether a statement is a SELECT or the like, whose rows another one can use."""
        (statement,) = self._connection.extract_statements(text)
        return str(statement.type.name) == "SELECT"

    def close(self) -> None:
        """Let go of its memory."""
        self._connection.close()

    def execute(self, text: str, values: list[Any], types: list[str]) -> Rows:
        """See `Connection.execute`."""
        given = [plain(value, kind) for value, kind in zip(values, types, strict=True)]
        (statement,) = self._connection.extract_statements(text)
        answer = self._connection.execute(statement, given or None)
        columns = [str(column[0]) for column in answer.description or ()]
        expected = statement.expected_result_type
        if self._changed_rows in expected and columns == ["Count"]:
            counted = answer.fetchall()
            return Rows([], (), _changed(int(counted[0][0])) if counted else "")
        return Rows(columns, _chunks(answer)) if self._query_result in expected else Rows([], ())

    def problem(self, error: Exception, text: str) -> SqlError | None:
        """See `Connection.problem`."""
        if not isinstance(error, (self._error, ValueError)):
            return None
        line = _LINE.search(str(error))
        message = _POINTER.sub("", str(error)).strip()
        return SqlError(type(error).__name__, message, int(line[1]) if line is not None else None)


def _chunks(answer: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := answer.fetchmany(_CHUNK):
        yield from rows


def _for_sqlite(value: Any, kind: str) -> Any:
    given = plain(value, kind)
    # SQLite has no exact decimals: as text they stay what they are, and the column's affinity decides.
    return given if isinstance(given, (str, int, float, bytes)) or given is None else str(given)


def _changed(count: int) -> str:
    return f"{count} row{'' if count == 1 else 's'} changed" if count >= 0 else ""
