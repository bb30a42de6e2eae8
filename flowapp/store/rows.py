"""Table rows in and out of SQLAlchemy Core: no session, no lazy loading, rows are plain values."""

from __future__ import annotations

from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlmodel import SQLModel

R = TypeVar("R", bound=SQLModel)


def table(kind: type[SQLModel]) -> sa.Table:
    """The Core table of a row class."""
    return SQLModel.metadata.tables[str(kind.__tablename__)]


def first(connection: Connection, kind: type[R], query: sa.Select[Any]) -> R | None:
    """The first row of a query over all columns of `kind`."""
    row = connection.execute(query.limit(1)).mappings().first()
    return None if row is None else kind(**row)


def all_of(connection: Connection, kind: type[R], query: sa.Select[Any]) -> list[R]:
    """All rows of a query over all columns of `kind`."""
    return [kind(**row) for row in connection.execute(query).mappings()]


def insert(connection: Connection, row: SQLModel) -> int | None:
    """Insert a row; returns the generated id where the table has one."""
    values = row.model_dump()
    if values.get("id", 0) is None:
        del values["id"]
    done = connection.execute(sa.insert(table(type(row))), values)  # as parameters: the statement is compiled once
    key = done.inserted_primary_key
    return key[0] if key is not None and isinstance(key[0], int) else None


def upsert(connection: Connection, row: SQLModel) -> None:
    """Insert a row, or replace the one that has its primary key; in one statement, so two writers never collide."""
    values = row.model_dump()
    target = table(type(row))
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    keys = [column.name for column in target.primary_key]
    others = {name: value for name, value in values.items() if name not in keys}
    statement = make(target).values(values)
    if others:
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=others))
    else:
        connection.execute(statement.on_conflict_do_nothing(index_elements=keys))


def insert_new(connection: Connection, row: SQLModel) -> bool:
    """Insert a row unless there is one with its primary key; whether it was inserted."""
    target = table(type(row))
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    keys = [column.name for column in target.primary_key]
    adding = make(target).values(row.model_dump()).on_conflict_do_nothing(index_elements=keys)
    # a row comes back for what was inserted: PostgreSQL's driver does not count the rows of an INSERT
    return connection.execute(adding.returning(target.c[keys[0]])).first() is not None
