"""MySQL and MariaDB through PyMySQL, and through prepared statements on its connection where there are values."""

from __future__ import annotations

import contextlib
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flowapp.runtimes.guest.mysql_statements import Statements
from flowapp.runtimes.guest.sql_base import Rows, SqlError, when_stopped
from flowapp.runtimes.guest.sql_dbapi import changed
from flowapp.runtimes.guest.sql_rows import JsonValue
from flowapp.runtimes.guest.sql_values import plain

if TYPE_CHECKING:
    import ssl

    import pymysql
    from pymysql.cursors import SSCursor

_CONNECT_S = 10
_PORT = 3306
_LINE = re.compile(r"\bat line (\d+)\b")
#: COM_RESET_CONNECTION of the protocol, for which PyMySQL has no name
_RESET_CONNECTION = 0x1F
#: MySQL's and MariaDB's numbers of a query that ran too long
_TOO_LONG = (3024, 1969)


def connect(script: dict[str, Any], inputs: dict[str, Any]) -> Mysql:
    """Connect with the resource that the input `database` holds."""
    given = inputs.get("database")
    if not isinstance(given, dict):
        raise SqlError(
            "ExecutionErr",
            "There is no connection: set the input `database` to a resource of type mysql, or begin the script with "
            "`-- database f/folder/name`.",
        )
    return Mysql(given, script["timeout_s"], script["read_only"])


class Mysql:
    """One session. Each statement is its own transaction, unless the script says START TRANSACTION."""

    def __init__(self, resource: dict[str, Any], timeout_s: float, read_only: bool) -> None:
        import pymysql

        self._cursors: list[SSCursor] = []
        self._errors = (pymysql.Error, ValueError)
        try:
            self._connection: pymysql.Connection[SSCursor] = _open(resource)
        except (pymysql.Error, OSError, ValueError) as error:
            raise SqlError("ConnectionFailed", f"MySQL cannot be reached: {_said(error)}") from error
        self._statements = Statements(self._connection)
        when_stopped(lambda: _kill(resource, self._connection.thread_id()))
        self._begun = self._identity()
        self._prepare(timeout_s, read_only)

    def begin(self, timeout_s: float, read_only: bool) -> None:
        """See `Session.begin`."""
        self._connection.ping(reconnect=False)
        self._prepare(timeout_s, read_only)

    def _prepare(self, timeout_s: float, read_only: bool) -> None:
        """A query does not outlive its step."""
        is_mariadb = "mariadb" in str(self._connection.get_server_info()).lower()
        limit = (
            f"max_statement_time = {timeout_s:.3f}" if is_mariadb else f"max_execution_time = {int(timeout_s * 1000)}"
        )
        with self._connection.cursor() as cursor:
            with contextlib.suppress(*self._errors):
                cursor.execute(f"SET SESSION {limit}")
            if read_only:
                cursor.execute("SET SESSION TRANSACTION READ ONLY")

    def reset(self) -> None:
        """See `Session.reset`. A server that does not take back a role or the chosen database is not used again."""
        while self._cursors:
            self._cursors.pop().close()
        self._statements.finish()
        self._connection._execute_command(_RESET_CONNECTION, b"")
        self._connection._read_ok_packet()
        # The server has gone back to its own settings, of which these two are the client's as well.
        self._connection.set_character_set("utf8mb4")
        self._connection.autocommit(True)
        if self._begun is None or self._identity() != self._begun:
            raise ValueError("the session is not what it was")

    def _identity(self) -> Any:
        """Who we are there and where; None for a server that cannot say it."""
        with contextlib.suppress(*self._errors), self._connection.cursor() as cursor:
            cursor.execute("SELECT CURRENT_USER(), CURRENT_ROLE(), DATABASE()")
            return cursor.fetchone()
        return None

    def execute(self, text: str, values: list[Any], types: list[str]) -> Rows:
        """See `Connection.execute`."""
        if values:
            return self._prepared(text, [plain(value, kind) for value, kind in zip(values, types, strict=True)])
        # Without values there is nothing that a prepared statement would keep apart, and some statements cannot be prepared.
        self._statements.finish()
        cursor = self._connection.cursor()
        count = cursor.execute(text)
        columns = [str(column[0]) for column in cursor.description or ()]
        if not columns:
            cursor.close()
            return Rows([], (), changed(count))
        # Closing it reads whatever the server still has, which nobody waits for here.
        self._cursors.append(cursor)
        return Rows(columns, cursor.fetchall_unbuffered())

    def _prepared(self, text: str, values: list[Any]) -> Rows:
        while self._cursors:
            self._cursors.pop().close()
        answer = self._statements.execute(text, values)
        return Rows(answer.columns, answer.rows, "" if answer.columns else changed(answer.changed))

    def problem(self, error: Exception, text: str) -> SqlError | None:
        """See `Connection.problem`."""
        if not isinstance(error, self._errors):
            return None
        number = error.args[0] if error.args and isinstance(error.args[0], int) else None
        name = "Timeout" if number in _TOO_LONG else type(error).__name__
        line = _LINE.search(str(error))
        extra = {"number": number} if number is not None else None
        return SqlError(name, _said(error), int(line[1]) if line is not None else None, extra)


def _open(resource: dict[str, Any]) -> pymysql.Connection[SSCursor]:
    import pymysql
    from pymysql.constants import CLIENT
    from pymysql.cursors import SSCursor

    return pymysql.connect(
        host=str(resource.get("host") or "localhost"),
        port=int(resource.get("port") or _PORT),
        user=str(resource.get("user") or ""),
        password=str(resource.get("password") or ""),
        database=str(resource.get("database") or "") or None,
        connect_timeout=_CONNECT_S,
        charset="utf8mb4",
        autocommit=True,
        # what a procedure that is called with values answers: several results, and what it sets of them
        client_flag=CLIENT.PS_MULTI_RESULTS,
        ssl=_security(resource),
        conv=_conversions(),
        cursorclass=SSCursor,
    )


def _kill(resource: dict[str, Any], thread: int) -> None:
    """End what the server works on for us: that takes a second connection."""
    with _open(resource) as connection, connection.cursor() as cursor:
        cursor.execute("KILL QUERY %s", [thread])


def _said(error: Exception) -> str:
    said = str(error.args[1]) if len(error.args) > 1 else str(error)
    return ". ".join([said, *getattr(error, "__notes__", ())])


def _security(resource: dict[str, Any]) -> ssl.SSLContext | None:
    """`ssl` encrypts; with `root_certificate_pem` the server's certificate is checked as well."""
    import ssl

    certificate = resource.get("root_certificate_pem")
    if certificate:
        return ssl.create_default_context(cadata=str(certificate))
    if not resource.get("ssl"):
        return None
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _conversions() -> dict[Any, Any]:
    from pymysql.constants import FIELD_TYPE
    from pymysql.converters import conversions

    return {
        **conversions,
        FIELD_TYPE.JSON: JsonValue,
        FIELD_TYPE.DECIMAL: Decimal,
        FIELD_TYPE.NEWDECIMAL: Decimal,
        # Python's times are less than MySQL's: no zero dates, no times past a day.
        FIELD_TYPE.TIME: str,
        FIELD_TYPE.DATE: str,
        FIELD_TYPE.DATETIME: _moment,
        FIELD_TYPE.TIMESTAMP: _moment,
    }


def _moment(text: str) -> str:
    return text.replace(" ", "T", 1)
