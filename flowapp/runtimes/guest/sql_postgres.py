"""PostgreSQL through psycopg: parameters go to the server beside the statement, in the types that the script declares."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from flowapp.runtimes.guest.sql_base import Rows, SqlError, when_stopped
from flowapp.runtimes.guest.sql_rows import JsonValue, encode
from flowapp.runtimes.guest.sql_values import decoded

if TYPE_CHECKING:
    import psycopg
    from psycopg.abc import Buffer

_CONNECT_S = 10
_CHUNK = 1000
_CANCEL_S = 1.0
#: the first version that notices by itself that its client is gone
_CHECKS_CLIENTS = 140000
_QUERY = re.compile(r"(?:select|values|table|show)\b", re.IGNORECASE)
_ALIASES = {
    "int": "int4",
    "integer": "int4",
    "smallint": "int2",
    "bigint": "int8",
    "serial": "int4",
    "bigserial": "int8",
    "real": "float4",
    "double precision": "float8",
    "double": "float8",
    "float": "float8",
    "decimal": "numeric",
    "boolean": "bool",
    "varchar": "text",
    "char": "text",
    "character varying": "text",
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
}
#: types that come as PostgreSQL writes them: what Python has for them is less
_AS_TEXT = [
    "time",
    "timetz",
    "interval",
    "int4range",
    "int8range",
    "numrange",
    "daterange",
    "tsrange",
    "tstzrange",
    "int4multirange",
    "int8multirange",
    "nummultirange",
    "datemultirange",
    "tsmultirange",
    "tstzmultirange",
    "date",
]
_SIZE = re.compile(r"\s*\([^)]*\)")
_SHORT_ZONE = re.compile(r"([+-]\d\d)$")


@dataclass(frozen=True, slots=True)
class _Typed:
    """The text of a parameter and its type's number; 0 where PostgreSQL is to find the type out."""

    text: str
    oid: int


def connect(script: dict[str, Any], inputs: dict[str, Any]) -> Postgres:
    """Connect with the resource that the input `database` holds."""
    return Postgres(_address(inputs.get("database")), script["timeout_s"], script["read_only"])


class Postgres:
    """One session. Each statement is its own transaction, unless the script says BEGIN."""

    def __init__(self, address: dict[str, Any], timeout_s: float, read_only: bool) -> None:
        import psycopg

        self._psycopg = psycopg
        try:
            self._connection = psycopg.connect(**address, autocommit=True, cursor_factory=psycopg.RawCursor)
        except psycopg.Error as error:
            raise SqlError("ConnectionFailed", f"PostgreSQL cannot be reached: {str(error).strip()}") from error
        when_stopped(lambda: self._connection.cancel_safe(timeout=_CANCEL_S))
        self._connection.add_notice_handler(_say)
        _adapt(self._connection)
        # Where a session is reset, statements that were prepared by themselves would be gone.
        self._connection.prepare_threshold = None
        self.begin(timeout_s, read_only)

    def begin(self, timeout_s: float, read_only: bool) -> None:
        """See `Session.begin`."""
        settings = {
            "datestyle": "ISO",
            "intervalstyle": "iso_8601",
            # A query does not outlive its step: not by the clock, and not when the step is canceled.
            "statement_timeout": str(int(timeout_s * 1000)),
        }
        if self._connection.info.server_version >= _CHECKS_CLIENTS:
            settings["client_connection_check_interval"] = "1000"
        calls = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in settings.items())
        self._connection.execute(f"SELECT {calls}".encode())
        if read_only:
            self._connection.execute("SET default_transaction_read_only = on")

    def reset(self) -> None:
        """See `Session.reset`. What the server cannot take back (such as globals of PL/Python) is the person's own."""
        self._connection.rollback()
        self._connection.execute("DISCARD ALL")

    def execute(self, text: str, values: list[Any], types: list[str]) -> Rows:
        """See `Connection.execute`."""
        cursor = self._connection.cursor()
        given = [self._typed(value, kind) for value, kind in zip(values, types, strict=True)]
        if not _QUERY.match(text):
            cursor.execute(text.encode(), given or None)
            columns = [column.name for column in cursor.description or ()]
            return Rows(columns, cursor if columns else (), cursor.statusmessage or "")
        rows = self._stream(cursor, text, given)
        first = next(rows, None)
        columns = [column.name for column in cursor.description or ()]
        described = partial(self._described, text, given) if first is None else None
        return Rows(columns, _again(first, rows), described=described)

    def _described(self, text: str, given: list[Any]) -> list[str]:
        connection = self._connection.pgconn
        connection.prepare(b"", text.encode(), [value.oid if isinstance(value, _Typed) else 0 for value in given])
        found = connection.describe_prepared(b"")
        return [(found.fname(number) or b"").decode() for number in range(found.nfields)]

    def _stream(self, cursor: Any, text: str, given: list[Any]) -> Iterator[Sequence[Any]]:
        try:
            yield from cursor.stream(text.encode(), given or None, size=_CHUNK)
        except self._psycopg.ProgrammingError as error:
            # psycopg's own complaint about a statement without rows (SELECT … INTO); a server's error has a state.
            if error.sqlstate is not None:
                raise

    def _typed(self, value: Any, kind: str) -> Any:
        if value is None:
            return None
        name = _SIZE.sub("", kind).strip()
        is_array = name.endswith("[]")
        name = name.rstrip("[]").strip()
        name = _ALIASES.get(name, name)
        info = self._psycopg.adapters.types.get(name)
        oid = 0 if info is None else info.array_oid if is_array else info.oid
        if isinstance(value, list) and name not in ("json", "jsonb") and (is_array or not kind):
            return _Typed(_array(value), oid)
        if name == "bytea" and isinstance(value, str):
            return _Typed("\\x" + decoded(value).hex(), oid)
        if name in ("json", "jsonb"):
            return _Typed(encode(value, exact=True), oid)
        return _Typed(_text(value), oid)

    def problem(self, error: Exception, text: str) -> SqlError | None:
        """See `Connection.problem`."""
        if isinstance(error, ValueError):
            return SqlError("ValueError", str(error))
        if not isinstance(error, self._psycopg.Error):
            return None
        said = error.diag
        parts = [said.message_primary or str(error).strip(), said.message_detail, said.message_hint, said.context]
        line = None
        if said.statement_position is not None:
            line = text.count("\n", 0, int(said.statement_position) - 1) + 1
        name = type(error).__name__
        if error.sqlstate == "57014":
            name = "Timeout"
        return SqlError(name, "\n".join(part for part in parts if part), line, {"sqlstate": error.sqlstate})


