"""Resources that were there before their values were kept: each has its present value as its first version."""

from __future__ import annotations

import sqlalchemy as sa

from flowapp.store import resource_versions, resources
from flowapp.store.tables import ResourceRow
from tests.integration.store.conftest import OldDatabase


def test_a_database_of_the_version_before_gets_it(old_database: OldDatabase) -> None:
    engine = old_database.engine
    entry = sa.text(
        "INSERT INTO resource (workspace, path, resource_type, value, description, edited_by, edited_at, extra) "
        "VALUES ('main', :path, :kind, '1', '', 'ada', '2026-01-01T00:00:00Z', '{}')"
    )
    old_database.up("0006")
    with engine.begin() as connection:
        for path, kind in (("f/a/db", "postgresql"), ("f/a/s", "state")):
            connection.execute(entry, {"path": path, "kind": kind})
    old_database.up("0007")
    with engine.begin() as connection:
        (first,) = resource_versions.listing(connection, "main", "f/a/db")
        assert (first.version, first.created_by, first.created_at) == (1, "ada", "2026-01-01T00:00:00Z")
        assert resource_versions.listing(connection, "main", "f/a/s") == []
        changed = ResourceRow(
            workspace="main", path="f/a/db", resource_type="postgresql", value="2", edited_by="bea", edited_at=""
        )
        resources.put(connection, changed)
        assert [row.version for row in resource_versions.listing(connection, "main", "f/a/db")] == [2, 1]
    old_database.down("0006")
    old_database.up("0007")
    with engine.begin() as connection:
        assert [row.created_by for row in resource_versions.listing(connection, "main", "f/a/db")] == ["bea"]
