"""Logs of steps, kept in chunks: a running step appends, a page reads from a character offset on."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.store.clock import now
from flowapp.store.database import Database
from flowapp.store.errors import OwnershipLost

READ_CHARACTERS = 256 * 1024
_APPEND = (
    "INSERT OR REPLACE INTO log (run_id, path, attempt, offset, text, at) SELECT ?, ?, ?, ?, ?, ? "
    "WHERE EXISTS (SELECT 1 FROM run WHERE id = ? AND owner = ?)"
)


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

        Raises:
            OwnershipLost: `owner` does not own the run any more.
        """
        row = (run_id, path, attempt, offset, text, now(), run_id, owner)
        if connection.exec_driver_sql(_APPEND, row).rowcount == 0:
            raise OwnershipLost(f"Run {run_id} was taken over")

    async def read(
        self, run_id: str, path: str, *, attempt: int | None = None, offset: int = 0, limit: int = READ_CHARACTERS
    ) -> LogPart:
        """Up to `limit` characters from `offset` on, of the newest attempt unless one is named."""

        def work(connection: Connection) -> LogPart:
            newest = (
                attempt
                or connection.execute(
                    sa.text("SELECT max(attempt) FROM log WHERE run_id = :r AND path = :p"), {"r": run_id, "p": path}
                ).scalar()
            )
            chunks = connection.exec_driver_sql(
                "SELECT offset, text FROM log WHERE run_id = ? AND path = ? AND attempt = ? "
                "AND offset + length(text) > ? AND offset < ? ORDER BY offset",
                (run_id, path, newest or 1, offset, offset + limit),
            )
            parts, position = [], offset
            for start, text in chunks:
                part = text[max(0, position - start) : max(0, offset + limit - start)]
                parts.append(part)
                position = max(position, start) + len(part)
            return LogPart("".join(parts), position)

        return await self._database.read(work)

    async def tail(self, run_id: str, path: str, characters: int = 4096) -> tuple[str, int]:
        """The end of the newest attempt's log and the number of characters it has in all."""
        total = await self._database.read(
            lambda connection: connection.execute(
                sa.text(
                    "SELECT offset + length(text) FROM log WHERE run_id = :r AND path = :p "
                    "ORDER BY attempt DESC, offset DESC LIMIT 1"
                ),
                {"r": run_id, "p": path},
            ).scalar()
        )
        if not total:
            return "", 0
        part = await self.read(run_id, path, offset=max(0, total - characters), limit=characters)
        return part.text, int(total)