def _address(given: Any) -> dict[str, Any]:
    """What psycopg connects with, of a resource of type postgresql or an address as text."""
    if isinstance(given, str) and given:
        return {"conninfo": given, "connect_timeout": _CONNECT_S, "application_name": "flowapp"}
    if not isinstance(given, dict):
        raise SqlError(
            "ExecutionErr",
            "There is no connection: set the input `database` to a resource of type postgresql, or begin the script with "
            "`-- database f/folder/name`.",
        )
    names = {
        "host": "host",
        "port": "port",
        "user": "user",
        "password": "password",
        "dbname": "dbname",
        "sslmode": "sslmode",
    }
    address = {name: str(given[key]) for key, name in names.items() if given.get(key) not in (None, "")}
    certificate = given.get("root_certificate_pem")
    if certificate:
        path = os.path.join(os.environ["TMPDIR"], "root.pem")
        with open(path, "w") as file:
            file.write(str(certificate))
        address["sslrootcert"] = path
    return {**address, "connect_timeout": _CONNECT_S, "application_name": "flowapp"}


def _say(notice: psycopg.errors.Diagnostic) -> None:
    sys.stdout.write(f"{notice.severity}: {notice.message_primary}\n")


def _again(first: Sequence[Any] | None, rows: Iterator[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    if first is not None:
        yield first
        yield from rows


def _adapt(connection: psycopg.Connection[Any]) -> None:
    """Parameters as `_Typed`, and columns as what JSON has for them."""
    from psycopg.adapt import Dumper, Loader
    from psycopg.types.string import TextLoader

    class TypedDumper(Dumper):
        """Sends the text, with the type of the one value."""

        def dump(self, obj: _Typed) -> Buffer | None:
            return obj.text.encode()

        def get_key(self, obj: _Typed, format: Any) -> Any:
            return (self.cls, obj.oid)

        def upgrade(self, obj: _Typed, format: Any) -> TypedDumper:
            dumper = type(self)(self.cls)
            dumper.oid = obj.oid
            return dumper

    class JsonLoader(Loader):
        """A JSON column is JSON already."""

        def load(self, data: Buffer) -> JsonValue:
            return JsonValue(bytes(data), "utf-8")

    class TimestampLoader(Loader):
        """As ISO 8601 writes it, in years that Python does not know too."""

        def load(self, data: Buffer) -> str:
            return _SHORT_ZONE.sub(r"\1:00", bytes(data).decode().replace(" ", "T", 1))

    adapters = connection.adapters
    adapters.register_dumper(_Typed, TypedDumper)
    for name in ("json", "jsonb"):
        adapters.register_loader(name, JsonLoader)
    for name in ("timestamp", "timestamptz"):
        adapters.register_loader(name, TimestampLoader)
    for name in _AS_TEXT:
        adapters.register_loader(name, TextLoader)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return encode(value, exact=True)
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _array(values: list[Any]) -> str:
    """A list as PostgreSQL writes arrays."""
    return "{" + ",".join(_element(value) for value in values) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return _array(value)
    escaped = _text(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
