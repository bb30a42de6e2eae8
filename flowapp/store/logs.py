"""Logs of steps, kept in chunks: a running step appends, a page reads from a character offset on.

What a step streams as its result is kept likewise, under a path of its own (`stream_of`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy.engine import Connection

from flowapp.store.clock import now
from flowapp.store.database import Database
from flowapp.store.errors import OwnershipLost
from flowapp.store.rows import table
from flowapp.store.sql import Sql, bind
from flowapp.store.tables import LogRow


class Chunk(NamedTuple):
    """What is to be stored of a step's log or stream: `path` is where, `offset` the characters before it."""

    path: str
    offset: int
    text: str


READ_CHARACTERS = 256 * 1024
_MOST = 2**31 - 1
_STREAM = "#stream"
_APPEND = Sql(
    'INSERT INTO log (run_id, path, attempt, "offset", text, at) '  # noqa: S608 - our own column names
    f"SELECT {', '.join(bind(column) for column in table(LogRow).columns)} "
    "WHERE EXISTS (SELECT 1 FROM run WHERE id = :run_id AND owner = :owner FOR SHARE) "
    'ON CONFLICT (run_id, path, attempt, "offset") DO UPDATE SET text = excluded.text, at = excluded.at'
)
_NEWEST = Sql("SELECT max(attempt) FROM log WHERE run_id = :run_id AND path = :path")
_PART = Sql(
    'SELECT "offset", text FROM log WHERE run_id = :run_id AND path = :path AND attempt = :attempt '
    'AND "offset" + length(text) > :start AND "offset" < :stop ORDER BY "offset"'
)
_LENGTH = Sql(
    'SELECT max("offset" + length(text)) FROM log WHERE run_id = :run_id AND path = :path AND attempt = :attempt'
)
_END = Sql(
    'SELECT "offset" + length(text), attempt FROM log WHERE run_id = :run_id AND path = :path '
    'AND attempt BETWEEN :least AND :most ORDER BY attempt DESC, "offset" DESC LIMIT 1'
)
_STREAMS = Sql("SELECT DISTINCT path FROM log WHERE run_id = :run_id AND path LIKE :ending")


_FORGET_ALL = Sql(
    "DELETE FROM log WHERE run_id = :run_id AND path = :path AND attempt = :attempt "
    "AND EXISTS (SELECT 1 FROM run WHERE id = :run_id AND owner = :owner FOR SHARE)"
)
_FORGET = Sql('DELETE FROM log WHERE run_id = :run_id AND path = :path AND attempt = :attempt AND "offset" > 0')


def is_stream(path: str) -> bool:
    """Whether a stream is kept at a path, and no log."""
    return path.endswith(_STREAM)


def forget_after(connection: Connection, run_id: str, path: str, attempt: int) -> None:
    """Inside a write: forget all chunks but the first."""
    _FORGET.run(connection, {"run_id": run_id, "path": path, "attempt": attempt})


def stream_of(path: str) -> str:
    """Where the stream of the step at a path is kept. No id of a step has the sign in it."""
    return path + _STREAM


@dataclass(frozen=True, slots=True)
class LogPart:
    """A piece of a log. `next` is the offset to read on from."""

    text: str
    next: int


class Logs:
    """The log chunks of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(
        self, connection: Connection, run_id: str, path: str, attempt: int, offset: int, text: str, owner: str
    ) -> None:
        """Inside a write: add a chunk that begins at character `offset` of the attempt's log.

        A stream that begins anew takes the place of the one that an interrupted execution of the same attempt left.

        Raises:
            OwnershipLost: `owner` does not own the run any more.
        """
        place = {"run_id": run_id, "path": path, "attempt": attempt, "offset": offset}
        if _APPEND.change(connection, {**place, "text": text, "at": now(), "owner": owner}) == 0:
            raise OwnershipLost(f"Run {run_id} was taken over")
        if offset == 0 and is_stream(path):
            forget_after(connection, run_id, path, attempt)

    def forget_stream(self, connection: Connection, run_id: str, path: str, attempt: int, owner: str) -> None:
        """Inside a write: forget what an attempt at the step at a path has streamed, if `owner` still owns the run."""
        _FORGET_ALL.run(connection, {"run_id": run_id, "path": stream_of(path), "attempt": attempt, "owner": owner})

    async def read(
        self, run_id: str, path: str, *, attempt: int | None = None, offset: int = 0, limit: int = READ_CHARACTERS
    ) -> LogPart:
        """Up to `limit` characters from `offset` on, of the newest attempt unless one is named."""

        def work(connection: Connection) -> LogPart:
            newest = attempt or _NEWEST.run(connection, {"run_id": run_id, "path": path}).scalar()
            bounds = {"attempt": newest or 1, "start": offset, "stop": offset + limit}
            chunks = _PART.run(connection, {"run_id": run_id, "path": path, **bounds})
            parts, position = [], offset
            for start, text in chunks:
                part = text[max(0, position - start) : max(0, offset + limit - start)]
                parts.append(part)
                position = max(position, start) + len(part)
            return LogPart("".join(parts), position)

        return await self._database.read(work)

    async def newest(self, run_id: str, path: str) -> int:
        """The newest attempt that has printed something; 0 when none has."""
        found = await self._database.read(lambda c: _NEWEST.run(c, {"run_id": run_id, "path": path}).scalar())
        return int(found or 0)

    async def streams(self, run_id: str) -> list[str]:
        """The paths of the steps of a run that have streamed something."""
        found = await self._database.read(lambda c: _STREAMS.run(c, {"run_id": run_id, "ending": f"%{_STREAM}"}).all())
        return [str(path).removesuffix(_STREAM) for (path,) in found]

    async def length(self, run_id: str, path: str, attempt: int) -> int:
        """How many characters an attempt has printed so far."""
        place = {"run_id": run_id, "path": path, "attempt": attempt}
        return int(await self._database.read(lambda c: _LENGTH.run(c, place).scalar()) or 0)

    async def tail(self, run_id: str, path: str, characters: int = 4096, attempt: int | None = None) -> tuple[str, int]:
        """The end of the log of the newest attempt, unless one is named, and the number of characters it has in all."""
        place = {"run_id": run_id, "path": path, "least": attempt or 0, "most": attempt or _MOST}
        found = await self._database.read(lambda c: _END.run(c, place).first())
        if found is None:
            return "", 0
        total, newest = int(found[0]), int(found[1])
        part = await self.read(run_id, path, attempt=newest, offset=max(0, total - characters), limit=characters)
        return part.text, total
