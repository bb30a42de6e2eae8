"""Looking at a database from outside, as whoever operates the machine does: nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from flowapp.store.beside import engine_of, schema_of
from flowapp.store.key_check import key_fits
from flowapp.store.migrations import newest
from flowapp.store.secret_box import SecretBox


@dataclass(frozen=True, slots=True)
class Seen:
    """What a database is like.

    `schema` is None without tables. `key_fits` says whether the key at hand opens its secrets (None: nothing to compare).
    `clock` is the time on the database's machine, aware; None for SQLite, which is on this one.
    """

    schema: str | None
    wanted_schema: str
    key_fits: bool | None
    clock: datetime | None


def look(url: str, home: Path, key: str = "") -> Seen:
    """Look at the database of a data folder; `key` stands in for the folder's key file.

    Raises:
        DatabaseUnsupported: there is none, or its file cannot be read.
        DatabaseAway: PostgreSQL does not answer.
    """
    engine = engine_of(url, home)
    try:
        schema = schema_of(engine)
        has_key = bool(key) or (home / "secret.key").exists()
        compared = schema == newest() and has_key
        return Seen(schema, newest(), _key_fits(engine, home, key) if compared else None, _clock(engine))
    finally:
        engine.dispose()


def _key_fits(engine: Engine, home: Path, key: str) -> bool:
    with engine.connect() as connection:
        return key_fits(connection, SecretBox(home, key))


def _clock(engine: Engine) -> datetime | None:
    if engine.dialect.name == "sqlite":
        return None
    with engine.connect() as connection:
        found: datetime = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
        return found
