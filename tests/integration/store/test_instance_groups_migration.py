"""Groups that were there before instance groups: they are linked to none, and what they give stays."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import flowapp.store.migrations as migrations
from flowapp.store import groups, instance_groups


def test_a_database_of_the_version_before_gets_them(tmp_path: Path, new_store_url: str) -> None:
    url = new_store_url.replace("postgresql://", "postgresql+psycopg://") or f"sqlite:///{tmp_path / 'old.db'}"
    engine = sa.create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")

    def to(revision: str, *, up: bool = True) -> None:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            (command.upgrade if up else command.downgrade)(config, revision)

    to("0007")
    with engine.begin() as connection:
        connection.execute(sa.text("""INSERT INTO "group" (workspace, name, summary) VALUES ('main', 'crew', 's')"""))
        groups.add_member(connection, "main", "crew", "ada")
    for _ in range(2):
        to("0008")
        with engine.begin() as connection:
            (row,) = groups.listing(connection, "main")
            assert (row.name, row.summary, row.instance_group) == ("crew", "s", "")
            assert groups.of_user(connection, "main", "ada") == {"crew"}
            assert instance_groups.listing(connection) == [] and instance_groups.links(connection) == {}
        to("0007", up=False)
    engine.dispose()
