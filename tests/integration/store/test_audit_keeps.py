"""The audit trail is append-only in the database itself, whoever asks; and what retention deletes leaves it alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store import audit, retention
from flowapp.store.clock import now
from flowapp.store.migrations import present
from flowapp.store.rows import insert
from flowapp.store.stores import Store
from flowapp.store.tables import AuditRow, WorkspaceRow
from tests.integration.store.conftest import OldDatabase


@pytest.fixture
async def store(tmp_path: Path, store_url: str) -> AsyncIterator[Store]:
    opened = await Store.open(store_url, tmp_path / "home")

    def work(connection: Connection) -> None:
        insert(connection, WorkspaceRow(id="main", name="main", key="k", created_at=now()))
        for name in ("one", "two"):
            audit.add(connection, workspace="main", by="ada", action="script.create", target=name)

    await opened.database.write(work)
    yield opened
    await opened.close()


async def _rows(store: Store) -> list[AuditRow]:
    return await store.database.read(lambda c: audit.latest(c, "main"))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET by = 'nobody'",
        "UPDATE audit SET detail = 'x' WHERE target = 'one'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE target = 'one'",
    ],
)
async def test_an_entry_is_neither_changed_nor_deleted(store: Store, statement: str) -> None:
    before = await _rows(store)
    # `by` is a word of PostgreSQL's only in places where no column can stand
    with pytest.raises(Exception, match="append-only"):
        await store.database.write(lambda c: c.execute(sa.text(statement)))
    assert await _rows(store) == before and len(before) == 2


async def test_an_entry_is_not_written_over(store: Store) -> None:
    before = await _rows(store)
    row = before[0].model_dump() | {"by": "nobody"}
    columns = ", ".join(f'"{name}"' for name in row)
    values = ", ".join(f":{name}" for name in row)
    if store.database.shared:
        changes = f'INSERT INTO audit ({columns}) VALUES ({values}) ON CONFLICT (id) DO UPDATE SET "by" = :by'
    else:
        changes = f"INSERT OR REPLACE INTO audit ({columns}) VALUES ({values})"
    with pytest.raises(Exception, match="append-only"):
        await store.database.write(lambda c: c.execute(sa.text(changes), row))
    assert await _rows(store) == before


async def test_the_table_is_not_emptied(store: Store) -> None:
    before = await _rows(store)
    emptying = "TRUNCATE audit" if store.database.shared else "DELETE FROM audit WHERE true"
    with pytest.raises(Exception, match="append-only"):
        await store.database.write(lambda c: c.execute(sa.text(emptying)))
    assert await _rows(store) == before


async def test_a_deed_whose_transaction_fails_leaves_no_entry_and_later_ones_are_added(store: Store) -> None:
    def work(connection: Connection) -> None:
        audit.add(connection, workspace="main", by="ada", action="script.create", target="three")
        connection.execute(sa.text("DELETE FROM audit"))

    with pytest.raises(Exception, match="append-only"):
        await store.database.write(work)
    await store.database.write(
        lambda c: audit.add(c, workspace="main", by="ada", action="script.create", target="four")
    )
    assert [row.target for row in await _rows(store)] == ["four", "two", "one"]


async def test_what_expires_takes_no_entry_along(store: Store) -> None:
    before = await _rows(store)
    await retention.expire(store, datetime.now(UTC) + timedelta(days=10_000))
    assert await _rows(store) == before


def test_a_database_of_the_version_before_gets_it(old_database: OldDatabase) -> None:
    engine = old_database.engine
    entry = "INSERT INTO audit (workspace, at, \"by\", action, target, detail, address) VALUES ('main', '', 'a', 'b', '', '', '')"
    old_database.up("0003")
    with engine.begin() as connection:
        connection.execute(sa.text(entry))
    old_database.up("0004")
    assert present(engine) == "0004"
    with pytest.raises(sa.exc.DatabaseError, match="append-only"), engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM audit"))
    old_database.down("0003")
    with engine.begin() as connection:
        assert connection.execute(sa.text("DELETE FROM audit")).rowcount == 1
    old_database.up("0004")
