"""A database that is taken from one version of its tables to another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import flowapp.store.migrations as migrations


class OldDatabase:
    """A new database of each kind, without tables yet."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._config = Config()
        self._config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        self._config.set_main_option("path_separator", "os")

    def up(self, revision: str) -> None:
        """Bring its tables up to a revision."""
        with self.engine.begin() as connection:
            self._config.attributes["connection"] = connection
            command.upgrade(self._config, revision)

    def down(self, revision: str) -> None:
        """Take them back to one."""
        with self.engine.begin() as connection:
            self._config.attributes["connection"] = connection
            command.downgrade(self._config, revision)


@pytest.fixture
def old_database(tmp_path: Path, new_store_url: str) -> Iterator[OldDatabase]:
    url = new_store_url.replace("postgresql://", "postgresql+psycopg://") or f"sqlite:///{tmp_path / 'old.db'}"
    engine = sa.create_engine(url)
    yield OldDatabase(engine)
    engine.dispose()
