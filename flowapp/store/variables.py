"""Variables by path. A secret's value is encrypted at rest (`store.secret_box`)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.rows import all_of, first, insert_new, table, upsert
from flowapp.store.secret_box import SecretBox
from flowapp.store.tables import VariableRow

_VARIABLE = table(VariableRow)


def get(connection: Connection, workspace: str, path: str) -> VariableRow | None:
    """The row as it is stored: a secret's value is its ciphertext."""
    query = sa.select(_VARIABLE).where(_VARIABLE.c.workspace == workspace, _VARIABLE.c.path == path)
    return first(connection, VariableRow, query)


def get_variable(connection: Connection, box: SecretBox, workspace: str, path: str) -> str | None:
    """A variable's value in clear; None when there is none of that path."""
    row = get(connection, workspace, path)
    if row is None:
        return None
    return box.open(workspace, path, row.value) if row.is_secret else row.value


def set_variable(connection: Connection, box: SecretBox, row: VariableRow) -> None:
    """Create or replace a variable; `row.value` comes in clear and is sealed here when it is a secret."""
    if row.is_secret:
        row = VariableRow(**{**row.model_dump(), "value": box.seal(row.workspace, row.path, row.value)})
    upsert(connection, row)


def add(connection: Connection, row: VariableRow) -> bool:
    """Insert a row whose value is as it shall be stored; False when there is one at that path already."""
    return insert_new(connection, row)


def put(connection: Connection, row: VariableRow) -> None:
    """Create or replace a row; its value is as it shall be stored."""
    upsert(connection, row)


def delete(connection: Connection, workspace: str, path: str) -> bool:
    """Take a variable away; whether there was one."""
    where = (_VARIABLE.c.workspace == workspace, _VARIABLE.c.path == path)
    return connection.execute(sa.delete(_VARIABLE).where(*where)).rowcount > 0


def listing(connection: Connection, workspace: str, start: str = "") -> list[VariableRow]:
    """All variables whose path begins with `start`, by path, as they are stored."""
    query = sa.select(_VARIABLE).where(_VARIABLE.c.workspace == workspace)
    if start:
        query = query.where(_VARIABLE.c.path.startswith(start, autoescape=True))
    return all_of(connection, VariableRow, query.order_by(_VARIABLE.c.path))
