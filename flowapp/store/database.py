"""The one door to our database: one writer thread with group commit, a few reading threads.

Writers do not queue on SQLite's lock (they would wait for each other in milliseconds): callers hand a function to the
writer thread and wait until the transaction that holds it is durable. What arrives while a transaction runs shares the next
one. A function that fails is rolled back alone.

DBOS never shares this file: with one file for both, waiting for the lock dominated (p95 56-82 ms against 2 ms).
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from flowapp.store.errors import DatabaseClosed, DatabaseUnsupported, HomeInUse
from flowapp.store.events import Event, Events
from flowapp.store.migrations import migrate

T = TypeVar("T")
READERS = 3
MAX_BATCH = 200
_SQLITE = "sqlite:///"


@dataclass(slots=True)
class _Write:
    work: Callable[[Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    value: Any = None
    error: BaseException | None = None
    events: list[Event] = field(default_factory=list)


def database_file(url: str, home: Path) -> Path:
    """The SQLite file that `url` names; an empty url means `flowapp.db` in the data folder.

    Raises:
        DatabaseUnsupported: any other database.
    """
    if not url:
        return home / "flowapp.db"
    if url.startswith(_SQLITE) and len(url) > len(_SQLITE):
        return Path(url[len(_SQLITE) :])
    if url.startswith("postgres"):
        raise DatabaseUnsupported(
            "PostgreSQL is not supported by this version",
            "Leave DATABASE_URL empty, or set sqlite:///<file>.",
        )
    raise DatabaseUnsupported(
        f"DATABASE_URL must be empty or sqlite:///<file>, not {url.split(':', 1)[0]}:…",
        "Leave DATABASE_URL empty to keep the database in the data folder.",
    )


class Database:
    """Our SQLite database. `events` publishes what writes announce with `after_commit`."""

    def __init__(self) -> None:
        self.events = Events()
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._closed = True
        self._local = threading.local()
        self._reading: list[Connection] = []
        self._lock_file: TextIO | None = None

    async def open(self, url: str, home: Path) -> None:
        """Lock the data folder, bring the schema up to date, start the threads.

        Raises:
            DatabaseUnsupported: `url` is not SQLite.
            HomeInUse: another server has this data folder open.
        """
        path = database_file(url, home)
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock_file = _lock(home)
        path.touch(
            mode=0o600
        )  # for its owner only, also where the folder is not; SQLite gives its log files the same mode
        self._engine = _engine(path)
        await asyncio.to_thread(migrate, self._engine)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")
        self._writer = threading.Thread(target=self._write_forever, name="store-write", daemon=True)
        self._closed = False
        self._writer.start()

    async def close(self) -> None:
        """Finish the writes at hand, refuse later ones, release the data folder."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            await asyncio.to_thread(self._writer.join)
            await asyncio.to_thread(self._readers.shutdown)
            for connection in self._reading:
                connection.close()
            self._engine.dispose()
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None
        self.events.close_all()

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in the writer thread; returns its value when the transaction that holds it is durable.

        `work` must be quick, and must not touch the event loop. Its exception rolls back its own changes only, and is
        raised here. Cancelling the caller does not undo a write that has been handed over.

        Raises:
            DatabaseClosed: the server is stopping.
        """
        if self._closed:
            raise DatabaseClosed("The server is stopping and takes no more changes")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Write(work, loop, future))
        return await future

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a reading thread; it sees everything committed so far and cannot change anything."""
        if self._closed:
            raise DatabaseClosed("The server is stopping")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def _read(self, work: Callable[[Connection], T]) -> T:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._engine.connect()
            connection.exec_driver_sql("PRAGMA query_only=ON")
            connection.rollback()
            self._reading.append(connection)
        try:
            return work(connection)
        finally:
            connection.rollback()

    def _write_forever(self) -> None:
        with self._engine.connect() as connection:
            stop = False
            while not stop:
                batch: list[_Write] = []
                item = self._queue.get()
                while item is not None:
                    batch.append(item)
                    if len(batch) >= MAX_BATCH:
                        break
                    try:
                        item = self._queue.get_nowait()
                    except queue.Empty:
                        break
                stop = item is None
                if batch:
                    self._commit(connection, batch)

    def _commit(self, connection: Connection, batch: list[_Write]) -> None:
        """Run a batch in one transaction, then publish its events and wake its callers, in that order."""
        try:
            # reads use plain BEGIN; a write takes the lock at once, or it could fail half-way with "database is locked"
            raw = _raw(connection)
            raw.execute("BEGIN IMMEDIATE")
            for item in batch:
                self._run(connection, raw, item, alone=len(batch) == 1)
            if raw.in_transaction:
                raw.execute("COMMIT")
        except Exception as error:
            with contextlib.suppress(Exception):
                _raw(connection).execute("ROLLBACK")
            for item in batch:
                item.error, item.events = item.error or error, []
        for loop in {item.loop for item in batch}:
            with contextlib.suppress(RuntimeError):  # that loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(self._announce, [item for item in batch if item.loop is loop])

    def _run(self, connection: Connection, raw: sqlite3.Connection, item: _Write, *, alone: bool) -> None:
        if not alone:
            raw.execute("SAVEPOINT one")
        item.events = self.events.collect()
        try:
            item.value = item.work(connection)
        except Exception as error:
            item.error, item.events = error, []
            raw.execute("ROLLBACK" if alone else "ROLLBACK TO one")
        if not alone:
            raw.execute("RELEASE one")

    def _announce(self, batch: list[_Write]) -> None:
        for item in batch:
            for announced in item.events:
                self.events.publish(announced)
            if item.future.done():
                continue
            if item.error is not None:
                item.future.set_exception(item.error)
            else:
                item.future.set_result(item.value)


def _raw(connection: Connection) -> sqlite3.Connection:
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw


def _engine(path: Path) -> Engine:
    engine = sa.create_engine(
        f"{_SQLITE}{path}", pool_size=READERS + 2, max_overflow=0, connect_args={"check_same_thread": False}
    )

    @event.listens_for(engine, "connect")
    def _configure(raw: sqlite3.Connection, _record: object) -> None:
        # the driver's own BEGIN is switched off: the writer begins and commits by itself, readers need no transaction
        raw.isolation_level = None
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            raw.execute(f"PRAGMA {pragma}")

    return engine


def _lock(home: Path) -> TextIO:
    """Take the data folder for this process; the operating system gives it back whatever way the process ends."""
    file = open(home / "flowapp.lock", "a+", encoding="ascii")  # noqa: SIM115 - held open while the server lives
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        other = file.read().strip()
        file.close()
        raise HomeInUse(
            f"Another Flowapp server{f' (process {other})' if other else ''} is using the data folder {home}",
            "Stop it, or give this one another folder with FLOWAPP_HOME.",
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
