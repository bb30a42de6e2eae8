"""What the drivers of SQL Server, Oracle and Snowflake have in common: they follow Python's interface for databases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from flowapp.runtimes.guest.sql_base import Rows, SqlError
from flowapp.runtimes.guest.sql_values import plain

_CHUNK = 1000


def given_resource(inputs: dict[str, Any], kind: str) -> dict[str, Any]:
    """The resource in the input `database`.

    Raises:
        SqlError: there is none.
    """
    given = inputs.get("database")
    if isinstance(given, dict):
        return given
    raise SqlError(
        "ExecutionErr",
        f"There is no connection: set the input `database` to a resource of type {kind}, or begin the script with "
        "`-- database f/folder/name`.",
    )


def refuse_read_only(script: dict[str, Any]) -> None:
    """For databases whose sessions cannot be told to only read.

    Raises:
        SqlError: the script asks for it.
    """
    if script["read_only"]:
        message = "`-- read_only` is not supported for this database: connect with a user or role that may only read."
        raise SqlError("ExecutionErr", message)


def needed(resource: dict[str, Any], *names: str) -> list[str]:
    """Fields of a resource that have to be there, as text.

    Raises:
        SqlError: one of them is missing.
    """
    missing = [name for name in names if resource.get(name) in (None, "")]
    if missing:
        raise SqlError("ExecutionErr", f"The resource in `database` has no {' and no '.join(missing)}.")
    return [str(resource[name]) for name in names]


def values_of(values: list[Any], types: list[str]) -> list[Any]:
    """Inputs as drivers take them: exact numbers as decimals, bytes out of base64, lists and objects as JSON text."""
    return [plain(value, kind) for value, kind in zip(values, types, strict=True)]


def rows_of(cursor: Any) -> Rows:
    """What a cursor has after it has executed a statement."""
    if not cursor.description:
        return Rows([], (), changed(cursor.rowcount))
    return Rows([str(column[0]) for column in cursor.description], chunks(cursor))


def chunks(cursor: Any) -> Iterator[Sequence[Any]]:
    """Rows as they come."""
    while rows := cursor.fetchmany(_CHUNK):
        yield from rows


def changed(count: Any) -> str:
    """For the log; nothing where the driver does not know."""
    if not isinstance(count, (int, Decimal)) or count < 0:
        return ""
    return f"{count} row{'' if count == 1 else 's'} changed"
