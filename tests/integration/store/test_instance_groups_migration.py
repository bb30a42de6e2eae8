"""Groups that were there before instance groups: they are linked to none, and what they give stays."""

from __future__ import annotations

import sqlalchemy as sa

from flowapp.store import groups, instance_groups
from tests.integration.store.conftest import OldDatabase


def test_a_database_of_the_version_before_gets_them(old_database: OldDatabase) -> None:
    engine = old_database.engine
    old_database.up("0007")
    with engine.begin() as connection:
        connection.execute(sa.text("""INSERT INTO "group" (workspace, name, summary) VALUES ('main', 'crew', 's')"""))
        groups.add_member(connection, "main", "crew", "ada")
    for _ in range(2):
        old_database.up("0008")
        with engine.begin() as connection:
            (row,) = groups.listing(connection, "main")
            assert (row.name, row.summary, row.instance_group) == ("crew", "s", "")
            assert groups.of_user(connection, "main", "ada") == {"crew"}
            assert instance_groups.listing(connection) == [] and instance_groups.links(connection) == {}
        old_database.down("0007")
