"""Copies of databases as they are at one moment, whatever is written meanwhile."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from flowapp.store.backups.errors import BackupError
from flowapp.store.postgres import engine_url

_WAIT_S = 30.0
#: Where Debian keeps the programs of several versions side by side.
VERSIONS = Path("/usr/lib/postgresql")


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a SQLite database into a new file by SQLite's online backup, in one read transaction.

    Raises:
        BackupError: it cannot be read or written.
    """
    target.touch(mode=0o600)
    try:
        with (
            contextlib.closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True, timeout=_WAIT_S)) as reading,
            contextlib.closing(sqlite3.connect(target)) as writing,
        ):
            reading.backup(writing, pages=-1)
            # one file, without the log files that the copied setting would make beside it
            writing.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise BackupError(f"{source} cannot be copied ({error}).", "Is there enough room on the disk?") from None


def dump_postgres(url: str, target: Path) -> None:
    """Dump a PostgreSQL database into a file by `pg_dump`.

    Raises:
        BackupError: `pg_dump` is not installed, or says what is wrong.
    """
    target.touch(mode=0o600)
    _call(url, "pg_dump", ["--format=custom", "--no-owner", "--no-privileges", f"--file={target}"])


def restore_postgres(url: str, source: Path) -> None:
    """Fill an empty PostgreSQL database from a dump, whole or not at all, by `pg_restore`.

    Raises:
        BackupError: `pg_restore` is not installed, or says what is wrong.
    """
    options = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", "--dbname="]
    _call(url, "pg_restore", [*options, str(source)])


def _call(url: str, name: str, arguments: Sequence[str]) -> None:
    """Run one of PostgreSQL's programs. It learns address and password from its environment: arguments are seen by all."""
    found = engine_url(url)
    env = {
        "PGHOST": found.host,
        "PGPORT": str(found.port) if found.port else None,
        "PGUSER": found.username,
        "PGPASSWORD": str(found.password) if found.password is not None else None,
        "PGDATABASE": found.database,
        **{f"PG{key.upper()}": str(value) for key, value in found.query.items() if key.startswith("ssl")},
    }
    arguments = [f"--dbname={found.database}" if text == "--dbname=" else text for text in arguments]
    done = subprocess.run(
        [_program(name), "--no-password", *arguments],
        env={**os.environ, **{key: value for key, value in env.items() if value}},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[0]
        raise BackupError(f"{name} failed: {said[:400]}", f"Is {name} as new as the PostgreSQL server?")


def _program(name: str) -> str:
    """The newest of PostgreSQL's programs of that name: an older one cannot read a newer server.

    Raises:
        BackupError: there is none.
    """
    versions = VERSIONS.glob(f"*/bin/{name}")
    beside = sorted((file for file in versions if file.parts[-3].isdigit()), key=lambda file: int(file.parts[-3]))
    found = str(beside[-1]) if beside else shutil.which(name)
    if found is None:
        raise BackupError(
            f"{name} is not installed, which backups of PostgreSQL need.",
            "Install PostgreSQL's client programs, on Debian: apt install postgresql-client",
        )
    return found


def has_tables(url: str) -> bool:
    """Whether a PostgreSQL database has any table of ours.

    Raises:
        DatabaseAway: it does not answer.
    """
    from flowapp.store.beside import schema_of

    engine = sa.create_engine(engine_url(url), connect_args={"connect_timeout": 5})
    try:
        return schema_of(engine) is not None
    finally:
        engine.dispose()
