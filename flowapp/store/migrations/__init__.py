"""Schema migrations: Alembic, run by the server itself at start. `versions/` holds one file per change."""

from __future__ import annotations

import re
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

LOCK = 0x666C6F77617070
"""The advisory lock that servers which start at the same time take in turn."""
_REVISION = re.compile(r'^(revision|down_revision) = "([^"]+)"', flags=re.MULTILINE)


def migrate(engine: Engine) -> None:
    """Bring the database to the newest schema; does nothing when it is there already."""
    if present(engine) == newest():
        return
    # Alembic takes a fifth of a second to import, which the usual start, with nothing to migrate, need not wait for.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with engine.connect() as connection:
        _begin(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def _begin(connection: Connection) -> None:
    """One transaction around the whole upgrade, so that it happens or does not; the first of several servers does it."""
    if connection.dialect.name == "sqlite":
        # the engine leaves transactions to its users
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})


def newest() -> str:
    """The revision that no other file comes after."""
    found = _revisions()
    followed = {revision.get("down_revision") for revision in found}
    last: str
    (last,) = (
        revision["revision"] for revision in found if "revision" in revision and revision["revision"] not in followed
    )
    return last


def known() -> set[str]:
    """All revisions that this version can bring to the newest."""
    return {revision["revision"] for revision in _revisions() if "revision" in revision}


def _revisions() -> list[dict[str, str]]:
    return [dict(_REVISION.findall(file.read_text())) for file in (Path(__file__).parent / "versions").glob("*.py")]


def present(engine: Engine) -> str | None:
    """The revision that a database has; None when it has no tables of ours."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return found
