"""SQLite: one writer thread with group commit, a few reading threads, and small writes on the spot.

Writers do not queue on SQLite's lock (they would wait for each other in milliseconds): callers hand a function to the
writer thread and wait until the transaction that holds it is durable. What arrives while a transaction runs shares the next
one. A function that fails is rolled back alone.

Handing a write to a thread and hearing of its end costs more than the few rows of a step do (0.3 ms against 0.15 ms, with
Python's lock going back and forth). What is `record`ed is therefore written by the event loop itself, on a connection that waits for
nobody: the thread moves SQLite's log into the file, with the syncing that this takes, and while anybody else writes it queues as all do.

DBOS never shares this file: with one file for both, waiting for the lock dominated (p95 56-82 ms against 2 ms).
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TextIO, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from flowapp.store.database import Database, Write
from flowapp.store.errors import DatabaseClosed, DatabaseFailed
from flowapp.store.home import lock_home
from flowapp.store.migrations import migrate
from flowapp.store.origin import ORIGIN

T = TypeVar("T")
READERS = 3
MAX_BATCH = 200
TIDY_AFTER = 200
"""Writes on the spot after which SQLite's log is moved into the file."""


class SqliteDatabase(Database):
    """One file, one process."""

    shared = False

    def __init__(self, engine: Engine, lock: TextIO) -> None:
        super().__init__()
        self._engine = engine
        self._lock_file = lock
        self._queue: queue.SimpleQueue[Write | None] = queue.SimpleQueue()
        self._local = threading.local()
        self._reading: list[Connection] = []
        self._spot: Connection | None = None
        self._untidy = 0
        self._turn = threading.Lock()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")
        self._writer = threading.Thread(target=self._write_forever, name="store-write", daemon=True)

    @classmethod
    async def open(cls, path: Path, home: Path) -> SqliteDatabase:
        """Lock the data folder, bring the schema up to date, start the threads.

        Raises:
            HomeInUse: another server has this data folder open.
        """
        lock = lock_home(home)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # for its owner only, also where the folder is not; SQLite gives its log files the same mode
            path.touch(mode=0o600)
            engine = sqlite_engine(path)
            await asyncio.to_thread(migrate, engine)
        except BaseException:
            lock.close()
            raise
        database = cls(engine, lock)
        database._closed = False
        database._writer.start()
        return database

    async def close(self) -> None:
        """Finish the writes at hand, refuse later ones, release the data folder."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            await asyncio.to_thread(self._writer.join)
            await asyncio.to_thread(self._readers.shutdown)
            for connection in (*self._reading, *([self._spot] if self._spot is not None else [])):
                connection.close()
            self._engine.dispose()
            self._lock_file.close()
        self.events.close_all()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a reading thread; it sees everything committed so far and cannot change anything."""
        if self._closed:
            raise DatabaseClosed("The server is stopping")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def record(self, work: Callable[[Connection], T]) -> T:
        """See `Database.record`: here and now, if nobody else is writing."""
        if self._closed or not self._queue.empty() or not self._turn.acquire(blocking=False):
            return await self.write(work)
        try:
            item = self._on_the_spot(work)
        finally:
            self._turn.release()
        if item is None:
            return await self.write(work)
        for announced in item.events:
            self.events.deliver(announced)
        if item.error is not None:
            raise item.error
        value: T = item.value
        return value

    def _on_the_spot(self, work: Callable[[Connection], T]) -> Write | None:
        """The write when it is done; None if another process has the file."""
        if self._spot is None:
            self._spot = self._engine.connect()
            for pragma in ("busy_timeout=0", "wal_autocheckpoint=0"):
                self._spot.exec_driver_sql(f"PRAGMA {pragma}")
            self._spot.rollback()
        loop = asyncio.get_running_loop()
        item, raw = Write(work, loop, loop.create_future()), _raw(self._spot)
        try:
            raw.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return None
        try:
            self._run(self._spot, raw, item, alone=True)
            if raw.in_transaction:
                raw.execute("COMMIT")
        except BaseException as error:
            with contextlib.suppress(sqlite3.Error):
                raw.execute("ROLLBACK")
            raise _told(error) from error
        finally:
            self.events.collected()
        self._untidy += 1
        if self._untidy == TIDY_AFTER:
            self._hand_over(Write(_nothing, loop, loop.create_future()))
        return item

    def _hand_over(self, item: Write) -> None:
        self._queue.put(item)

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
                batch: list[Write] = []
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
                    with self._turn:
                        self._commit(connection, batch)
                if self._untidy >= TIDY_AFTER:
                    # where it fails (no room on the disk), the log stays as it is until the next time, and writing goes on
                    with contextlib.suppress(sqlite3.Error):
                        self._tidy(_raw(connection))

    def _tidy(self, raw: sqlite3.Connection) -> None:
        """Move SQLite's log into the file: most of it while others write, the rest while nobody does.

        What is written next begins the log anew, for which SQLite syncs it: that is done here too.
        """
        self._untidy = 0
        raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        with self._turn:
            raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            raw.execute("PRAGMA user_version = 0")

    def _commit(self, connection: Connection, batch: list[Write]) -> None:
        """Run a batch in one transaction, then publish its events and wake its callers."""
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
                item.error, item.events = item.error or _told(error), []
        self._wake(batch)

    def _run(self, connection: Connection, raw: sqlite3.Connection, item: Write, *, alone: bool) -> None:
        if not alone:
            raw.execute("SAVEPOINT one")
        item.events = self.events.collect()
        ORIGIN.set(item.origin)
        try:
            item.value = item.work(connection)
        except Exception as error:
            item.error, item.events = _told(error), []
            raw.execute("ROLLBACK" if alone else "ROLLBACK TO one")
        if not alone:
            raw.execute("RELEASE one")


def _told(error: BaseException) -> BaseException:
    """The error as SQLAlchemy tells of it, where the driver itself was asked: what the database refuses has one name."""
    if isinstance(error, sqlite3.OperationalError):
        return DatabaseFailed(str(error), None, error)
    return error


def _nothing(_connection: Connection) -> None:
    """A write that changes nothing: it wakes the writing thread."""


def _raw(connection: Connection) -> sqlite3.Connection:
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw


def sqlite_engine(path: Path) -> Engine:
    """Connections to a file, each set up as ours are; transactions are begun by whoever uses them."""
    engine = sa.create_engine(
        f"sqlite:///{path}", pool_size=READERS + 2, max_overflow=0, connect_args={"check_same_thread": False}
    )

    @event.listens_for(engine, "connect")
    def _configure(raw: sqlite3.Connection, _record: object) -> None:
        # the driver's own BEGIN is switched off: the writer begins and commits by itself, readers need no transaction
        raw.isolation_level = None
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            raw.execute(f"PRAGMA {pragma}")

    return engine
