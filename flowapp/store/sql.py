"""Statements for both databases, written once and handed to the driver as they are.

Building a statement with SQLAlchemy costs more than running it on SQLite. What is written for every step is therefore plain
text with named binds (`:name`), turned once into what each driver wants.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, CursorResult

_BIND = re.compile(r"(?<!:):([a-z_][a-z_0-9]*)\b")
_ROW_LOCK = re.compile(r" FOR (?:NO KEY UPDATE|UPDATE|SHARE|KEY SHARE)\b")
_CASTS: tuple[tuple[type[sa.types.TypeEngine[Any]], str], ...] = (
    (sa.Boolean, "BOOLEAN"),
    (sa.BigInteger, "BIGINT"),
    (sa.Integer, "INTEGER"),
    (sa.Float, "DOUBLE PRECISION"),
)


class Sql:
    """One statement. Row locks (`… FOR SHARE`) are left out on SQLite, where the one writer is alone anyway."""

    __slots__ = ("_postgres", "_sqlite")

    def __init__(self, text: str) -> None:
        self._sqlite = _ROW_LOCK.sub("", text)
        self._postgres = _BIND.sub(r"%(\1)s", text.replace("%", "%%"))

    def run(
        self, connection: Connection, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """Run it with the values of its binds, or once for each mapping of a list."""
        text = self._sqlite if connection.dialect.name == "sqlite" else self._postgres
        return connection.exec_driver_sql(text, values or {})

    def change(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Run what answers no rows; how many it changed. SQLite's driver is asked directly, for what is written with each step.

        Raises:
            sqlite3.Error, sqlalchemy.exc.DBAPIError: the database refuses.
        """
        if connection.dialect.name != "sqlite":
            return connection.exec_driver_sql(self._postgres, values).rowcount
        raw = connection.connection.driver_connection
        assert raw is not None
        changed: int = raw.execute(self._sqlite, values).rowcount
        return changed


def bind(column: sa.Column[Any]) -> str:
    """A bind that has its column's type also where PostgreSQL cannot tell it: in the SELECT of an INSERT."""
    for kind, name in _CASTS:
        if isinstance(column.type, kind):
            return f"CAST(:{column.name} AS {name})"
    return f"CAST(:{column.name} AS VARCHAR)"
