"""The one door to our database, whichever it is: SQLite in the data folder, or PostgreSQL for any number of servers.

Callers hand a function to `write` or `read`; it gets a connection in a thread of the database's own. What belongs together
goes into one function, which is one transaction.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.engine import Connection

from flowapp.store.errors import DatabaseClosed, DatabaseUnsupported
from flowapp.store.events import Event, Events
from flowapp.store.origin import ORIGIN

T = TypeVar("T")
_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql://", "postgres://", "postgresql+psycopg://")


@dataclass(slots=True)
class Write:
    """A write on its way: what to do, who waits, where the wish came from, and what came of it."""

    work: Callable[[Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    value: Any = None
    error: BaseException | None = None
    events: list[Event] = field(default_factory=list)
    origin: str = field(default_factory=ORIGIN.get)


class Statement(Write):
    """A write of one statement, which needs no transaction around it."""


class Database(ABC):
    """Our tables. `events` publishes what writes announce with `after_commit`."""

    #: whether other processes work on the same database
    shared: bool

    def __init__(self) -> None:
        self.events = Events()
        self._closed = True

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction; returns its value when that is durable.

        `work` must be quick, must not touch the event loop, and may be run again when PostgreSQL asks for it. Its exception
        rolls back its own changes only, and is raised here. Cancelling the caller does not undo a write that has been handed
        over. Of two writes that nobody waited for in between, either may come first.

        Raises:
            DatabaseClosed: the server is stopping.
            DatabaseAway: PostgreSQL does not answer.
        """
        return await self._written(Write, work)

    async def _written(self, kind: type[Write], work: Callable[[Connection], T]) -> T:
        if self._closed:
            raise DatabaseClosed("The server is stopping and takes no more changes")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._hand_over(kind(work, loop, future))
        return await future

    async def record(self, work: Callable[[Connection], T]) -> T:
        """`write` for a few small rows that somebody waits for: it may be done at once, in the event loop itself.

        Raises:
            DatabaseClosed, DatabaseAway: as `write`.
        """
        return await self.write(work)

    async def state(self, work: Callable[[Connection], T]) -> T:
        """`write` of one statement that announces nothing and may be repeated: nothing is sent before or after it.

        Raises:
            DatabaseClosed, DatabaseAway: as `write`.
        """
        return await self._written(Statement, work)

    @abstractmethod
    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a reading thread; it sees everything committed so far and cannot change anything.

        Raises:
            DatabaseClosed: the server is stopping.
            DatabaseAway: PostgreSQL does not answer.
        """

    @abstractmethod
    async def close(self) -> None:
        """Finish the writes at hand, refuse later ones, release the data folder."""

    @abstractmethod
    def _hand_over(self, item: Write) -> None:
        """Queue a write for the threads that do it."""

    def _wake(self, batch: list[Write]) -> None:
        """From a writing thread: publish the events of durable writes and wake their callers, in that order."""
        for loop in {item.loop for item in batch}:
            with contextlib.suppress(RuntimeError):  # that loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(self._announce, [item for item in batch if item.loop is loop])

    def _announce(self, batch: list[Write]) -> None:
        for item in batch:
            for announced in item.events:
                self.events.deliver(announced)
            if item.future.done():
                continue
            if item.error is not None:
                item.future.set_exception(item.error)
            else:
                item.future.set_result(item.value)


async def open_database(url: str, home: Path) -> Database:
    """Open the database that `url` names (empty: `flowapp.db` in the data folder), with the newest schema.

    Raises:
        DatabaseUnsupported: it names no database that we can use.
        DatabaseAway: PostgreSQL does not answer.
        HomeInUse: another server has this data folder open.
    """
    if is_postgres(url):
        from flowapp.store.postgres import PostgresDatabase

        return await PostgresDatabase.open(url, home)
    from flowapp.store.sqlite import SqliteDatabase

    return await SqliteDatabase.open(database_file(url, home), home)


def is_postgres(url: str) -> bool:
    """Whether the address is one of a PostgreSQL database."""
    return url.startswith(_POSTGRES)


def database_file(url: str, home: Path) -> Path:
    """The SQLite file that `url` names; an empty url means `flowapp.db` in the data folder.

    Raises:
        DatabaseUnsupported: any other database.
    """
    if not url:
        return home / "flowapp.db"
    if url.startswith(_SQLITE) and len(url) > len(_SQLITE):
        return Path(url[len(_SQLITE) :])
    raise DatabaseUnsupported(
        f"DATABASE_URL must be empty, sqlite:///<file> or postgresql://<user>:<password>@<host>/<name>, "
        f"not {url.split(':', 1)[0]}:…",
        "Leave DATABASE_URL empty to keep the database in the data folder.",
    )
