"""Resources that were there before their values were kept: each has its present value as its first version."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import flowapp.store.migrations as migrations
from flowapp.store import resource_versions, resources
from flowapp.store.tables import ResourceRow


def test_a_database_of_the_version_before_gets_it(tmp_path: Path, new_store_url: str) -> None:
    url = new_store_url.replace("postgresql://", "postgresql+psycopg://") or f"sqlite:///{tmp_path / 'old.db'}"
    engine = sa.create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")

    def to(revision: str, *, up: bool = True) -> None:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            (command.upgrade if up else command.downgrade)(config, revision)

    entry = sa.text(
        "INSERT INTO resource (workspace, path, resource_type, value, description, edited_by, edited_at, extra) "
        "VALUES ('main', :path, :kind, '1', '', 'ada', '2026-01-01T00:00:00Z', '{}')"
    )
    to("0006")
    with engine.begin() as connection:
        for path, kind in (("f/a/db", "postgresql"), ("f/a/s", "state")):
            connection.execute(entry, {"path": path, "kind": kind})
    to("0007")
    with engine.begin() as connection:
        (first,) = resource_versions.listing(connection, "main", "f/a/db")
        assert (first.version, first.created_by, first.created_at) == (1, "ada", "2026-01-01T00:00:00Z")
        assert resource_versions.listing(connection, "main", "f/a/s") == []
        changed = ResourceRow(
            workspace="main", path="f/a/db", resource_type="postgresql", value="2", edited_by="bea", edited_at=""
        )
        resources.put(connection, changed)
        assert [row.version for row in resource_versions.listing(connection, "main", "f/a/db")] == [2, 1]
    to("0006", up=False)
    to("0007")
    with engine.begin() as connection:
        assert [row.created_by for row in resource_versions.listing(connection, "main", "f/a/db")] == ["bea"]
    engine.dispose()
