"""Oracle through oracledb in its thin mode, which needs no client of Oracle's: parameters go to the server beside the statement."""

from __future__ import annotations

from typing import Any

from flowapp.runtimes.guest.sql_base import Rows, SqlError
from flowapp.runtimes.guest.sql_dbapi import given_resource, needed, refuse_read_only, rows_of, values_of

_CONNECT_S = 15.0
#: the driver's numbers of a call that took too long
_TIMED_OUT = ("DPY-4024", "DPI-1067")


def connect(script: dict[str, Any], inputs: dict[str, Any]) -> Oracle:
    """Connect with the resource that the input `database` holds."""
    refuse_read_only(script)
    return Oracle(given_resource(inputs, "oracledb"), script["timeout_s"])


class Oracle:
    """One session. Each statement is its own transaction; a block of PL/SQL is one statement."""

    def __init__(self, resource: dict[str, Any], timeout_s: float) -> None:
        import oracledb

        self._error = oracledb.Error
        # Numbers are exact, and long texts come as texts.
        oracledb.defaults.fetch_decimals = True
        oracledb.defaults.fetch_lobs = False
        user, password, dsn = needed(resource, "user", "password", "database")
        try:
            self._connection = oracledb.connect(
                user=user, password=password, dsn=dsn, tcp_connect_timeout=_CONNECT_S, program="flowapp"
            )
        except oracledb.Error as error:
            raise SqlError("ConnectionFailed", f"Oracle cannot be reached: {error}") from error
        self._connection.autocommit = True
        self._connection.call_timeout = int(timeout_s * 1000)

    def execute(self, text: str, values: list[Any], types: list[str]) -> Rows:
        """See `Connection.execute`."""
        cursor = self._connection.cursor()
        given = {f"p{number}": value for number, value in enumerate(values_of(values, types), 1)}
        cursor.execute(text, given)
        return rows_of(cursor)

    def problem(self, error: Exception, text: str) -> SqlError | None:
        """See `Connection.problem`."""
        if isinstance(error, ValueError):
            return SqlError("ValueError", str(error))
        if not isinstance(error, self._error):
            return None
        said = error.args[0] if error.args else None
        code, offset = getattr(said, "full_code", ""), getattr(said, "offset", None)
        name = "Timeout" if code in _TIMED_OUT else type(error).__name__
        line = text.count("\n", 0, offset) + 1 if isinstance(offset, int) and offset > 0 else None
        return SqlError(name, str(getattr(said, "message", "") or error), line, {"code": code} if code else None)
