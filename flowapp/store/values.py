"""JSON values by the hash of their text: equal results are stored once, and rows hold only the hash.

Small values sit in the `value` table, larger ones in a blob. A small cache of recent texts answers most reads of a run's
own results without the database: content never changes under its hash, so the cache cannot be out of date.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from flowapp.jsontext import JsonText, hash_of
from flowapp.store import large_values
from flowapp.store.blobs import REFERENCE, Blobs
from flowapp.store.clock import now, seconds_ago
from flowapp.store.database import Database
from flowapp.store.errors import ValueMissing
from flowapp.store.large_values import ValueRef, ValueWriter
from flowapp.store.rows import table
from flowapp.store.sql import Sql
from flowapp.store.tables import ValueRow

_VALUE = table(ValueRow)
_SHA256 = re.compile(r'"sha256":\s*"([0-9a-f]{64})"')
INLINE_BYTES = 64 * 1024
CACHE_CHARACTERS = 8 << 20
LARGEST_ON_LOOP = 1 << 20
"""Characters: hashing more than this takes milliseconds, and happens in a thread."""
_INSERT = Sql(
    "INSERT INTO value (hash, text, blob, size, refs, created_at) VALUES (:hash, :text, :blob, :size, :refs, :at) "
    "ON CONFLICT (hash) DO NOTHING"
)
#: PostgreSQL, in one round trip: adds what is not there, in this order, and names what is there and new enough
_INSERT_ALL = Sql(
    "WITH added AS (INSERT INTO value (hash, text, blob, size, refs, created_at) "
    "SELECT given.*, CAST(:at AS VARCHAR) FROM unnest(CAST(:hash AS VARCHAR[]), CAST(:text AS TEXT[]), "
    "CAST(:blob AS VARCHAR[]), CAST(:size AS BIGINT[]), CAST(:refs AS TEXT[])) AS given "
    "ON CONFLICT (hash) DO NOTHING RETURNING hash) SELECT hash FROM added "
    "UNION ALL SELECT hash FROM value WHERE hash = ANY(CAST(:hash AS VARCHAR[])) AND created_at >= :old"
)
#: SQLite has one writer, so nobody waits here for the row of a value that many store: one statement does it all
_INSERT_OR_TOUCH = Sql(
    "INSERT INTO value (hash, text, blob, size, refs, created_at) VALUES (:hash, :text, :blob, :size, :refs, :at) "
    "ON CONFLICT (hash) DO UPDATE SET created_at = excluded.created_at WHERE value.created_at < :old"
)
_TOUCH = Sql("UPDATE value SET created_at = :at WHERE hash = :hash")
_SIZE = Sql("SELECT size FROM value WHERE hash = :hash")
_PLACE = Sql("SELECT text, blob, size, refs FROM value WHERE hash = :hash")
TOUCH_AFTER_S = 1800.0
"""A value that is stored again counts as new when it is older than this. Retention removes only what has been neither new nor
referred to for twice as long, so a value is never removed under the feet of who just stored it."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A value whose content is safe (big ones are in their blob already); `Values.insert` adds its row."""

    hash: str
    text: str | None
    blob: str | None
    size: int
    #: the blobs that the text refers to, see the column of that name; None: not looked for
    refs: str | None = None


