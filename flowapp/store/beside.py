"""Using a database beside the server that may be running on it: for the commands of whoever operates the machine.

SQLite takes the writes of several processes in turn, and those of commands are few and short. What the lock of the data folder
keeps apart is servers, since each believes that the folder's runs are its own. A command touches no run, and tells no page.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from flowapp.store.database import Database, Write, database_file, is_postgres
from flowapp.store.errors import DatabaseUnsupported
from flowapp.store.migrations import newest, present

T = TypeVar("T")
_HINT = "Start this version's server once, or call `flowapp migrate`."


class Beside(Database):
    """A few short transactions, one at a time."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine
        self.shared = engine.dialect.name != "sqlite"

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction."""
        return await asyncio.to_thread(self._work, work, "BEGIN IMMEDIATE")

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction that is rolled back."""
        return await asyncio.to_thread(self._work, work, "BEGIN", keep=False)

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.to_thread(self._engine.dispose)
        self.events.close_all()

    def _work(self, work: Callable[[Connection], T], begin: str, *, keep: bool = True) -> T:
        with self._engine.connect() as connection:
            if not self.shared:
                connection.exec_driver_sql(begin)  # the engine leaves transactions to its users
            self.events.collect()
            value = work(connection)
            if keep:
                connection.commit()
            return value

    def _hand_over(self, item: Write) -> None:
        """Never called: only the base's `write`, which is another one here, queues anything."""
        raise NotImplementedError("writes are done where they are asked for")


@asynccontextmanager
async def open_beside(url: str, home: Path) -> AsyncIterator[Database]:
    """The database of a data folder, for a few short transactions; nothing is created or migrated.

    Raises:
        DatabaseUnsupported: there is no database yet, or its schema is not this version's.
        DatabaseAway: PostgreSQL does not answer.
    """
    engine = await asyncio.to_thread(engine_of, url, home)
    database = Beside(engine)
    try:
        found = await asyncio.to_thread(schema_of, engine)
        if found != newest():
            state = "has no tables yet" if found is None else f"has the schema {found}, not {newest()}"
            raise DatabaseUnsupported(f"The database {state}.", _HINT)
        yield database
    finally:
        await database.close()


def engine_of(url: str, home: Path) -> Engine:
    """Connections to the database of a data folder, which must be there.

    Raises:
        DatabaseUnsupported: it is not, or `url` names no database that we can use.
    """
    if is_postgres(url):
        from flowapp.store.postgres import engine_url

        return sa.create_engine(engine_url(url), connect_args={"connect_timeout": 5})
    file = database_file(url, home)
    if not file.exists():
        raise DatabaseUnsupported(f"There is no database at {file} yet.", _HINT)
    from flowapp.store.sqlite import sqlite_engine

    return sqlite_engine(file)


def schema_of(engine: Engine) -> str | None:
    """The schema that a database has; None for none.

    Raises:
        DatabaseAway: PostgreSQL does not answer, or does not let us in.
    """
    try:
        return present(engine)
    except DBAPIError as error:
        if engine.dialect.name == "sqlite":
            raise DatabaseUnsupported(
                "The database file cannot be read as one of SQLite.", "Restore a backup."
            ) from None
        from flowapp.store.postgres import unreachable

        raise unreachable(error) from None
