"""PostgreSQL: a few writing threads, each with its connection and a transaction per write, and a few reading ones.

Writes do not share transactions here, as they do on SQLite: the server commits several at once by itself, and a transaction
that held the rows of many runs would wait for those of another server.

A write that failed because the connection broke before its commit was sent is done again on a new one, for some seconds:
whoever restarts PostgreSQL need not restart the runs. When the connection breaks in the very commit nobody can know whether it
took place; that is an error, and its message says so. Only a server that was left idle says that it did not: then it is done again.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TextIO, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from flowapp.store.database import Database, Statement, Write
from flowapp.store.errors import DatabaseAway, DatabaseClosed, DatabaseUnsupported
from flowapp.store.home import lock_home
from flowapp.store.migrations import migrate
from flowapp.store.origin import ORIGIN
from flowapp.store.relay import Relay, notify

T = TypeVar("T")
READERS = 4
WRITERS = 4
PATIENCE_S = 5.0
"""How long a call waits for a server that went away before it fails."""
AGAIN = 8
OLDEST = 13
_IDLE_MS = 5000
"""A process that stops in the middle of a transaction (asleep, cut off) keeps its locks no longer than this."""
_CONNECT = {
    "connect_timeout": 5,
    "application_name": "flowapp",
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
#: serialization failure, deadlock, asleep for too long: nothing was done, and the same work succeeds when it is done again
_AGAIN_STATES = ("40001", "40P01", "25P03")


class PostgresDatabase(Database):
    """One process's use of a PostgreSQL database that others may use too."""

    shared = True

    def __init__(self, url: str, lock: TextIO) -> None:
        super().__init__()
        self._lock_file = lock
        address = engine_url(url)
        writing = {**_CONNECT, "options": f"-c idle_in_transaction_session_timeout={_IDLE_MS}"}
        self._engine = sa.create_engine(address, pool_size=WRITERS, max_overflow=1, connect_args=writing)
        self._engine_of_statements = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        read_only = {**_CONNECT, "options": "-c default_transaction_read_only=on"}
        self._reader_engine = sa.create_engine(
            address, pool_size=READERS, max_overflow=0, isolation_level="AUTOCOMMIT", connect_args=read_only
        )
        self._queue: queue.SimpleQueue[Write | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")
        self._writers = [
            threading.Thread(target=self._write_forever, name=f"store-write-{number}", daemon=True)
            for number in range(WRITERS)
        ]
        self._relay = Relay(self.events, address, _CONNECT, self._send)

    @classmethod
    async def open(cls, url: str, home: Path) -> PostgresDatabase:
        """Lock the data folder, check the server, bring the schema up to date, start the threads.

        Raises:
            DatabaseUnsupported: the address cannot be read, or the server is too old.
            DatabaseAway: the server does not answer, or does not let us in.
            HomeInUse: another server has this data folder open.
        """
        lock = lock_home(home)
        try:
            database = cls(url, lock)
            await asyncio.to_thread(database._prepare)
        except BaseException:
            lock.close()
            raise
        database._closed = False
        for thread in database._writers:
            thread.start()
        await database._relay.start()
        return database

    @property
    def engine(self) -> Engine:
        """For what has to manage its transactions itself: migrations, and contents too large for one write."""
        return self._engine

    async def close(self) -> None:
        """Finish the writes at hand, refuse later ones, release the data folder."""
        if not self._closed:
            await self._relay.stop()
            self._closed = True
            for _ in self._writers:
                self._queue.put(None)
            for thread in self._writers:
                await asyncio.to_thread(thread.join)
            await asyncio.to_thread(self._readers.shutdown)
            self._engine.dispose()
            self._reader_engine.dispose()
            self._lock_file.close()
        self.events.close_all()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a reading thread; it sees everything committed so far and cannot change anything."""
        if self._closed:
            raise DatabaseClosed("The server is stopping")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def _prepare(self) -> None:
        try:
            with self._engine.connect() as connection:
                number = int(str(connection.exec_driver_sql("SHOW server_version_num").scalar()))
        except DBAPIError as error:
            raise unreachable(error) from None
        if number < OLDEST * 10_000:
            raise DatabaseUnsupported(
                f"PostgreSQL {number // 10_000} is too old.", f"Flowapp needs PostgreSQL {OLDEST} or newer."
            )
        try:
            migrate(self._engine)
        except DBAPIError as error:
            raise DatabaseUnsupported(
                f"The tables could not be made: {_first_line(error)}",
                "The user that DATABASE_URL names must be allowed to create tables in this database.",
            ) from error

    def _hand_over(self, item: Write) -> None:
        self._queue.put(item)

    async def _send(self, payloads: list[str]) -> None:
        """Tell the other processes, outside of any write of ours."""
        if payloads and not self._closed:
            with contextlib.suppress(DatabaseAway, DatabaseClosed, DBAPIError):
                await self.write(lambda connection: notify(connection, payloads))

    def _read(self, work: Callable[[Connection], T]) -> T:
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                with self._reader_engine.connect() as connection:
                    return work(connection)
            except DBAPIError as error:
                _wait_or_raise(error, until)

    def _write_forever(self) -> None:
        while (item := self._queue.get()) is not None:
            try:
                self._write(item)
            except Exception as error:
                item.error, item.events = error, []
            self._wake([item])

    def _write(self, item: Write) -> None:
        until, attempt = time.monotonic() + PATIENCE_S, 0
        engine = self._engine_of_statements if isinstance(item, Statement) else self._engine
        while True:
            committing = False
            try:
                with engine.connect() as connection:
                    item.events = self.events.collect()
                    ORIGIN.set(item.origin)
                    item.value = item.work(connection)
                    if item.events:
                        notify(connection, self._relay.payloads(item.events))
                    committing = True
                    connection.commit()
                    return
            except DBAPIError as error:
                state = getattr(error.orig, "sqlstate", None)
                # these say for certain that nothing was saved, also when they are the answer to a commit
                undone = state in _AGAIN_STATES
                if committing and error.connection_invalidated and not undone:
                    raise DatabaseAway(
                        "The connection to PostgreSQL broke while a change was being saved; it may or may not be saved",
                        "Reload, and repeat what is missing.",
                    ) from error
                attempt += 1
                if undone and attempt < AGAIN:
                    continue
                _wait_or_raise(error, until)


def engine_url(url: str) -> sa.URL:
    """The address as SQLAlchemy wants it.

    Raises:
        DatabaseUnsupported: it cannot be read.
    """
    try:
        return sa.make_url(url).set(drivername="postgresql+psycopg")
    except (sa.exc.ArgumentError, ValueError):
        raise DatabaseUnsupported(
            "DATABASE_URL cannot be read.", "Write it as postgresql://<user>:<password>@<host>:5432/<name>."
        ) from None


def unreachable(error: DBAPIError) -> DatabaseAway:
    """What to tell about a server that cannot be used; never holds the password."""
    return DatabaseAway(
        f"PostgreSQL cannot be used: {_first_line(error)}",
        "Is it running, and are host, port, user, password and database name in DATABASE_URL right?",
    )


def lost_or_same(error: DBAPIError) -> Exception:
    """The error itself, or in plain words when it only says that the connection is gone or cannot be made."""
    if not (error.connection_invalidated or _not_connected(error)):
        return error
    return DatabaseAway(
        f"PostgreSQL does not answer: {_first_line(error)}", "Flowapp goes on by itself when it is back."
    )


def _wait_or_raise(error: DBAPIError, until: float) -> None:
    """Return a little later when the connection is to blame and there is time left."""
    found = lost_or_same(error)
    if found is error or time.monotonic() > until:
        raise found from error
    time.sleep(0.05)


def _not_connected(error: DBAPIError) -> bool:
    """Whether no connection could be made at all; such errors have no SQL state, or one of a server that starts or stops."""
    if not isinstance(error, sa.exc.OperationalError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    return state is None or state.startswith(("08", "57P"))


def _first_line(error: DBAPIError) -> str:
    lines = [line.strip() for line in str(error.orig).splitlines() if line.strip()]
    telling = [line for line in lines if "failed:" in line] or lines
    return telling[0].lstrip("- ") if telling else type(error.orig).__name__