def columns_of(values: Sequence[Prepared]) -> dict[str, list[Any]]:
    """The columns of prepared values, each value once.

    In one order everywhere: two transactions that store the same values wait for each other, but not in a circle.
    """
    rows = [_row(value) for _, value in sorted({value.hash: value for value in values}.items())]
    return {name: [row[name] for row in rows] for name in ("hash", "text", "blob", "size", "refs")}


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
        """Everything but the row, so that the row can go into the same transaction as what refers to it.

        What stands for a large value (see `large_values`) is that value.
        """
        reference = ValueRef.from_text(text)
        if reference is not None and (known := await self.find(reference)) is not None:
            return known
        if len(text) > LARGEST_ON_LOOP:
            digest, content = await asyncio.to_thread(lambda: (hash_of(text), text.encode("utf-8", "surrogatepass")))
            blob = await self._blobs.put(content)
            return Prepared(digest, None, blob.sha256, blob.size, _references(text))
        digest = hash_of(text)
        self._remember(digest, text)
        size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        if size <= INLINE_BYTES:
            return Prepared(digest, text, None, size, _references(text))
        blob = await self._blobs.put(text.encode("utf-8", "surrogatepass"))
        return Prepared(digest, None, blob.sha256, blob.size, _references(text))

    def inline(self, text: JsonText) -> Prepared:
        """`prepare` for a document, which stays in the database whatever its size: a file of its own, synced to disk, would
        cost more. Whoever reads it next (the run that it was stored for) has it from memory.
        """
        digest = hash_of(text)
        self._remember(digest, text)
        return Prepared(digest, text, None, len(text.encode("utf-8", "surrogatepass")), _references(text))

    def insert(self, connection: Connection, *values: Prepared) -> None:
        """Inside a write: add the rows of prepared values that are not there yet."""
        if not values:
            return
        at, old = now(), seconds_ago(TOUCH_AFTER_S)
        if connection.dialect.name == "sqlite":
            for value in values:
                _INSERT_OR_TOUCH.change(connection, {**_row(value), "at": at, "old": old})
            return
        rows = {value.hash: _row(value) for value in values}
        columns = columns_of(values)
        done = set(_INSERT_ALL.run(connection, {**columns, "at": at, "old": old}).scalars())
        for digest in columns["hash"]:
            if digest not in done:
                _TOUCH.run(connection, {"hash": digest, "at": at})
                # retention may have removed it before it was touched; then there is room for it now
                _INSERT.run(connection, {**rows[digest], "at": at})

    def writer(self) -> ValueWriter:
        """For a value that comes piece by piece and is not held; its text refers to no blobs."""

        async def known(reference: ValueRef) -> None:
            prepared = Prepared(reference.hash, None, reference.sha256, reference.size, "")
            await self._database.write(lambda connection: self.insert(connection, prepared))

        return ValueWriter(self._blobs, known)

    async def find(self, reference: ValueRef) -> Prepared | None:
        """The value that a reference stands for; None where it stands for none, which anybody can write."""
        try:
            place = await self._place(reference.hash)
        except ValueMissing:
            return None
        return place if place.blob is not None and place.blob == reference.sha256 else None

    async def get_held(self, digest: str) -> JsonText:
        """The text of a value, or what stands for it where it is too large to be held.

        Raises:
            ValueMissing: nothing is stored under this hash.
        """
        place = await self.locate(digest)
        if place.blob is not None and place.size > large_values.MOST_IN_MEMORY:
            return ValueRef(digest, place.blob, place.size).to_text()
        return await self.get_value(digest)

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
        size = await self._database.read(lambda c: _SIZE.run(c, {"hash": digest}).scalar())
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
        return await self._place(digest)

    async def _place(self, digest: str) -> Prepared:
        found = await self._database.read(lambda c: _PLACE.run(c, {"hash": digest}).first())
        if found is None:
            raise ValueMissing(f"The stored value {digest[:12]} is gone", "It may have been deleted by retention.")
        return Prepared(digest, found[0], found[1], int(found[2]), found[3])

    def _remember(self, digest: str, text: JsonText) -> None:
        if digest in self._cache or len(text) > CACHE_CHARACTERS // 8:
            return
        self._cache[digest] = text
        self._cached += len(text)
        while self._cached > CACHE_CHARACTERS:
            _, oldest = self._cache.popitem(last=False)
            self._cached -= len(oldest)


def _row(value: Prepared) -> dict[str, str | int | None]:
    return {"hash": value.hash, "text": value.text, "blob": value.blob, "size": value.size, "refs": value.refs}


def _rows(connection: Connection, digests: tuple[str, ...]) -> list[tuple[str, str | None, str]]:
    query = sa.select(_VALUE.c.hash, _VALUE.c.text, _VALUE.c.blob).where(_VALUE.c.hash.in_(digests))
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def _references(text: str) -> str:
    """The blobs that a value's text refers to, as the column `refs` holds them."""
    return " ".join(sorted(set(_SHA256.findall(text)))) if REFERENCE in text else ""
