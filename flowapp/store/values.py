"""JSON values by the hash of their text: equal results are stored once, and rows hold only the hash.

Small values sit in the `value` table, larger ones in a blob. A small cache of recent texts answers most reads of a run's
own results without the database: content never changes under its hash, so the cache cannot be out of date.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.jsontext import JsonText, hash_of
from flowapp.store.blobs import Blobs
from flowapp.store.clock import now
from flowapp.store.database import Database
from flowapp.store.errors import ValueMissing

INLINE_BYTES = 64 * 1024
CACHE_CHARACTERS = 8 << 20
LARGEST_ON_LOOP = 1 << 20
"""Characters: hashing more than this takes milliseconds, and happens in a thread."""
_INSERT = "INSERT OR IGNORE INTO value (hash, text, blob, size, created_at) VALUES (?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A value whose content is safe (big ones are in their blob already); `Values.insert` adds its row."""

    hash: str
    text: str | None
    blob: str | None
    size: int


class Values:
    """The values of one database and blob folder."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs
        self._cache: OrderedDict[str, JsonText] = OrderedDict()
        self._cached = 0

    async def put_value(self, text: JsonText) -> str:
        """Store a value by itself; returns its hash."""
        prepared = await self.prepare(text)
        await self._database.write(lambda connection: self.insert(connection, prepared))
        return prepared.hash

    async def prepare(self, text: JsonText) -> Prepared:
        """Everything but the row, so that the row can go into the same transaction as what refers to it."""
        if len(text) > LARGEST_ON_LOOP:
            digest, content = await asyncio.to_thread(lambda: (hash_of(text), text.encode("utf-8", "surrogatepass")))
            reference = await self._blobs.put(content)
            return Prepared(digest, None, reference.sha256, reference.size)
        digest = hash_of(text)
        self._remember(digest, text)
        size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        if size <= INLINE_BYTES:
            return Prepared(digest, text, None, size)
        reference = await self._blobs.put(text.encode("utf-8", "surrogatepass"))
        return Prepared(digest, None, reference.sha256, reference.size)

    def insert(self, connection: Connection, *values: Prepared) -> None:
        """Inside a write: add the rows of prepared values that are not there yet."""
        at = now()
        rows = [(value.hash, value.text, value.blob, value.size, at) for value in values]
        if rows:
            connection.exec_driver_sql(_INSERT, rows if len(rows) > 1 else rows[0])

    async def get_value(self, digest: str) -> JsonText:
        """The text of a value.

        Raises:
            ValueMissing: nothing is stored under this hash.
        """
        return (await self.get_values((digest,)))[digest]

    async def get_values(self, digests: Iterable[str]) -> Mapping[str, JsonText]:
        """The texts of several values, read in one go.

        Raises:
            ValueMissing: one of them is not stored.
        """
        found: dict[str, JsonText] = {}
        missing: list[str] = []
        for digest in set(digests):
            text = self._cache.get(digest)
            if text is None:
                missing.append(digest)
            else:
                self._cache.move_to_end(digest)
                found[digest] = text
        for start in range(0, len(missing), 500):
            part = tuple(missing[start : start + 500])
            for digest, inline, blob in await self._database.read(partial(_rows, digests=part)):
                content = (
                    inline if inline is not None else (await self._blobs.read(blob)).decode("utf-8", "surrogatepass")
                )
                found[digest] = JsonText(content)
                self._remember(digest, found[digest])
        for digest in missing:
            if digest not in found:
                raise ValueMissing(f"The stored value {digest[:12]} is gone", "It may have been deleted by retention.")
        return found

    async def size_of(self, digest: str) -> int:
        """The size of a value in bytes.

        Raises:
            ValueMissing: nothing is stored under this hash.
        """
        size = await self._database.read(
            lambda c: c.execute(sa.text("SELECT size FROM value WHERE hash = :h"), {"h": digest}).scalar()
        )
        if size is None:
            raise ValueMissing(f"The stored value {digest[:12]} is gone", "It may have been deleted by retention.")
        return int(size)

    async def locate(self, digest: str) -> Prepared:
        """Where a value is: its text for a small one, the blob's name for a big one, which is not read.

        Raises:
            ValueMissing: nothing is stored under this hash.
        """
        known = self._cache.get(digest)
        if known is not None:
            return Prepared(digest, known, None, len(known))
        found = await self._database.read(
            lambda c: c.exec_driver_sql("SELECT text, blob, size FROM value WHERE hash = ?", (digest,)).first()
        )
        if found is None:
            raise ValueMissing(f"The stored value {digest[:12]} is gone", "It may have been deleted by retention.")
        return Prepared(digest, found[0], found[1], int(found[2]))

    def _remember(self, digest: str, text: JsonText) -> None:
        if digest in self._cache or len(text) > CACHE_CHARACTERS // 8:
            return
        self._cache[digest] = text
        self._cached += len(text)
        while self._cached > CACHE_CHARACTERS:
            _, oldest = self._cache.popitem(last=False)
            self._cached -= len(oldest)


def _rows(connection: Connection, digests: tuple[str, ...]) -> list[tuple[str, str | None, str]]:
    marks = ",".join("?" * len(digests))
    query = f"SELECT hash, text, blob FROM value WHERE hash IN ({marks})"  # noqa: S608 - only question marks are put in
    return [(row[0], row[1], row[2]) for row in connection.exec_driver_sql(query, digests)]
